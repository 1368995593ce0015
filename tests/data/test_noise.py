"""Noise keeps who spoke and never leaves nothing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.noise import drop_end, drop_operator, drop_punctuation, homophones, mishear
from data.records import Turn

turns = st.lists(
    st.builds(Turn, speaker=st.sampled_from(["caller", "operator"]), text=st.text("喂你好，。？…abc", min_size=1)),
    min_size=1,
    max_size=6,
)


def test_punctuation_goes() -> None:
    (turn,) = drop_punctuation([Turn(speaker="caller", text="喂，你好！“快来”……")])
    assert turn.text == "喂你好快来"


@given(turns)
def test_nothing_is_left_empty(call: list[Turn]) -> None:
    assert all(turn.text for turn in drop_punctuation(call))
    assert drop_operator(call)


@given(turns, st.floats(0, 1))
def test_a_prefix_is_a_prefix(call: list[Turn], keep: float) -> None:
    whole, kept = "".join(t.text for t in call), "".join(t.text for t in drop_end(call, keep))
    assert kept
    assert whole.startswith(kept)
    assert len(kept) == max(1, round(keep * len(whole)))


def test_wrong_characters_sound_alike() -> None:
    assert {"刚", "岗"} <= set(homophones()["钢"])
    assert "兰" in homophones()["难"], "n and l are one in half of the country"
    assert all(char not in others or others == (char,) for char, others in homophones().items())


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
def test_the_error_rate_is_about_what_was_asked(rate: float) -> None:
    said = "我在西湖区古荡街道楼上卫生间漏水漏到我家吊顶上了" * 200
    (turn,) = mishear([Turn(speaker="caller", text=said)], rate, random.Random(3))
    wrong = 1 - sum(a == b for a, b in zip(said, turn.text, strict=False)) / len(said)
    assert len(turn.text) == pytest.approx(len(said), rel=0.08)
    assert wrong > rate * 0.5


@given(turns, st.floats(0, 1), st.integers())
def test_mishearing_never_leaves_nothing(call: list[Turn], rate: float, seed: int) -> None:
    heard = mishear(call, rate, random.Random(seed))
    assert [turn.speaker for turn in heard] == [turn.speaker for turn in call]
    assert all(turn.text for turn in heard)
