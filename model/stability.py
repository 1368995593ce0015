"""Suggestions that change on evidence, not on noise: what a live call shows holds until something outweighs it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from data.own_taxonomy import PACKAGED, Taxonomy
from data.policy import Policy
from data.tables import DATA_DIR, DataError, Row, load_table
from data.taxonomy import PoliceLabel, Urgency
from model.decode import Answer, Array, answer, invalid
from model.red_flags import Flag
from model.routing import Dangers

LIKELY = 0.5  # a danger likelier than this is more than a first guess


class Stability(Row):
    """How firmly a live call holds on to what it shows: the one line of `stability.csv`.

    Nothing is held before the caller has said `earliest` characters. Then another answer takes over when its
    destination (or category, where both go to the same) is likelier by `margin`, or when what is shown has not been the
    best for `patience` characters of the caller. Suspected danger is withdrawn once its probability is below `calm_at`,
    where that is less than what raises it, or the answer is sure.
    """

    earliest: Annotated[int, Field(ge=0)]
    margin: Annotated[float, Field(ge=0, le=1)]
    patience: Annotated[int, Field(ge=0)]
    calm_at: Annotated[float, Field(ge=0, le=0.5)]
    measured_with: str


@cache
def load_stability(path: Path = DATA_DIR / "stability.csv") -> Stability:
    """The values chosen on the validation split.

    Raises:
        DataError: not exactly one line, or a value out of range.
    """
    rows = load_table(path, Stability)
    if len(rows) != 1:
        raise DataError(path, 0, "", "has not one line of values")
    return rows[0]


@dataclass(frozen=True)
class Shown:
    """What a live call shows, in places of the joint distribution over `taxonomy`.

    `since` is the number of the caller's characters at which it was last the best answer itself; `early` marks a first
    guess, which is not held.
    """

    cell: tuple[int, int]
    since: int
    suspected: bool = False
    early: bool = False
    taxonomy: Taxonomy = PACKAGED


@dataclass(frozen=True)
class Decision:
    """The answer to show with the dangers it was raised by, and the distribution that it was read from.

    `shown` is what the next decision on the call may hold; not `settled` means that too little has been said to go by.
    """

    reply: Answer
    table: Array
    dangers: Dangers
    confident: bool
    shown: Shown
    settled: bool


def decide(
    table: Array,
    policy: Policy,
    flags: Sequence[tuple[Flag, str]],
    sure: Callable[[Answer], bool],
    suspected_at: float,
    heard: int = 0,
    shown: Shown | None = None,
    rules: Stability | None = None,
    doubted: bool = False,
) -> Decision:
    """What to answer for the joint distribution `table`, given what is `shown` of the call so far, if anything.

    An answer that is not `sure` is raised when danger is at least as likely as `suspected_at`; `doubted` flags are
    borne out by nothing else. `heard` is the number of the caller's characters. Danger is never delayed: flags and
    suspicion raise at once, so do a graver urgency and a matter of the police.
    """
    early = rules is not None and heard < rules.earliest
    # A release with other categories may have come in between: then there is nothing to hold on to.
    alike = shown is not None and shown.taxonomy == policy.taxonomy
    holding = shown if shown is not None and alike and rules is not None and not (early or shown.early) else None
    best = answer(table, policy)
    confident = sure(best)
    if rules is not None and holding is not None and holding.suspected:
        suspected_at = min(suspected_at, rules.calm_at)
    suspected = not confident and best.danger >= suspected_at
    dangers = Dangers(flags, suspected, doubted)
    if dangers:
        table = without_invalid(table, policy.taxonomy)
        best = answer(table, policy)
    settled = not early or bool(dangers.heard) or best.danger >= LIKELY
    if holding is not None and rules is not None and holding.cell != best.cell and table[holding.cell] > 0:
        held = answer(table, policy, holding.cell)
        if not _takes_over(best, held, heard - holding.since, rules):
            return Decision(held, table, dangers, sure(held), replace(holding, suspected=suspected), settled)
    shows = Shown(best.cell, heard, suspected, early, policy.taxonomy)
    return Decision(best, table, dangers, confident, shows, settled)


def _takes_over(best: Answer, held: Answer, waited: int, rules: Stability) -> bool:
    graver = best.urgency.rank < held.urgency.rank and best.urgency.rank <= Urgency.URGENT.rank
    becomes_police = best.label is PoliceLabel.POLICE and held.label is not PoliceLabel.POLICE
    return graver or becomes_police or waited >= rules.patience or _lead(best, held) >= rules.margin


def _lead(best: Answer, held: Answer) -> float:
    if best.destination != held.destination:
        return best.probability["destination"] - held.probability["destination"]
    if best.category != held.category:
        return best.probability["category"] - held.probability["category"]
    return best.probability["urgency"] - held.probability["urgency"]


def without_invalid(table: Array, taxonomy: Taxonomy) -> Array:
    """A call in which danger was heard is no invalid call."""
    kept = table.copy()
    kept[invalid(taxonomy)] = 0
    total = kept.sum()
    return kept / total if total > 0 else table
