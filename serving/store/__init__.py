"""What is kept of every call: suggestions, decisions, outcomes, reviews, and who read what."""
