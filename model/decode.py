"""From the heads' logits to one joint distribution over (category, urgency), and from that to answers that agree."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.own_taxonomy import INVALID, PACKAGED, Taxonomy
from data.policy import Policy
from data.taxonomy import POLICE_LABELS, URGENCIES, PoliceLabel, Urgency

Array = NDArray[np.float32]
SUSPECTED_AT = 0.15  # of what has no calibration of its own, or one older than 2026.11.28


def softmax(logits: Array) -> Array:
    """Probabilities along the last axis."""
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    result: Array = shifted / shifted.sum(-1, keepdims=True)
    return result


@dataclass(frozen=True)
class Bars:
    """From where on something counts.

    `confident_at` is the largest expected cost (`model.risk`) at which a suggestion counts as confident, `plausible_at`
    the least probability of the destinations that with it hold the right one in 95 of 100 calls (0, all of them, in a
    release that does not know), `suspected_at` the least probability of danger that raises what is not confident.
    """

    confident_at: float
    plausible_at: float = 0.0
    suspected_at: float = SUSPECTED_AT


@dataclass(frozen=True)
class Calibration:
    """What validation set after quantisation.

    `blend` holds for each head the factors of the encoder's and of the linear model's logits, whose sum is the score
    that softmax turns into probabilities; `alone` the encoder's factor where it answers without the linear model.
    `police_weight` and `habit_weight` say how far the police head and the corpus' habit (`habit`: urgency given
    category of `taxonomy`, 65 × 4) bend the joint.
    """

    blend: Mapping[str, tuple[float, float]]
    alone: Mapping[str, float]
    habit: Array
    police_weight: float
    habit_weight: float
    bars: Bars
    taxonomy: Taxonomy = PACKAGED

    @classmethod
    def from_json(cls, values: Mapping[str, Any], taxonomy: Taxonomy = PACKAGED) -> "Calibration":
        """Reads `calibration.json`; `KeyError` or `ValueError` when it is not one of this taxonomy."""
        habit = np.asarray(values["habit"], np.float32)
        if habit.shape != (len(taxonomy.codes), len(URGENCIES)):
            raise ValueError(f"habit has shape {habit.shape}")
        police, habits = float(values["police_weight"]), float(values["habit_weight"])
        blend = {head: (float(encoder), float(linear)) for head, (encoder, linear) in values["blend"].items()}
        alone = {head: float(factor) for head, factor in values["alone"].items()}
        bars = Bars(
            float(values["confident_at"]),
            float(values.get("plausible_at", Bars.plausible_at)),
            float(values.get("suspected_at", Bars.suspected_at)),
        )
        return cls(blend, alone, habit, police, habits, bars, taxonomy)

    def to_json(self) -> dict[str, Any]:
        """The form `from_json` reads."""
        return {
            "blend": {head: list(factors) for head, factors in self.blend.items()},
            "alone": dict(self.alone),
            "police_weight": self.police_weight,
            "habit_weight": self.habit_weight,
            **asdict(self.bars),
            "habit": np.round(self.habit.astype(float), 4).tolist(),
        }


@lru_cache
def owners(taxonomy: Taxonomy) -> NDArray[np.intp]:
    """Index of the taxonomy's police label for each category, (65,)."""
    return np.array([POLICE_LABELS.index(category.police) for category in taxonomy.categories.values()])


def scores(
    logits: Mapping[str, Array], linear: Mapping[str, Array] | None, calibration: Calibration
) -> dict[str, Array]:
    """Calibrated scores by head: the encoder's `logits`, and the `linear` model's where it has that head, blended."""
    if linear is None:
        return {head: values * np.float32(calibration.alone[head]) for head, values in logits.items()}
    blended = {head: values * np.float32(calibration.blend[head][0]) for head, values in logits.items()}
    return blended | {head: blended[head] + values * np.float32(calibration.blend[head][1])
                      for head, values in linear.items()}  # fmt: skip


def joint(score: Mapping[str, Array], calibration: Calibration) -> Array:
    """Probability of every (category, urgency), (..., 65, 4), from `category`, `urgency` and `police` scores.

    The police head re-weights categories by their owner; urgency is conditioned on the category, so an answer such as
    "misdial, emergency" cannot win.
    """
    police = softmax(score["police"])[..., owners(calibration.taxonomy)]
    category = softmax(score["category"]) * police**calibration.police_weight
    category /= category.sum(-1, keepdims=True)
    urgency = softmax(score["urgency"])[..., None, :] * calibration.habit**calibration.habit_weight
    urgency /= urgency.sum(-1, keepdims=True)
    result: Array = category[..., None] * urgency
    return result


@lru_cache
def possible(taxonomy: Taxonomy) -> Array:
    """Which (category, urgency) can be at all, (65, 4): an invalid call needs nobody to come."""
    table = np.ones((len(taxonomy.codes), len(URGENCIES)), np.float32)
    table[invalid(taxonomy), : Urgency.ROUTINE_REMOTE.rank] = 0
    return table


def invalid(taxonomy: Taxonomy) -> list[int]:
    """Places of the categories of calls that are no matter at all."""
    return [place for place, category in enumerate(taxonomy.categories.values()) if category.group == INVALID]


@dataclass(frozen=True)
class Answer:
    """One consistent reading of a call; `by_category` and `by_destination` are marginals it was read from.

    `cell` is the place of category and urgency in the joint distribution; `danger` is the probability that someone must
    leave at once.
    """

    cell: tuple[int, int]
    label: PoliceLabel
    category: str
    urgency: Urgency
    destination: str
    probability: Mapping[str, float]
    by_category: Array
    by_destination: Mapping[str, float]
    danger: float


@dataclass(frozen=True)
class _Grid:
    """A policy as numbers: the owner of each category (65,), the destination of each cell (260,), their codes."""

    owner: NDArray[np.intp]
    destination: NDArray[np.intp]
    codes: tuple[str, ...]


@lru_cache(maxsize=64)
def _grid(owners: tuple[PoliceLabel, ...], destinations: tuple[tuple[str, ...], ...]) -> _Grid:
    codes = tuple(dict.fromkeys(code for row in destinations for code in row))
    cells = np.array([codes.index(code) for row in destinations for code in row])
    return _Grid(np.array([POLICE_LABELS.index(owner) for owner in owners]), cells, codes)


def answer(table: Array, policy: Policy, cell: tuple[int, int] | None = None) -> Answer:
    """The answer for a joint distribution (65 × 4) under `policy`: owner, category within it, urgency within that.

    With `cell`, that category and urgency instead of the likeliest.
    """
    grid = _grid(policy.owners, policy.destinations)
    table = table * possible(policy.taxonomy)
    table = table / table.sum()
    by_category = table.sum(1)
    by_label = np.bincount(grid.owner, by_category, len(POLICE_LABELS))
    by_destination = np.bincount(grid.destination, table.ravel(), len(grid.codes))
    if cell is None:
        best = int(np.where(grid.owner == by_label.argmax(), by_category, -1).argmax())
        cell = (best, int(table[best].argmax()))
    best, level = cell
    destination = policy.destinations[best][level]
    probability = {
        "police": float(by_label[grid.owner[best]]),
        "category": float(by_category[best]),
        "urgency": float(table.sum(0)[level]),
        "destination": float(by_destination[grid.codes.index(destination)]),
    }
    return Answer(
        cell=cell,
        label=policy.owners[best],
        category=policy.taxonomy.codes[best],
        urgency=URGENCIES[level],
        destination=destination,
        probability=probability,
        by_category=by_category,
        by_destination=dict(zip(grid.codes, by_destination.tolist(), strict=True)),
        danger=float(table[:, : Urgency.ROUTINE_ONSITE.rank].sum()),
    )
