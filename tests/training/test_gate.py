"""The gate keeps out what loses, lets pass what gains, and says why."""

import copy
from pathlib import Path
from typing import Any

import pytest

from data.tables import DataError
from training.evaluate import ANSWERS
from training.gate import DEFAULT, findings, load_gate


def found(live: float, candidate: float, calls: int = 100, p: float = 0.001) -> dict[str, Any]:
    gain = candidate - live
    return {"calls": calls, "live": live, "candidate": candidate, "won": 5, "lost": 5, "p": p,
            "gain": {"value": gain, "low": gain - 0.01, "high": gain + 0.01}}  # fmt: skip


def side(cost: float = 0.5) -> dict[str, Any]:
    return {"cost": {"value": cost}, "calibration_error": dict.fromkeys(ANSWERS, 0.02)}


def figures() -> dict[str, Any]:
    """Live and candidate alike."""
    danger = {"recall": 0.9, "calls": 200, "passed_on_confidently": 1}
    return copy.deepcopy({
        "overall": {head: found(0.9, 0.9) for head in ANSWERS},
        "slices": {"style: note": {head: found(0.9, 0.9) for head in ANSWERS}},
        "variants": {},
        "sides": {"live": side(), "candidate": side()},
        "danger": {"live": danger, "candidate": dict(danger)},
        "weight": {"live": {"milliseconds": 10.0, "megabytes": 30.0}, "candidate": {"milliseconds": 10.0, "megabytes": 30.0}},
    })  # fmt: skip


def broken(changed: dict[str, Any]) -> list[str]:
    return [finding.rule for finding in findings(load_gate(), changed) if not finding.kept]


def test_no_worse_passes() -> None:
    assert broken(figures()) == []
    without_danger = figures() | {"danger": {}}
    assert broken(without_danger) == []


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        (("overall", "police"), found(0.95, 0.94), "police"),
        (("slices", "style: note", "category"), found(0.9, 0.8), "slice"),
        (("variants", "misheard"), {"category": found(0.9, 0.8)}, "slice"),
        (("danger", "candidate", "recall"), 0.89, "danger"),
        (("danger", "candidate", "passed_on_confidently"), 2, "danger"),
        (("sides", "candidate", "cost", "value"), 0.6, "cost"),
        (("sides", "candidate", "calibration_error", "urgency"), 0.04, "calibration"),
        (("weight", "candidate", "milliseconds"), 13.0, "time"),
        (("weight", "candidate", "megabytes"), 36.0, "size"),
    ],
)
def test_each_rule_keeps_a_loser_out(path: tuple[str, ...], value: Any, rule: str) -> None:
    changed = figures()
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    (only,) = broken(changed)
    assert rule in only


@pytest.mark.parametrize("weak", [found(0.9, 0.8, calls=39), found(0.9, 0.8, p=0.05), found(0.9, 0.86)])
def test_chance_and_small_slices_refuse_nobody(weak: dict[str, Any]) -> None:
    changed = figures()
    changed["slices"]["town: 牌头镇"] = {"category": weak}
    assert broken(changed) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("slice: 0.05", "slice: 5", 3, "slice"),
        ("slice_calls", "slice_cals", 1, "slice_calls"),
        ("police: 0.003", "police: much", 2, "overall.police"),
        ("police: 0.003, ", "", 2, "overall"),
        ("danger_recall: 0 ", "danger_recall: [", 7, ""),
    ],
)
def test_errors_name_line_and_field(tmp_path: Path, old: str, new: str, line: int, field: str) -> None:
    path = tmp_path / "gate.yaml"
    text = DEFAULT.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_gate(path)
    assert caught.value.field == field
    assert abs(caught.value.line - line) <= 1


@pytest.mark.parametrize(
    "content", [b"", b"- 1\n", b"\xff\xfe", b"a: b: c", b"[" * 5000, b"!!python/object:os.system {}"]
)
def test_what_is_no_gate(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gate.yaml"
    path.write_bytes(content)
    with pytest.raises(DataError):
        load_gate(path)
