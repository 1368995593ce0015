"""Reasons that reviewers give in one key (`review_reasons.csv`)."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from data.tables import DATA_DIR, DataError, Row, load_table

MOST = 9  # one digit each


class Reason(Row):
    """One line of the table."""

    verdict: Literal["correct", "unusable"]
    text: Annotated[str, Field(min_length=1, max_length=40)]


@cache
def review_reasons(path: Path = DATA_DIR / "review_reasons.csv") -> dict[str, list[str]]:
    """The reasons by verdict, in the order of their keys.

    Raises:
        DataError: an unknown verdict, a reason that stands twice, none or more than nine of a verdict.
    """
    found: dict[str, list[str]] = {"correct": [], "unusable": []}
    for row in load_table(path, Reason, key=lambda row: (row.verdict, row.text)):
        found[row.verdict].append(row.text)
    for verdict, texts in found.items():
        if not 1 <= len(texts) <= MOST:
            raise DataError(path, 0, "verdict", f"{verdict} has {len(texts)} reasons, not 1 to {MOST}")
    return found
