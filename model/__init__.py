"""What turns a transcript into a suggestion. Imports neither torch, transformers, scikit-learn nor pandas."""
