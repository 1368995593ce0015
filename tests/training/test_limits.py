"""What stops the figures: models together, error by share, and where police errors lie."""

from pathlib import Path

import numpy as np
import pytest

from data.tables import DataError
from model.fallback import Linear, Nothing
from training.evaluate import Case, run
from training.limits import Together, accuracies, police_errors, read_blind, risk

CASES = [
    Case(id="1", text="称电瓶车被偷", category="theft", urgency="routine_onsite"),
    Case(id="2", text="咨询身份证到期换领要带什么", category="gov_consult", urgency="routine_remote"),
    Case(id="3", text="咨询身份证到期换领要带什么材料", category="robbery", urgency="emergency", danger=True),
]


@pytest.fixture(scope="module")
def linear() -> Linear:
    return Linear()


def test_together_is_the_mean(linear: Linear) -> None:
    (one,), (nothing,), (both,) = (
        model.read(["称电瓶车被偷"]) for model in (linear, Nothing(), Together([linear, Nothing()]))
    )
    assert both.joint == pytest.approx((one.joint + nothing.joint) / 2)
    outcomes = {model.version: run(model, CASES) for model in (linear, Nothing(), Together([linear, Nothing()]))}
    assert accuracies(outcomes).count("\n") == 4
    assert accuracies({linear.version: outcomes[linear.version]}).count("\n") == 2


def test_what_is_less_sure_comes_later(linear: Linear) -> None:
    outcome = run(linear, CASES)
    rows = [row.split(" | ") for row in risk(linear, outcome).splitlines()[2:]]
    costs = [float(row[1]) for row in rows]
    assert costs == sorted(costs)
    assert rows[-1][2:] == ["33.3%", "1 |"]
    assert np.isfinite(costs).all()


def test_police_errors_are_told_by_their_categories(linear: Linear) -> None:
    told = police_errors(run(linear, CASES))
    assert told.startswith("1 of 3 wrong")
    assert "| robbery | gov_consult | 1 |" in told


def test_a_reader_is_measured_as_a_model_is(linear: Linear, tmp_path: Path) -> None:
    outcome, read = run(linear, CASES), tmp_path / "cases.a.jsonl"
    lines = [
        '{"id": "1", "category": "theft", "urgency": "urgent"}',
        '{"id": "2", "category": "welfare", "urgency": "urgent"}',
    ]
    read.write_text("\n".join([*lines, '{"id": "3", "category": "robbery", "urgency": "emergency"}']))
    found = read_blind(read, outcome)
    assert found.right("category").tolist() == [True, False, True]
    assert found.right("police").tolist() == [True, True, True]
    assert found.right("urgency").tolist() == [False, False, True]
    read.write_text(lines[0])
    with pytest.raises(DataError, match=r"cases.a.jsonl.*'2' has not been read"):
        read_blind(read, outcome)
    read.write_text(lines[0].replace("theft", "thief"))
    with pytest.raises(DataError, match="line 1"):
        read_blind(read, outcome)
