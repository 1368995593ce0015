"""What is fitted on the validation split, after quantisation: temperatures, the joint's weights, the bars."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from data.corpus import Item
from data.own_taxonomy import PACKAGED, Taxonomy
from data.policy import DEFAULT_CITY, Policy, load_policy
from data.taxonomy import URGENCIES, PoliceLabel, Urgency
from model.decode import Array, Bars, Calibration, answer, joint, scores, softmax
from model.risk import expected_cost, load_costs

Labels = Mapping[str, NDArray[np.intp]]
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
SMOOTHING = 2.0
COVERAGE = 0.95
SUSPICIONS = (0.35, 0.3, 0.25, 0.2, 0.15, 0.1)


def habit(items: Sequence[Item], taxonomy: Taxonomy = PACKAGED) -> Array:
    """Urgency given category in the training split, (65, 4), smoothed towards the taxonomy's default.

    Invalid calls are `routine_remote` and nothing else.
    """
    codes = taxonomy.codes
    counts = np.full((len(codes), len(URGENCIES)), 0.25)
    for number, category in enumerate(taxonomy.categories.values()):
        counts[number, category.default_urgency.rank] += SMOOTHING
        if category.police is PoliceLabel.INVALID:
            counts[number] = 0
            counts[number, Urgency.ROUTINE_REMOTE.rank] = 1
    for item in items:
        code = taxonomy.resolved(item.category)
        if taxonomy.categories[code].police is not PoliceLabel.INVALID:
            counts[codes.index(code), item.urgency.rank] += 1
    shares: Array = (counts / counts.sum(1, keepdims=True)).astype(np.float32)
    return shares


def log_loss(score: Array, labels: NDArray[np.intp]) -> float:
    """Mean negative log-likelihood of the labels under softmax of `score` (calls, labels)."""
    return float(-np.log(softmax(score)[np.arange(len(labels)), labels] + 1e-12).mean())


def sharpness(logits: Array, labels: NDArray[np.intp]) -> float:
    """The factor of the logits, one over their temperature, with the least log-loss (Guo et al. 2017)."""

    def loss(log_factor: float) -> float:
        return log_loss(logits * np.float32(np.exp(log_factor)), labels)

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def blend(encoder: Array, linear: Array, labels: NDArray[np.intp]) -> tuple[float, float]:
    """The factors of both models' logits whose sum has the least log-loss."""

    def loss(factors: NDArray[np.float64]) -> float:
        return log_loss(encoder * np.float32(factors[0]) + linear * np.float32(factors[1]), labels)

    start = np.array([sharpness(encoder, labels) / 2, sharpness(linear, labels) / 2])
    found = minimize(loss, start, method="Nelder-Mead", bounds=[(0, 8), (0, 8)])
    return float(found.x[0]), float(found.x[1])


def calibrate(
    logits: Mapping[str, Array],
    linear: Mapping[str, Array],
    labels: Labels,
    habits: Array,
    max_error: float,
    taxonomy: Taxonomy = PACKAGED,
) -> Calibration:
    """Fits everything on the logits of the quantised encoder and of the linear model over the validation split.

    `max_error` is the share of wrong destinations tolerated among suggestions called confident.
    """
    alone = {head: sharpness(values, labels[head]) for head, values in logits.items()}
    blends = {head: (factor, 0.0) for head, factor in alone.items()}
    blends |= {head: blend(logits[head], values, labels[head]) for head, values in linear.items()}
    plain = Calibration(blends, alone, habits, 0.0, 0.0, Bars(0.0), taxonomy)

    def loss(trial: Calibration, head: str, axis: int) -> float:
        found = joint(scores(logits, linear, trial), trial).sum(axis)
        return float(-np.log(found[np.arange(len(found)), labels[head]] + 1e-9).mean())

    sides = [replace(plain, police_weight=weight) for weight in WEIGHTS]
    sided = min(sides, key=lambda trial: loss(trial, "category", 2))

    def bent(values: NDArray[np.float64]) -> Calibration:
        encoder, words, weight = map(float, values)
        return replace(sided, blend={**blends, "urgency": (encoder, words)}, habit_weight=weight)

    # Habit says once more what the urgency head has learnt: fitted one after the other, they are too sure together.
    found = minimize(lambda values: loss(bent(values), "urgency", 1), [*blends["urgency"], 0.5], method="Nelder-Mead",
                     bounds=[(0, 8)] * 3, options={"maxfev": 150, "xatol": 0.01})  # fmt: skip
    best = bent(found.x)
    tables = joint(scores(logits, linear, best), best)
    bar, least = confidence_bar(tables, labels, max_error, taxonomy), plausible_bar(tables, labels, taxonomy)
    suspected = suspicion_bar(tables, labels, bar, taxonomy)
    return replace(best, bars=Bars(bar, least, suspected))


def confidence_bar(tables: Array, labels: Labels, max_error: float, taxonomy: Taxonomy = PACKAGED) -> float:
    """The largest expected cost of a suggestion under which at most `max_error` of the destinations are wrong."""
    policy = load_policy(DEFAULT_CITY, taxonomy=taxonomy)
    scored = []
    for table, truth in zip(tables, _destinations(policy, labels), strict=True):
        reply = answer(table, policy)
        scored.append((expected_cost(table, policy, reply.destination, reply.urgency), reply.destination != truth))
    scored.sort()
    wrong = np.cumsum([missed for _, missed in scored]) / np.arange(1, len(scored) + 1)
    allowed = np.flatnonzero(wrong <= max_error)
    return round(float(scored[allowed[-1]][0]), 4) if len(allowed) else 0.0


def suspicion_bar(tables: Array, labels: Labels, confident_at: float, taxonomy: Taxonomy = PACKAGED) -> float:
    """The probability of danger from which on an answer that is not confident is raised.

    The highest of `SUSPICIONS` that costs at most one standard error more than the cheapest (Breiman et al. 1984,
    section 3.4.3): what costs the same should disturb less. Red flags are left out: they raise by themselves.
    """
    policy, costs = load_policy(DEFAULT_CITY, taxonomy=taxonomy), load_costs()
    paid = np.zeros((len(SUSPICIONS), len(tables)))
    for number, (table, level) in enumerate(zip(tables, labels["urgency"], strict=True)):
        reply = answer(table, policy)
        sure = expected_cost(table, policy, reply.destination, reply.urgency) <= confident_at
        for row, threshold in enumerate(SUSPICIONS):
            goes = reply.urgency.rank <= Urgency.URGENT.rank or (not sure and reply.danger >= threshold)
            if goes and level > Urgency.URGENT.rank:
                paid[row, number] = costs["needless_dispatch"]
            elif not goes and level <= Urgency.URGENT.rank:
                paid[row, number] = costs["missed_emergency" if level == Urgency.EMERGENCY.rank else "missed_urgent"]
    more = paid - paid[paid.sum(1).argmin()]
    near = more.sum(1) <= more.std(1) * len(tables) ** 0.5
    return max(threshold for threshold, cheap in zip(SUSPICIONS, near, strict=True) if cheap)


def plausible_bar(tables: Array, labels: Labels, taxonomy: Taxonomy = PACKAGED) -> float:
    """The least probability at which the destinations shown hold the right one in `COVERAGE` of calls like these.

    Split conformal prediction: the score is one minus the right destination's probability, its quantile that of
    (n + 1) calls (Vovk et al. 2005; Angelopoulos and Bates 2021, section 1).
    """
    policy = load_policy(DEFAULT_CITY, taxonomy=taxonomy)
    right = np.array([answer(table, policy).by_destination[truth]
                      for table, truth in zip(tables, _destinations(policy, labels), strict=True)])  # fmt: skip
    rank = int(np.ceil((len(right) + 1) * COVERAGE))
    return float(np.sort(right)[::-1][rank - 1]) if rank <= len(right) else 0.0


def _destinations(policy: Policy, labels: Labels) -> list[str]:
    codes = policy.taxonomy.codes
    return [policy.rules[codes[category]].destination(URGENCIES[urgency])
            for category, urgency in zip(labels["category"], labels["urgency"], strict=True)]  # fmt: skip
