"""The language model of what was heard is built from lines, and serving reads what was built."""

from pathlib import Path

import numpy as np
import pytest

from data.heard import END, Sounds
from training.heard import build

LINES = ["老公打我了", "他打我", "大人在家", "称被打了"] * 5


def test_what_was_counted_is_likelier(tmp_path: Path) -> None:
    path = tmp_path / "heard.npz"
    build(LINES, path)
    model = Sounds(path)
    hit, big, me = model.numbers("打大我")
    before = np.array([model.numbers("公")[0]])
    start = np.array([END])
    assert model.text([int(hit), int(me)]) == "打我"
    assert model.log(start, before, np.array([hit])) > model.log(start, before, np.array([big])) + 1
    assert hit in model.syllables["da"]
    assert big in model.alike(np.array([hit]))[1]


def test_probabilities_of_what_follows_sum_to_one(tmp_path: Path) -> None:
    path = tmp_path / "heard.npz"
    build(LINES, path)
    model = Sounds(path)
    size = 4 + len({char for line in LINES for char in line})
    after, me = model.numbers("打我")
    for first, second in ((END, END), (int(after), int(me)), (int(me), int(after))):
        every = np.arange(size)
        found = np.exp(model.log(np.full(size, first), np.full(size, second), every)).sum()
        assert found == pytest.approx(1, abs=0.05)


def test_too_many_characters_are_refused(tmp_path: Path) -> None:
    lines = ["".join(map(chr, range(0x4E00, 0x4E00 + 5_000)))] * 5
    with pytest.raises(ValueError, match="12 bits"):
        build(lines, tmp_path / "heard.npz")


def test_nothing_to_count(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no lines"):
        build([""], tmp_path / "heard.npz")
