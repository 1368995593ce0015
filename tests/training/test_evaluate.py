"""Figures are what they say they are."""

import json
from pathlib import Path

import numpy as np
import pytest

from data.tables import DataError
from model.fallback import Linear
from model.release import BUNDLED
from training.evaluate import (
    Case,
    bootstrap,
    calibration_error,
    compare,
    error_by_chance,
    measure,
    per_category,
    read_cases,
    run,
)
from training.misheard import lost_when_misheard, misheard
from training.report import write_report

CASES = [
    Case(id="1", text="称电瓶车被偷", category="theft", urgency="routine_onsite"),
    Case(id="2", text="咨询身份证到期换领要带什么", category="gov_consult", urgency="routine_remote"),
    Case(id="3", text="称电瓶车被偷", category="robbery", urgency="emergency", danger=True, acceptable=("theft",)),
]


def test_measure_counts_right_and_wrong() -> None:
    outcome = run(Linear(), CASES)
    figures = measure(outcome)
    assert outcome.right("category").tolist() == [True, True, False]
    assert figures["accuracy"]["category"]["value"] == pytest.approx(2 / 3, abs=1e-3)
    assert figures["acceptable"]["value"] == 1
    assert figures["danger"]["calls"] == 1
    assert figures["danger"]["under_called"] == figures["danger"]["under_called_by_the_model_alone"] == 1
    assert figures["slices"]["urgency: emergency"]["category"] == 0
    assert compare(outcome, outcome)["category"] == {"value": 0, "low": 0, "high": 0}
    (robbery,) = [row for row in per_category(outcome) if row["category"] == "robbery"]
    assert (robbery["recall"], robbery["taken_for"]) == (0, "theft")


def test_what_is_lost_when_words_are_misheard() -> None:
    plain = run(Linear(), CASES)
    lost = lost_when_misheard(Linear(), plain)
    assert list(lost) == ["5%", "10%", "20%"]
    again = run(Linear(), [misheard(case, 0.2) for case in CASES])
    assert again.cases[0].turns[0].text != CASES[0].text
    gone = plain.right("category").mean() - again.right("category").mean()
    assert lost["20%"]["category"]["value"] == pytest.approx(gone, abs=1e-3)


def test_intervals_and_calibration_error() -> None:
    figure = bootstrap(np.array([1.0] * 80 + [0.0] * 20))
    assert figure["value"] == 0.8
    assert 0.7 < figure["low"] < 0.8 < figure["high"] < 0.9
    assert calibration_error(np.array([0.95] * 20), np.array([True] * 19 + [False])) == 0
    assert calibration_error(np.array([0.95] * 20), np.array([False] * 20)) == 0.95


def test_few_calls_show_an_error_by_chance_and_many_do_not() -> None:
    few, many = error_by_chance(np.full(100, 0.9)), error_by_chance(np.full(40_000, 0.9))
    assert 0.01 < few["mean"] < few["high"] < 0.1
    assert many["high"] < 0.005


def test_a_report_is_json_markdown_and_pictures(tmp_path: Path) -> None:
    report = write_report(tmp_path, "three calls", CASES, BUNDLED)
    assert json.loads((tmp_path / "report.json").read_text()) == json.loads(json.dumps(report))
    text = (tmp_path / "report.md").read_text()
    assert "three calls: 3 calls" in text
    assert "| its encoder alone | jieba + scikit-learn |" in text
    assert "| 10% | " in text
    for name in ("confusion", "reliability", "slices"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_cases_that_are_not_sure_are_left_out_and_broken_ones_named(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"id": "1", "text": "喂", "category": "theft", "urgency": "urgent", "sure": false}\n')
    assert read_cases(path) == []
    for line, field in {
        '{"id": "1", "text": "喂", "category": "theft"}': "urgency",
        '{"id": "1", "text": "喂", "category": "murder", "urgency": "urgent"}': "category",
        '{"id": "1", "text": "", "category": "theft", "urgency": "urgent"}': "turns",
    }.items():
        path.write_text(line + "\n")
        with pytest.raises(DataError) as caught:
            read_cases(path)
        assert (caught.value.line, caught.value.field) == (1, field)
