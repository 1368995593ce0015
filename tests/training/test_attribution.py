"""Words left out and attention name the words that matter."""

import pytest

from data.records import Turn
from model.release import BUNDLED
from model.suggest import Suggester
from training.attribution import attention, occlusion
from training.warm import release_base

SAID = (Turn(speaker="caller", text="我停在菜场门口的电瓶车被偷了。"),)


def test_without_the_theft_it_is_no_theft(suggester: Suggester) -> None:
    words = occlusion(suggester.model, SAID, "theft")
    assert all(SAID[0].text[word.start : word.end] == word.text for word in words)
    assert "。" not in {word.text for word in words}
    assert "偷" in max(words, key=lambda word: word.weight).text
    assert -1 <= min(word.weight for word in words) <= max(word.weight for word in words) <= 1


def test_attention_is_shared_among_words_and_marks() -> None:
    base, _ = release_base(BUNDLED)
    words = attention(base, SAID)
    assert [word.text for word in words] == [word.text for word in words if word.weight > 0]
    assert 0 < sum(word.weight for word in words) < 1
    other = attention(base, SAID, layer=0)
    assert [word.weight for word in other] != pytest.approx([word.weight for word in words])
