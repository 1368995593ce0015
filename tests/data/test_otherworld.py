"""Texts from another world: what measures is of kinds that choose, none is a call of the corpus."""

from collections import Counter
from pathlib import Path

import pytest

from data.corpus import load_corpus
from data.otherworld import load_otherworld
from data.tables import DataError


def test_what_measures_is_of_kinds_that_choose() -> None:
    texts = load_otherworld()
    assert len({other.id for other in texts}) == len({other.text for other in texts}) == len(texts) >= 250
    kinds = {split: {o.kind for o in texts if o.split == split} for split in ("train", "validation", "test")}
    assert kinds["test"] <= kinds["validation"] & kinds["train"]
    assert len(kinds["test"]) >= 20
    counts = Counter(other.kind for other in texts)
    assert min(counts[kind] for kind in kinds["test"]) >= 10
    assert not {other.text for other in texts} & {item.text for item in load_corpus()}


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "otherworld.jsonl"
    path.write_text('{"id": "1", "text": "喂", "kind": "poem", "split": "later"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="split"):
        load_otherworld(path)
