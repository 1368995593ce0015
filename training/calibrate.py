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
from model.blend import cautious
from model.decode import Array, Bars, Calibration, answer, joint, scores, softmax
from model.fallback import unbent
from model.risk import cautious_cost, load_costs

Labels = Mapping[str, NDArray[np.intp]]
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
SMOOTHING = 2.0
COVERAGE = 0.95
SUSPICIONS = (0.35, 0.3, 0.25, 0.2, 0.15, 0.1)
CAUTIONS = (0.3, 0.2, 0.15, 0.1, 0.05, 0.0)
LEAST_CONFIDENT = 0.85  # of the calls that choose, which are harder than most


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
    caution, bar = confidence(tables, unbent(linear), labels, max_error, taxonomy)
    least, stakes = plausible_bar(tables, labels, taxonomy), cautious(tables, unbent(linear), caution)
    return replace(best, bars=Bars(bar, least, suspicion_bar(tables, stakes, labels, bar, taxonomy), caution))


def confidence(
    tables: Array, linear: Array, labels: Labels, max_error: float, taxonomy: Taxonomy = PACKAGED
) -> tuple[float, float]:
    """How far the linear model's own `linear` counts in what a mistake may cost, and up to which cost one is confident.

    For each of `CAUTIONS` the bar is the largest expected cost under which at most `max_error` of the destinations are
    wrong. The highest is taken with which `LEAST_CONFIDENT` of the calls are confident: as many as an operator needs,
    and otherwise as few dangers as can be passed on.
    """
    policy = load_policy(DEFAULT_CITY, taxonomy=taxonomy)
    replies = [answer(table, policy) for table in tables]
    truths = _destinations(policy, labels)
    wrong = np.array([reply.destination != truth for reply, truth in zip(replies, truths, strict=True)])
    caution, bar = 0.0, 0.0
    for caution in CAUTIONS:
        stakes = cautious(tables, linear, caution)
        expected = np.array([cautious_cost(table, weighed, policy, reply.destination, reply.urgency)
                             for table, weighed, reply in zip(tables, stakes, replies, strict=True)])  # fmt: skip
        bar = _bar(expected, wrong, max_error)
        if (expected <= bar).mean() >= LEAST_CONFIDENT:
            break
    return caution, bar


def _bar(expected: NDArray[np.float64], wrong: NDArray[np.bool_], max_error: float) -> float:
    """The largest of the expected costs up to which at most `max_error` are wrong."""
    order = np.argsort(expected, kind="stable")
    allowed = np.flatnonzero(np.cumsum(wrong[order]) <= max_error * np.arange(1, len(order) + 1))
    return round(float(expected[order][allowed[-1]]), 4) if len(allowed) else 0.0


def suspicion_bar(
    tables: Array, stakes: Array, labels: Labels, confident_at: float, taxonomy: Taxonomy = PACKAGED
) -> float:
    """The probability of danger from which on an answer that is not confident is raised.

    The one of `SUSPICIONS` that costs least by `data/costs.csv`; `stakes` are what costs are expected by. Red flags are
    left out: they raise by themselves.
    """
    policy, costs = load_policy(DEFAULT_CITY, taxonomy=taxonomy), load_costs()
    paid = np.zeros((len(SUSPICIONS), len(tables)))
    for number, (table, weighed, level) in enumerate(zip(tables, stakes, labels["urgency"], strict=True)):
        reply = answer(table, policy)
        sure = cautious_cost(table, weighed, policy, reply.destination, reply.urgency) <= confident_at
        for row, threshold in enumerate(SUSPICIONS):
            goes = reply.urgency.rank <= Urgency.URGENT.rank or (not sure and reply.danger >= threshold)
            if goes and level > Urgency.URGENT.rank:
                paid[row, number] = costs["needless_dispatch"]
            elif not goes and level <= Urgency.URGENT.rank:
                paid[row, number] = costs["missed_emergency" if level == Urgency.EMERGENCY.rank else "missed_urgent"]
    return SUSPICIONS[int(paid.sum(1).argmin())]


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
