"""How early, how steady: the measures on calls made by hand, the report, the choice of rules."""

import json
from pathlib import Path

import pytest

from data.policy import DEFAULT_CITY, load_policy
from data.records import Turn
from model.fallback import Linear
from model.stability import Stability, load_stability
from model.suggest import Suggester
from training.earliness import Sight, choose, compare, flips, follow, measure, states, time_to_final, watch, write_rules
from training.earliness_report import summary, write_earliness
from training.evaluate import Case

CASES = [
    Case.model_validate({"id": "1", "category": "theft", "urgency": "routine_onsite", "turns": [
        {"speaker": "operator", "text": "您好，110。"},
        {"speaker": "caller", "text": "你好我想问一下这个事情归不归你们管"},
        {"speaker": "operator", "text": "您说。"},
        {"speaker": "caller", "text": "我停在菜场门口的电瓶车被偷了，下午去买菜回来就不见了"}]}),
    Case(id="2", text="身份证到期了，请问换领要带什么材料去哪里办", category="gov_consult", urgency="routine_remote"),
    Case.model_validate({"id": "3", "category": "silent", "urgency": "routine_remote", "turns": [
        {"speaker": "operator", "text": "喂，您好，请讲。"}]}),
]  # fmt: skip
RULES = Stability(earliest=16, margin=0.5, patience=80, calm_at=0.15, measured_with="a test")


@pytest.fixture(scope="module")
def quick() -> Suggester:
    return Suggester(model=Linear())


def sight(heard: int, destination: str, settled: bool = True, spoken: int = 0) -> Sight:
    return Sight(heard, spoken, "theft", destination, settled)


def test_states_grow_by_characters_of_the_caller_and_hold_whole_turns_of_the_operator() -> None:
    turns = [Turn(speaker="operator", text="您好"), Turn(speaker="caller", text="a" * 10),
             Turn(speaker="operator", text="嗯"), Turn(speaker="caller", text="b" * 8)]  # fmt: skip
    found = list(states(turns, step=4))
    assert [(state.heard, state.spoken) for state in found] == [(4, 0), (8, 0), (10, 1), (14, 1), (18, 2)]
    assert [len(state.turns) for state in found] == [2, 2, 2, 4, 4]
    assert found[-1].turns == tuple(turns)


def test_flips_and_time_to_final() -> None:
    seen = [sight(5, "c", settled=False), sight(10, "a"), sight(20, "b"), sight(30, "a"), sight(40, "a")]
    assert flips(seen) == 2
    assert time_to_final(seen) == 0.75
    assert time_to_final([sight(8, "a"), sight(16, "a")]) == 0.5
    guesses = [sight(8, "a", settled=False), sight(16, "b", settled=False)]
    assert (flips(guesses), flips(guesses, guesses=True)) == (0, 1)


def test_accuracy_by_share_and_by_turns(quick: Suggester) -> None:
    calls = follow(quick, CASES)
    assert [call.category for call in calls] == [
        "theft",
        "gov_consult",
    ]  # a call in which the caller is silent has no state
    rule = load_policy(DEFAULT_CITY).rules["theft"]
    assert calls[0].destination == rule.if_routine_onsite
    figures = measure(calls, [watch(quick, call, None) for call in calls])
    assert figures["after_share"]["100"] == {"calls": 2, "category": 1.0, "destination": 1.0, "final_category": 1.0}
    assert figures["after_turns"]["1"]["calls"] == 2
    assert figures["after_turns"]["1"]["final_category"] == 0.5  # that something was stolen comes in the second
    assert figures["after_turns"]["2"] == {"calls": 1, "category": 1.0, "destination": 1.0, "final_category": 1.0}
    assert figures["after_turns"]["3"]["calls"] == 0


def test_hysteresis_never_flips_more(quick: Suggester) -> None:
    figures = compare(quick, CASES, RULES)
    assert figures["calls"] == 2
    assert figures["with"]["flips_per_call"] <= figures["without"]["flips_per_call"]


def test_the_report(quick: Suggester, tmp_path: Path) -> None:
    report = write_earliness(tmp_path, "three calls", "v1", compare(quick, CASES, RULES))
    assert json.loads((tmp_path / "earliness.json").read_text()) == json.loads(json.dumps(report))
    text = (tmp_path / "earliness.md").read_text()
    assert "Earliness on three calls: 2 calls" in text
    assert summary(report) in text
    assert "| 50 % | 2 |" in text
    assert (tmp_path / "earliness.png").read_bytes().startswith(b"\x89PNG")


def test_chosen_rules_are_written_and_read_again(
    quick: Suggester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.earliness.GRID", ((0.0, 0.6), (40,), (0.1,)))
    told: list[str] = []
    rules = choose(quick, CASES, told.append)
    assert len(told) == 3
    write_rules(rules, tmp_path / "stability.csv")
    assert load_stability(tmp_path / "stability.csv") == rules
    monkeypatch.setattr("training.earliness.AT_MOST_LOST", -1.0)
    with pytest.raises(ValueError, match="costs more"):
        choose(quick, CASES, told.append)
