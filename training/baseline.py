"""The baseline every report shows beside the model: jieba and character n-grams, TF-IDF, logistic regression."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from data.corpus import Item
from data.own_taxonomy import PACKAGED, Taxonomy
from data.taxonomy import URGENCIES
from model.fallback import features
from model.release import FILES
from model.text import render

FEATURES = 50_000
STRENGTH = 12.0
TOLERANCE = 1e-4  # ten times that ended, once the corpus had grown, two points of accuracy too early


def train_baseline(items: Sequence[Item], folder: Path, taxonomy: Taxonomy = PACKAGED) -> None:
    """Trains on `items` and writes `fallback.npz`, the form in which `model.fallback.Linear` runs without scikit-learn.

    Weights are int8 with a scale for each output.
    """
    vectorizer = TfidfVectorizer(analyzer=features, sublinear_tf=True, min_df=2, max_features=FEATURES)
    matrix = csr_matrix(vectorizer.fit_transform([render(item.as_turns()).text for item in items]))
    codes = taxonomy.codes
    heads = [
        (np.array([codes.index(taxonomy.resolved(item.category)) for item in items]), len(codes)),
        (np.array([item.urgency.rank for item in items]), len(URGENCIES)),
    ]
    fitted = [_fit(matrix, labels, size) for labels, size in heads]
    weight = np.concatenate([coefficients for coefficients, _ in fitted]).T
    bias = np.concatenate([intercept for _, intercept in fitted])
    scale = np.abs(weight).max(0).clip(1e-6) / 127
    names = vectorizer.get_feature_names_out()
    np.savez_compressed(
        folder / FILES.fallback,
        vocabulary=np.array("\n".join(names)),
        idf=vectorizer.idf_.astype(np.float16),
        weight=np.round(weight / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        bias=bias.astype(np.float32),
    )


def classifier() -> LogisticRegression:
    """The logistic regression of each head, not fitted yet."""
    return LogisticRegression(C=STRENGTH, max_iter=200, tol=TOLERANCE)


def _fit(matrix: csr_matrix, labels: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (size, features) and intercepts; a label that never occurs gets a hopeless intercept."""
    found = classifier().fit(matrix, labels)
    weight, bias = np.zeros((size, matrix.shape[1])), np.full(size, -20.0)
    weight[found.classes_], bias[found.classes_] = found.coef_, found.intercept_
    return weight, bias
