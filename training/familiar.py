"""What passes for a call: a linear head on the pooled vectors, fitted on calls against texts from another world."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from model.decode import Array

FOLDS = 5


def call_head(calls: Array, others: Array, refused: float) -> tuple[Array, Array]:
    """Weight (1, width) and bias (1,) of a logit that is negative for about the share `refused` of real calls.

    Vectors are (texts, width). Where the bias stands is told by cross-validation, not by the vectors it was fitted on.
    """
    vectors = np.concatenate([calls, others])
    labels: NDArray[np.intp] = np.repeat([1, 0], [len(calls), len(others)])
    fit = LogisticRegression(C=0.3, class_weight="balanced", max_iter=1000)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=110)
    logits = cross_val_predict(fit, vectors, labels, cv=folds, method="decision_function")
    limit = np.quantile(logits[labels == 1], refused)
    fit.fit(vectors, labels)
    return fit.coef_.astype(np.float32), (fit.intercept_ - limit).astype(np.float32)
