"""Deadlines: one for every destination, and broken tables say where."""

from pathlib import Path

import pytest

from data.deadlines import deadlines
from data.tables import DataError
from data.taxonomy import destinations


def test_every_destination_has_one() -> None:
    assert list(deadlines()) == list(destinations())


@pytest.mark.parametrize(
    ("line", "message"),
    [("moon,1,1,", "destination"), ("police_station,soon,1,", "accept_minutes"), ("police_station,5,-1,", "resolve_hours"),
     ("police_station,5,24,", "has no row for traffic_police")],
)  # fmt: skip
def test_broken_tables(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "deadlines.csv"
    path.write_text(f"destination,accept_minutes,resolve_hours,source\n{line}\n")
    with pytest.raises(DataError, match=message):
        deadlines(path)
