"""What a live call shows: held against noise, given up on evidence, and danger at once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.own_taxonomy import Taxonomy
from data.policy import load_policy
from data.tables import DataError
from data.taxonomy import URGENCIES, PoliceLabel, Urgency, categories
from model.decode import SUSPECTED_AT, Answer, Array
from model.red_flags import load_flags
from model.stability import Decision, Shown, Stability, decide, load_stability

POLICY = load_policy("hangzhou")
RULES = Stability(earliest=10, margin=0.4, patience=50, calm_at=0.1, measured_with="a test")
CODES = list(categories())


def table(**cells: float) -> Array:
    """A distribution with these cells (`theft__urgent=0.3`), the rest spread evenly."""
    found = np.full((65, 4), max(0.0, 1 - sum(cells.values())) / 260, np.float32)
    for name, p in cells.items():
        code, _, level = name.partition("__")
        found[CODES.index(code), URGENCIES.index(Urgency(level))] += p
    return found


def sure(answer: Answer) -> bool:
    return answer.probability["destination"] >= 0.8


def then(shown: Shown | None, heard: int, rules: Stability | None = RULES, /, **cells: float) -> Decision:
    return decide(table(**cells), POLICY, (), sure, SUSPECTED_AT, heard, shown, rules)


LEAK = {"neighbour_dispute__routine_onsite": 0.6, "consumer__routine_remote": 0.3}
NOISE = {"neighbour_dispute__routine_onsite": 0.4, "consumer__routine_remote": 0.5}


def test_a_small_lead_changes_nothing_a_great_one_does() -> None:
    first = then(None, 20, **LEAK)
    assert first.reply.category == "neighbour_dispute"
    held = then(first.shown, 28, **NOISE)
    assert held.reply.category == "neighbour_dispute"
    assert held.reply.probability["category"] == pytest.approx(0.4, abs=0.01)  # its own, not the best's
    assert then(held.shown, 36, consumer__routine_remote=0.9).reply.category == "consumer"


def test_nothing_is_held_over_a_change_of_the_categories() -> None:
    first = then(None, 20, **LEAK)
    other = replace(first.shown, taxonomy=Taxonomy("other", {}))
    assert then(other, 28, **NOISE).reply.category == "consumer"


def test_what_has_not_been_the_best_for_long_gives_way() -> None:
    first = then(None, 20, **LEAK)
    held = then(first.shown, 45, **NOISE)
    assert held.shown.since == 20
    assert then(held.shown, 69, **NOISE).reply.category == "neighbour_dispute"
    assert then(held.shown, 70, **NOISE).reply.category == "consumer"
    again = then(held.shown, 60, **LEAK)
    assert again.shown.since == 60
    assert then(again.shown, 100, **NOISE).reply.category == "neighbour_dispute"


def test_first_guesses_are_not_held() -> None:
    early = then(None, 9, **LEAK)
    assert not early.settled
    assert then(early.shown, 12, **NOISE).reply.category == "consumer"


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ({"neighbour_dispute__routine_onsite": 0.4, "fight__emergency": 0.42}, "fight"),
        ({"neighbour_dispute__routine_onsite": 0.4, "gas_hazmat__urgent": 0.42}, "gas_hazmat"),
        ({"neighbour_dispute__routine_onsite": 0.4, "theft__routine_onsite": 0.42}, "theft"),
    ],
)
def test_danger_and_the_police_are_never_delayed(cells: dict[str, float], what: str) -> None:
    first = then(None, 20, **LEAK)
    assert then(first.shown, 21, **cells).reply.category == what


def test_a_flag_raises_a_held_call_too() -> None:
    weapon = next(flag for flag in load_flags() if flag.id == "weapon")
    first = then(None, 20, **LEAK)
    found = decide(table(**NOISE), POLICY, [(weapon, "拿刀")], sure, SUSPECTED_AT, 21, first.shown, RULES)
    assert bool(found.dangers)
    assert found.settled
    first_words = decide(table(**LEAK), POLICY, [(weapon, "拿刀")], sure, SUSPECTED_AT, 3, None, RULES)
    assert first_words.settled


def test_suspicion_comes_at_once_and_goes_when_it_is_calm_or_sure() -> None:
    doubt = {"fight__urgent": 0.3, "consumer__routine_remote": 0.4}
    little = {"fight__urgent": 0.12, "consumer__routine_remote": 0.7, "neighbour_dispute__routine_onsite": 0.17}
    first = then(None, 20, consumer__routine_remote=0.9)
    assert not first.dangers.suspected
    alarmed = then(first.shown, 28, **doubt)
    assert alarmed.dangers.suspected
    assert then(alarmed.shown, 36, **little).dangers.suspected
    assert not then(first.shown, 36, **little).dangers.suspected  # it would not have begun with so little
    assert not then(alarmed.shown, 36, consumer__routine_remote=0.95).dangers.suspected


def test_a_first_guess_is_settled_by_a_likely_danger_alone() -> None:
    doubted = then(None, 5, fight__urgent=0.3, consumer__routine_remote=0.4)
    assert doubted.dangers.suspected, "shown at once"
    assert not doubted.settled
    assert then(None, 5, fight__urgent=0.6, consumer__routine_remote=0.3).settled


def test_without_rules_every_reading_stands_for_itself() -> None:
    first = then(None, 20, None, **LEAK)
    assert then(first.shown, 28, None, **NOISE).reply.category == "consumer"


def test_an_invalid_call_is_not_held_against_danger() -> None:
    weapon = next(flag for flag in load_flags() if flag.id == "weapon")
    first = then(None, 20, misdial__routine_remote=0.9)
    assert first.reply.label is PoliceLabel.INVALID
    found = decide(
        table(misdial__routine_remote=0.9), POLICY, [(weapon, "拿刀")], sure, SUSPECTED_AT, 28, first.shown, RULES
    )
    assert found.reply.label is not PoliceLabel.INVALID


tables = st.lists(st.tuples(st.integers(0, 64), st.integers(0, 3), st.floats(0.05, 1)), min_size=1, max_size=4)


@given(st.lists(st.tuples(tables, st.integers(1, 30)), min_size=1, max_size=12))
def test_whatever_comes_no_raise_is_held_back_and_answers_agree(
    steps: list[tuple[list[tuple[int, int, float]], int]],
) -> None:
    shown, heard = None, 0
    for cells, more in steps:
        heard += more
        reading = np.full((65, 4), 1e-4, np.float32)
        for category, level, p in cells:
            reading[category, level] += p
        reading /= reading.sum()
        plain = decide(reading, POLICY, (), sure, SUSPECTED_AT)
        found = decide(reading, POLICY, (), sure, SUSPECTED_AT, heard, shown, RULES)
        if plain.reply.urgency.rank <= Urgency.URGENT.rank:
            assert found.reply.urgency.rank <= plain.reply.urgency.rank
        assert found.dangers.suspected or not plain.dangers.suspected
        if plain.reply.label is PoliceLabel.POLICE:
            assert found.reply.label is PoliceLabel.POLICE
        assert found.reply.destination == POLICY.rules[found.reply.category].destination(found.reply.urgency)
        assert found.reply.label is POLICY.rules[found.reply.category].owner
        shown = found.shown


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("16,0.5,80,0.15", ""),
        ("16,2,80,0.15,v", "margin"),
        ("-1,0.5,80,0.15,v", "earliest"),
        ("16,0.5,80,0.9,v", "calm_at"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, line: str, field: str) -> None:
    path = tmp_path / "stability.csv"
    path.write_text(f"earliest,margin,patience,calm_at,measured_with\n{line}\n")
    with pytest.raises(DataError) as caught:
        load_stability(path)
    assert caught.value.field == field
    path.write_text("earliest,margin,patience,calm_at,measured_with\n16,0.5,80,0.1,v\n16,0.5,80,0.1,v\n")
    with pytest.raises(DataError):
        load_stability(path)
