"""Reviewed calls and a city's own records beside the corpus: none leaks, what is replayed is seeded."""

import json
from itertools import product
from pathlib import Path

import pytest

from data.corpus import CALIBRATION_DIR, Item, corpus_hash, load_corpus
from data.own_taxonomy import PACKAGED, Taxonomy
from data.tables import DataError
from training.config import Config, Corpus
from training.duplicates import near_duplicates, said
from training.material import choosing, collected, drawn, labels, parted, replayed


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    words = ["广场舞", "工地", "狗叫", "歌厅", "装修", "鞭炮", "喇叭", "麻将"]
    return written(folder, "own", [f"{a}和{b}的声音从{n}点起不停" for n, (a, b) in enumerate(product(words, words))])


def written(folder: Path, name: str, texts: list[str]) -> Path:
    """A folder with a part `name` of notes about noise, each of its own group."""
    folder.mkdir(exist_ok=True)
    rows = [{"id": f"{name}-{n:04d}", "group": f"{name}-{n:04d}", "text": text, "category": "noise",
             "urgency": "routine_onsite", "style": "note"} for n, text in enumerate(texts)]  # fmt: skip
    (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return folder


def test_no_split_parts_what_is_alike(tmp_path: Path, some_parts: Path) -> None:
    corpus = load_corpus(some_parts)
    before = parted(corpus)
    held = [item for name in ("validation", "test") for item in before[name] if len(said(item)) > 20][:60]
    learnt = [item for item in before["train"] if len(said(item)) > 20][:60]
    fresh = [
        f"{chr(0x4E00 + n * 97)}{chr(0x5E00 + n * 31)}家的{n}号水管从早上漏到晚上，物业说{n * 7}天后才来修"
        for n in range(40)
    ]
    copies = [said(item) + "。" for item in [*held, *learnt, *load_corpus(CALIBRATION_DIR)[:20]]]
    one = written(tmp_path / "one", "one", [*copies, *fresh])
    two = written(tmp_path / "two", "two", [f"，{text}！" for text in [*fresh, *copies]])
    material = collected(Config(corpus=Corpus(folder=some_parts, more=(one, two))))
    parts = parted(material.items)
    assert material.left_out == 2 * 80, "what is held out, or calibrates, is neither learnt nor counted twice"
    for name, items in before.items():
        assert [item for item in parts[name] if item.id in material.corpus] == items, "the corpus stays where it is"
    side = {item.id: name for name, items in parts.items() for item in items}
    assert {side[f"one-{60 + n:04d}"] for n in range(60)} == {"train"}
    assert [side[f"one-{140 + n:04d}"] for n in range(40)] == [side[f"two-{n:04d}"] for n in range(40)]
    assert len({side[f"two-{n:04d}"] for n in range(40)}) > 1
    sides = list(near_duplicates([item.model_copy(update={"group": side[item.id]}) for item in material.items]))
    assert sides == [], "no near-duplicate on another side"


def test_every_folder_is_read_once(own: Path, some_parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def load(folder: Path, taxonomy: Taxonomy = PACKAGED) -> list[Item]:
        read.append(folder)
        return load_corpus(folder, taxonomy)

    monkeypatch.setattr("training.material.load_corpus", load)
    config = Config(corpus=Corpus(folder=some_parts, more=(own,), replay=100))
    material = collected(config)
    replayed(config, material, parted(material.items)["train"])
    assert read.count(some_parts) == read.count(own) == 1
    assert {
        "folder": str(own),
        "hash": corpus_hash(load_corpus(own)),
        "calls": len(load_corpus(own)),
    } in material.sources


def test_more_is_learnt_beside_the_corpus(own: Path, some_parts: Path) -> None:
    config = Config(corpus=Corpus(folder=some_parts, more=(own,), replay=100))
    material = collected(config)
    assert (len(material.items), material.left_out) == (len(load_corpus(some_parts)) + 64, 0)
    train = parted(material.items, config.corpus.seed)["train"]
    kept = replayed(config, material, train)
    assert sum(item.id.startswith("own-") for item in kept) == 56
    assert len(kept) == 156
    assert {item.id for item in kept} <= {item.id for item in train}, "nothing from validation or test"
    assert kept == replayed(config, material, train), "seeded"


def test_new_parts_of_the_corpus_are_learnt_whole(some_parts: Path) -> None:
    config = Config(corpus=Corpus(folder=some_parts, replay=100, new=("A", "BC")))
    material = collected(config)
    train = parted(material.items, config.corpus.seed)["train"]
    kept = replayed(config, material, train)
    new = {item.id for item in train if item.id.startswith(("A-", "BC-"))}
    assert {item.id for item in kept} >= new
    assert len(kept) == 100 + len(new)


def test_without_replay_everything_is_learnt(some_parts: Path) -> None:
    config = Config(corpus=Corpus(folder=some_parts))
    material = collected(config)
    train = parted(material.items, 110)["train"]
    assert replayed(config, material, train) == train


def test_an_id_in_two_folders_is_an_error(some_parts: Path) -> None:
    with pytest.raises(DataError, match="in another folder"):
        collected(Config(corpus=Corpus(folder=some_parts, more=(some_parts,))))


def test_a_folder_without_a_corpus_is_an_error(tmp_path: Path, some_parts: Path) -> None:
    with pytest.raises(DataError, match=r"holds no \*.jsonl item"):
        collected(Config(corpus=Corpus(folder=some_parts, more=(tmp_path,))))


def test_those_written_apart_weigh_as_much_as_validation(some_parts: Path) -> None:
    config = Config(corpus=Corpus(folder=some_parts))
    validation = parted(collected(config).items, 110)["validation"]
    chosen, rows = choosing(config, validation)
    assert chosen[: len(validation)] == validation
    apart = (rows >= len(validation)).mean()
    assert 0.45 < apart < 0.55
    assert set(rows.tolist()) == set(range(len(chosen)))
    assert len(drawn(labels(chosen), rows)["police"]) == len(rows)
