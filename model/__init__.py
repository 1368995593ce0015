"""What turns a transcript into a suggestion. Imports neither torch, transformers, scikit-learn nor pandas."""

import os

# The matrices here are small: threads of BLAS would only wait for those of onnxruntime (beside the encoder's 11 ms a
# call takes 16 ms then instead of 4, measured on two cores). It is read once, when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
