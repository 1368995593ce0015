"""Noise keeps who spoke and never leaves nothing."""

from hypothesis import given
from hypothesis import strategies as st

from data.noise import drop_end, drop_operator, drop_punctuation
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
