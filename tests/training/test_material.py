"""Reviewed calls and a city's own records beside the corpus: none leaks, what is replayed is seeded."""

import json
from pathlib import Path

import pytest

from data.corpus import CORPUS_DIR, load_corpus
from data.tables import DataError
from training.config import Config, Corpus
from training.material import choosing, collected, drawn, labels, parted, replayed


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    rows = [{"id": f"own-{n:04d}", "group": f"own-{n:04d}", "text": f"第{n}次反映广场舞音响太吵", "category": "noise",
             "urgency": "routine_onsite", "style": "note"} for n in range(64)]  # fmt: skip
    (folder / "own.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return folder


def test_more_is_learnt_beside_the_corpus(own: Path) -> None:
    config = Config(corpus=Corpus(more=(own,), replay=100))
    items = collected(config)
    assert len(items) == len(load_corpus()) + 64
    train = parted(items, config.corpus.seed)["train"]
    kept = replayed(config, train)
    assert sum(item.id.startswith("own-") for item in kept) == 56
    assert len(kept) == 156
    assert {item.id for item in kept} <= {item.id for item in train}, "nothing from validation or test"
    assert kept == replayed(config, train), "seeded"


def test_without_replay_everything_is_learnt() -> None:
    config = Config()
    train = parted(collected(config), 110)["train"]
    assert replayed(config, train) == train


def test_an_id_in_two_folders_is_an_error() -> None:
    with pytest.raises(DataError, match="in another folder"):
        collected(Config(corpus=Corpus(more=(CORPUS_DIR,))))


def test_a_folder_without_a_corpus_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no \*.jsonl item"):
        collected(Config(corpus=Corpus(more=(tmp_path,))))


def test_those_written_apart_weigh_as_much_as_validation() -> None:
    validation = parted(collected(Config()), 110)["validation"]
    chosen, rows = choosing(Config(), validation)
    assert chosen[: len(validation)] == validation
    apart = (rows >= len(validation)).mean()
    assert 0.45 < apart < 0.55
    assert set(rows.tolist()) == set(range(len(chosen)))
    assert len(drawn(labels(chosen), rows)["police"]) == len(rows)
