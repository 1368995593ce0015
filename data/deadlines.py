"""How long each destination has to accept a matter and to report back (`deadlines.csv`)."""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from data.tables import DATA_DIR, DataError, Row, load_table
from data.taxonomy import DestinationCode, destinations


class Deadline(Row):
    """One line of the table: minutes until accepted, hours from then until fed back."""

    destination: DestinationCode
    accept_minutes: Annotated[int, Field(ge=0)]
    resolve_hours: Annotated[int, Field(ge=0)]
    source: str


@cache
def deadlines(path: Path = DATA_DIR / "deadlines.csv") -> dict[str, Deadline]:
    """The deadlines by destination.

    Raises:
        DataError: an unknown destination, one that stands twice or is missing, a time that is no number.
    """
    found = {row.destination: row for row in load_table(path, Deadline, key=lambda row: row.destination)}
    if missing := [code for code in destinations() if code not in found]:
        raise DataError(path, 1, "destination", f"has no row for {', '.join(missing)}")
    return found
