"""Texts from another world: halves of equal kinds, none a call of the corpus."""

from collections import Counter
from pathlib import Path

import pytest

from data.corpus import load_corpus
from data.otherworld import load_otherworld
from data.tables import DataError


def test_both_halves_hold_every_kind() -> None:
    texts = load_otherworld()
    assert len({other.id for other in texts}) == len({other.text for other in texts}) == len(texts) >= 250
    halves = {split: {o.kind for o in texts if o.split == split} for split in ("validation", "test")}
    assert halves["validation"] == halves["test"]
    assert len(halves["test"]) >= 20
    assert min(Counter(other.kind for other in texts).values()) >= 10
    assert not {other.text for other in texts} & {item.text for item in load_corpus()}


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "otherworld.jsonl"
    path.write_text('{"id": "1", "text": "喂", "kind": "poem", "split": "train"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="split"):
        load_otherworld(path)
