"""What is fitted on the validation split, after quantisation: temperatures, the joint's weights, the confidence bar."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from data.corpus import Item
from data.policy import DEFAULT_CITY, load_policy
from data.taxonomy import URGENCIES, PoliceLabel, Urgency, categories
from model.decode import Array, Calibration, answer, joint, softmax

Labels = Mapping[str, NDArray[np.intp]]
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
SMOOTHING = 2.0


def habit(items: Sequence[Item]) -> Array:
    """Urgency given category in the training split, (65, 4), smoothed towards the taxonomy's default.

    Invalid calls are `routine_remote` and nothing else.
    """
    codes = list(categories())
    counts = np.full((len(codes), len(URGENCIES)), 0.25)
    for number, category in enumerate(categories().values()):
        counts[number, category.default_urgency.rank] += SMOOTHING
        if category.police is PoliceLabel.INVALID:
            counts[number] = 0
            counts[number, Urgency.ROUTINE_REMOTE.rank] = 1
    for item in items:
        if categories()[item.category].police is not PoliceLabel.INVALID:
            counts[codes.index(item.category), item.urgency.rank] += 1
    shares: Array = (counts / counts.sum(1, keepdims=True)).astype(np.float32)
    return shares


def temperature(logits: Array, labels: NDArray[np.intp]) -> float:
    """The divisor of the logits with the least negative log-likelihood (Guo et al. 2017)."""

    def loss(log_t: float) -> float:
        p = softmax(logits / np.float32(np.exp(log_t)))
        return float(-np.log(p[np.arange(len(labels)), labels] + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def calibrate(logits: Mapping[str, Array], labels: Labels, habits: Array, max_error: float) -> Calibration:
    """Fits everything on the logits of the quantised encoder over the validation split.

    `max_error` is the share of wrong destinations tolerated among suggestions called confident.
    """
    temperatures = {head: temperature(values, labels[head]) for head, values in logits.items()}
    rows = np.arange(len(labels["category"]))
    best = Calibration(temperatures, habits, 0.0, 0.0, 0.0)
    least = np.inf
    for police_weight, habit_weight in product(WEIGHTS, WEIGHTS):
        trial = Calibration(temperatures, habits, police_weight, habit_weight, 0.0)
        table = joint(logits, trial)
        loss = float(-np.log(table[rows, labels["category"], labels["urgency"]] + 1e-9).mean())
        if loss < least:
            least, best = loss, trial
    bar = confidence_bar(joint(logits, best), labels, max_error)
    return Calibration(temperatures, habits, best.police_weight, best.habit_weight, bar)


def confidence_bar(tables: Array, labels: Labels, max_error: float) -> float:
    """The lowest probability of the destination above which at most `max_error` of the destinations are wrong."""
    policy = load_policy(DEFAULT_CITY)
    codes = list(categories())
    scored = []
    for table, category, urgency in zip(tables, labels["category"], labels["urgency"], strict=True):
        reply = answer(table, policy)
        truth = policy.rules[codes[category]].destination(URGENCIES[urgency])
        scored.append((reply.probability["destination"], reply.destination != truth))
    scored.sort(reverse=True)
    wrong = np.cumsum([missed for _, missed in scored]) / np.arange(1, len(scored) + 1)
    allowed = np.flatnonzero(wrong <= max_error)
    return round(float(scored[allowed[-1]][0]), 4) if len(allowed) else 0.99
