"""The learning curve learns from nested shares and writes what it found."""

from pathlib import Path

import pytest

from data.corpus import load_corpus
from training import curve as module
from training.curve import curve, shared, write_curve
from training.evaluate import Case


def test_a_larger_share_holds_the_smaller_and_keeps_groups_whole(some_parts: Path) -> None:
    items = load_corpus(some_parts)[:2_000]
    half, quarter = shared(items, 0.5), shared(items, 0.25)
    assert {item.id for item in quarter} < {item.id for item in half}
    left = {item.group for item in items} - {item.group for item in half}
    assert not {item.group for item in half} & left
    assert shared(items, 1.0) == items


def test_the_curve_is_written(some_parts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SHARES", (0.25, 1.0))
    cases = [Case(id="1", text="称电瓶车被偷", category="theft", urgency="routine_onsite")]
    rows = curve(load_corpus(some_parts)[:800], {"one": cases})
    assert [row["items"] for row in rows] == sorted(row["items"] for row in rows)
    table = write_curve(tmp_path, rows, ["one"])
    assert table.count("\n") == 3
    for name in ("curve.json", "curve.md", "curve.png"):
        assert (tmp_path / name).stat().st_size > 100
