"""The dataset card counts what the run learnt from, and says what neither groups nor redaction held back."""

import json
from typing import Any

import pytest
from jinja2 import UndefinedError

from data.corpus import CORPUS_DIR, Item, corpus_hash, load_corpus
from training.config import Config, Corpus
from training.dataset_card import counts, describe, distance, write_dataset_card
from training.material import collected, parted

KEPT, OWN = 48, 4


def line(number: int, text: str, category: str) -> str:
    values = {"id": f"own-{number}", "group": f"own-{number}", "text": text, "category": category,
              "urgency": "routine_onsite", "style": "note"}  # fmt: skip
    return json.dumps(values, ensure_ascii=False)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Calls of the corpus, and beside them a copy of one, a redacted one, one that is not, and a plain one."""
    corpus, own = tmp_path_factory.mktemp("corpus"), tmp_path_factory.mktemp("own")
    lines = (CORPUS_DIR / "startI.jsonl").read_text(encoding="utf-8").splitlines()[:KEPT]
    (corpus / "startI.jsonl").write_text("\n".join(lines), encoding="utf-8")
    items = load_corpus(corpus)
    held = parted(items)["test"][0]
    texts = (
        "".join(turn.text for turn in held.as_turns()),
        "称楼上漏水，电话〔电话〕",
        "称电瓶车被偷，电话13812345678",
        "称路灯不亮",
    )
    said = [line(n, text, "noise") for n, text in enumerate(texts)]
    (own / "own.jsonl").write_text("\n".join(said), encoding="utf-8")
    return Config(corpus=Corpus(folder=corpus, more=(own,), replay=20))


@pytest.fixture(scope="module")
def parts(config: Config) -> dict[str, list[Item]]:
    """The splits as they would be if nobody had looked for copies."""
    return parted([*load_corpus(config.corpus.folder), *load_corpus(config.corpus.more[0])])


@pytest.fixture(scope="module")
def described(config: Config, parts: dict[str, list[Item]]) -> dict[str, Any]:
    return describe(config, collected(config), parts)


def test_every_kind_adds_up(parts: dict[str, list[Item]], described: dict[str, Any]) -> None:
    assert set(described["counts"]) == {"category", "urgency", "style", "part"}
    for rows in described["counts"].values():
        assert [sum(column) for column in zip(*rows.values(), strict=True)] == [len(part) for part in parts.values()]
    assert sum(described["counts"]["part"]["own"]) == OWN
    assert list(counts(parts)["urgency"]) == ["emergency", "urgent", "routine_onsite", "routine_remote"]


def test_replay_and_new_calls_are_told_apart(described: dict[str, Any]) -> None:
    learnt = described["learnt"]
    assert (learnt["corpus"], learnt["replay"]) == (20, 20)
    assert learnt["calls"] == 20 + learnt["beside"]
    assert learnt["split"] == learnt["of_corpus"] + learnt["beside"]
    assert 0.5 < learnt["distance"] <= 1


def test_a_copy_on_the_other_side_of_a_split_is_told(described: dict[str, Any]) -> None:
    assert described["duplicates"]["apart"] >= 1
    assert "own-0 (train)" in described["duplicates"]["shown"][0]
    assert "(test)" in described["duplicates"]["shown"][0]


def test_what_redaction_left_is_told(described: dict[str, Any]) -> None:
    found = described["redaction"]
    assert (found["beside"], found["marked"], found["left"], found["shown"]) == (OWN, 1, 1, ["own-2"])


def test_the_card_says_all_of_it(parts: dict[str, list[Item]], described: dict[str, Any]) -> None:
    items = [item for part in parts.values() for item in part]
    sources = [
        {"folder": "data/corpus", "hash": "1234", "calls": KEPT},
        {"folder": "own", "hash": "5678", "calls": OWN},
    ]
    run = {"version": "v1", "apart": 955, "sources": sources, "corpus": corpus_hash(items)}
    card = write_dataset_card(run, described)
    for heading in ("Intended use", "Sources", "Counts", "Label mix and replay", "Duplicates", "redaction", "Limits"):
        assert heading in card
    for told in ("| `own` | `5678` | 4 |", f"{KEPT + OWN} calls in", "at most 20, seeded", "total variation",
                 "make figures on it look better", "look at them before", corpus_hash(items)):  # fmt: skip
        assert told in card, told
    assert "13812345678" not in card
    for row in ("noise", "emergency", "note", "startI"):
        numbers = next(rows[row] for rows in described["counts"].values() if row in rows)
        assert f"| {row} | {' | '.join(map(str, numbers))} | {sum(numbers)} |" in card
    with pytest.raises(UndefinedError):
        write_dataset_card({name: value for name, value in run.items() if name != "sources"} | {"sources": [{}]}, {})


def test_distance_is_between_nothing_and_all(parts: dict[str, list[Item]]) -> None:
    train = parts["train"]
    assert distance(train, train) == distance(train, []) == 0
    assert distance([i for i in train if i.category == "noise"], [i for i in train if i.category != "noise"]) == 1
