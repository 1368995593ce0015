"""What acting on a suggestion may cost, by the model's own probabilities and the table of costs (`costs.csv`)."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from data.policy import Policy
from data.tables import DATA_DIR, DataError, Row, load_table
from data.taxonomy import URGENCIES, Urgency
from model.decode import Array, possible

Mistake = Literal["missed_emergency", "missed_urgent", "needless_dispatch", "wrong_destination"]
MISTAKES: tuple[Mistake, ...] = ("missed_emergency", "missed_urgent", "needless_dispatch", "wrong_destination")


class Cost(Row):
    """One line of `costs.csv`: what a mistake costs, in questions to the operator."""

    mistake: Mistake
    cost: Annotated[float, Field(ge=0)]


@cache
def load_costs(path: Path = DATA_DIR / "costs.csv") -> Mapping[Mistake, float]:
    """The cost of every mistake.

    Raises:
        DataError: an unknown mistake, a negative cost, or one that is missing.
    """
    found = {row.mistake: row.cost for row in load_table(path, Cost, key=lambda row: row.mistake)}
    if missing := set(MISTAKES) - set(found):
        raise DataError(path, 1, "mistake", f"has no row for {', '.join(sorted(missing))}")
    return found


def expected_cost(table: Array, policy: Policy, destination: str, urgency: Urgency) -> float:
    """Expected cost of suggesting `destination` at `urgency` when the truth is distributed as `table` (65 × 4)."""
    likely = table * possible(policy.taxonomy)
    return float((likely * cost_of_truths(policy, destination, urgency)).sum() / likely.sum())


def cost_of_truths(policy: Policy, destination: str, urgency: Urgency) -> NDArray[np.float32]:
    """What suggesting `destination` at `urgency` costs under every true (category, urgency), (65, 4)."""
    key = (policy.version, destination, urgency)
    if key not in _kept:
        _kept[key] = _table(policy, destination, urgency)
    return _kept[key]


# Few suggestions are possible, so their costs under every truth are kept.
_kept: dict[tuple[str, str, Urgency], NDArray[np.float32]] = {}


def _table(policy: Policy, destination: str, urgency: Urgency) -> NDArray[np.float32]:
    cost, routine = load_costs(), urgency.rank >= Urgency.ROUTINE_ONSITE.rank
    rows = []
    for rule in policy.rules.values():
        row = [cost["wrong_destination"] * (rule.destination(truth) != destination)
               for truth in URGENCIES]  # fmt: skip
        for truth in URGENCIES:
            if routine and truth.rank < Urgency.ROUTINE_ONSITE.rank:
                row[truth.rank] = cost["missed_emergency" if truth is Urgency.EMERGENCY else "missed_urgent"]
            elif not routine and truth.rank >= Urgency.ROUTINE_ONSITE.rank:
                row[truth.rank] = cost["needless_dispatch"]
        rows.append(row)
    return np.array(rows, np.float32)
