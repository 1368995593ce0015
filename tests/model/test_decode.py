"""The joint distribution and the answers read from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data.policy import load_policy
from data.taxonomy import URGENCIES, PoliceLabel, Urgency, categories
from model.decode import Array, Bars, Calibration, answer, joint, scores

HEADS = {"category": 65, "urgency": 4, "police": 3}
HABIT = np.full((65, 4), 0.25, np.float32)
CODES = list(categories())


def calibration(**changes: object) -> Calibration:
    values = {"blend": dict.fromkeys(HEADS, (1.0, 0.0)), "alone": dict.fromkeys(HEADS, 1.0), "habit": HABIT.copy(), "police_weight": 1.0,
              "habit_weight": 1.0, "bars": Bars(0.5)}  # fmt: skip
    return Calibration(**(values | changes))  # type: ignore[arg-type]


logits = st.fixed_dictionaries(
    {head: arrays(np.float32, (size,), elements=st.floats(-20, 20, width=32)) for head, size in HEADS.items()}
)


@given(logits)
def test_it_is_a_distribution_and_its_answer_agrees_with_itself(values: dict[str, Array]) -> None:
    habit = HABIT.copy()
    for number, category in enumerate(categories().values()):
        if category.police is PoliceLabel.INVALID:
            habit[number] = [0, 0, 0, 1]
    table = joint(values, calibration(habit=habit))
    assert table.sum() == pytest.approx(1, abs=1e-3)
    policy = load_policy("hangzhou")
    reply = answer(table, policy)
    assert policy.rules[reply.category].owner is reply.label
    assert reply.destination == policy.rules[reply.category].destination(reply.urgency)
    assert sum(reply.by_destination.values()) == pytest.approx(1, abs=1e-3)
    if reply.label is PoliceLabel.INVALID:
        assert reply.urgency is Urgency.ROUTINE_REMOTE


def test_the_owner_is_decided_before_the_category() -> None:
    table = np.zeros((65, 4), np.float32)
    table[CODES.index("gov_consult"), 3] = 0.4
    table[CODES.index("theft"), 2] = table[CODES.index("robbery"), 2] = 0.3
    reply = answer(table, load_policy("hangzhou"))
    assert reply.label is PoliceLabel.POLICE
    assert reply.category in ("theft", "robbery")
    assert reply.probability["police"] == pytest.approx(0.6)


def test_the_owner_follows_the_policy() -> None:
    table = np.zeros((65, 4), np.float32)
    table[CODES.index("stray_dogs"), URGENCIES.index(Urgency.ROUTINE_ONSITE)] = 1
    assert answer(table, load_policy("hangzhou")).destination == "grassroots_platform"
    wenzhou = answer(table, load_policy("wenzhou"))
    assert (wenzhou.label, wenzhou.destination) == (PoliceLabel.POLICE, "police_station")


def test_calibration_survives_json() -> None:
    first = calibration(bars=Bars(0.61, 0.02, 0.3))
    again = Calibration.from_json(first.to_json())
    assert again.to_json() == first.to_json()
    with pytest.raises(ValueError, match="shape"):
        Calibration.from_json(first.to_json() | {"habit": [[1, 2]]})


def test_scores_are_blended_where_both_models_have_the_head() -> None:
    encoder = {head: np.ones(size, np.float32) for head, size in HEADS.items()}
    linear = {head: np.full(HEADS[head], 10, np.float32) for head in ("category", "urgency")}
    factors = calibration(blend=dict.fromkeys(HEADS, (2.0, 0.3)), alone=dict.fromkeys(HEADS, 0.5))
    both = {head: float(values[0]) for head, values in scores(encoder, linear, factors).items()}
    assert both == pytest.approx({"category": 5.0, "urgency": 5.0, "police": 2.0})
    assert {float(values[0]) for values in scores(encoder, None, factors).values()} == {0.5}
