"""What counts as a call."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data.records import MAX_CHARACTERS, MAX_TURNS, Call, is_blank

TURN = {"speaker": "caller", "text": "喂"}


def kind(values: Any) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        Call.model_validate(values)
    problem = caught.value.errors()[0]
    return ".".join(map(str, problem["loc"])), problem["type"]


def test_text_is_one_turn_of_the_caller() -> None:
    assert Call.model_validate({"text": "喂"}).transcript == Call.model_validate({"turns": [TURN]}).transcript


def test_limits_are_inclusive() -> None:
    Call.model_validate({"turns": [TURN] * MAX_TURNS})
    Call.model_validate({"text": "啊" * MAX_CHARACTERS})
    assert kind({"turns": [TURN] * (MAX_TURNS + 1)}) == ("turns", "too_large")
    assert kind({"text": "啊" * (MAX_CHARACTERS + 1)}) == ("text", "too_large")
    assert kind({"turns": [{"speaker": "caller", "text": "啊" * 10_001}] * 2}) == ("turns", "too_large")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, ""),
        ({"turns": []}, "turns"),
        ({"turns": None}, "turns"),
        ({"turns": [{"speaker": "operator", "text": " "}]}, "turns"),
        ({"text": ""}, "text"),
        ({"text": " \u3000\n\t"}, "text"),
        ({"text": "\x00\x07\u200b\u202e"}, "text"),
        ({"text": 5}, "text"),
        ({"text": None}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"turns": [{"speaker": "caller", "text": "\udfff"}]}, "turns.0.text"),
        ({"turns": "喂"}, "turns"),
        ({"turns": [{"speaker": "robot", "text": "喂"}]}, "turns.0.speaker"),
        ({"turns": [{"speaker": "caller"}]}, "turns.0.text"),
        ({"turns": [TURN | {"mood": "angry"}]}, "turns.0.mood"),
        ({"turns": [TURN], "text": "喂"}, ""),
        ({"text": "喂", "channel": "119"}, "channel"),
        ({"text": "喂", "partial": "no"}, "partial"),
        ({"text": "喂", "call_id": "../../etc"}, "call_id"),
        ({"text": "喂", "when": 1}, "when"),
        ([], ""),
    ],
)
def test_what_is_no_call_says_which_field(values: Any, field: str) -> None:
    assert kind(values)[0] == field


@given(st.text())
def test_any_text_is_either_a_call_or_refused(text: str) -> None:
    try:
        call = Call.model_validate({"text": text})
    except ValidationError:
        assert is_blank(text)
    else:
        assert call.transcript[0].text == text
