"""The corpus as `datasets.DatasetDict`, and the collator that turns its rows into noisy batches of tokens."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from datasets import Dataset, DatasetDict, concatenate_datasets
from tokenizers import Tokenizer

from data.corpus import CORPUS_DIR, Item, load_corpus
from data.noise import drop_end, drop_operator, drop_punctuation, mishear
from data.otherworld import OtherText
from data.own_taxonomy import HEADS, PACKAGED, Taxonomy
from data.records import Turn
from model.text import head_and_tail, render
from training.config import Config, Noise
from training.distil import Teacher
from training.material import labels, parted

Batch = dict[str, torch.Tensor]
NO_LABEL = -100  # of a text that is no call
MOST_OTHERS = 0.1  # texts from another world beside the calls of a training split


def load_dataset_dict(items: Sequence[Item] | None = None, seed: int = 110) -> DatasetDict:
    """`train`, `validation` and `test`: columns id, group, turns, style, length (characters) and one index per head."""
    return as_datasets(parted(load_corpus(CORPUS_DIR) if items is None else items, seed))


def as_datasets(parts: Mapping[str, Sequence[Item]], taxonomy: Taxonomy = PACKAGED) -> DatasetDict:
    """The items of each split as rows; a split without items is left out."""
    return DatasetDict({name: Dataset.from_list(_rows(part, taxonomy)) for name, part in parts.items() if part})


def with_others(calls: Dataset, others: Sequence[OtherText], seed: int) -> Dataset:
    """`calls`, and texts that are none, whose labels are `NO_LABEL`: at most a tenth as many as calls, seeded."""
    chosen = random.Random(seed).sample(list(others), others_beside(len(calls), len(others)))
    if not chosen:
        return calls
    return concatenate_datasets([calls, Dataset.from_list([_other(text) for text in chosen], calls.features)])


def others_beside(calls: int, others: int) -> int:
    """How many of so many texts from another world are learnt from beside so many calls."""
    return min(others, int(MOST_OTHERS * calls))


def _other(text: OtherText) -> dict[str, Any]:
    turns = [{"speaker": "caller", "text": text.text}]
    row = {"id": text.id, "group": text.id, "turns": turns, "style": "note", "length": len(text.text)}
    return row | dict.fromkeys(HEADS, NO_LABEL)


def _rows(items: Sequence[Item], taxonomy: Taxonomy) -> list[dict[str, Any]]:
    numbers = labels(items, taxonomy)
    return [_row(item) | {head: int(numbers[head][n]) for head in HEADS} for n, item in enumerate(items)]


def _row(item: Item) -> dict[str, Any]:
    turns = item.as_turns()
    return {
        "id": item.id,
        "group": item.group,
        "turns": [turn.model_dump() for turn in turns],
        "style": item.style,
        "length": sum(len(turn.text) for turn in turns),
    }


def encode(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> Batch:
    """`input_ids` and `attention_mask`, both (texts, longest); too long ones keep head and tail."""
    ids = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    kept = [[row[i] for i in head_and_tail(row, max_tokens)] for row in ids]
    longest, pad = max(map(len, kept)), tokenizer.token_to_id("<pad>") or 0
    return {
        "input_ids": torch.tensor([row + [pad] * (longest - len(row)) for row in kept]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in kept]),
    }


def collator(
    tokenizer: Tokenizer, config: Config, noise: Noise | None, teacher: Teacher | None = None
) -> Callable[[list[dict[str, Any]]], Batch]:
    """Makes batches of rows, with a teacher's answers; with `noise`, a row is disturbed anew whenever it is drawn."""
    rng = random.Random(config.fit.seed)

    def collate(rows: list[dict[str, Any]]) -> Batch:
        texts = [render(_disturb(row, noise, rng) if noise else _turns(row)).text for row in rows]
        truth = {head: torch.tensor([row[head] for row in rows]) for head in HEADS}
        lesson = teacher.lesson([row["id"] for row in rows]) if teacher else {}
        return encode(tokenizer, texts, config.corpus.max_tokens) | truth | lesson

    return collate


def _turns(row: Mapping[str, Any]) -> list[Turn]:
    return [Turn(**turn) for turn in row["turns"]]


def _disturb(row: Mapping[str, Any], noise: Noise, rng: random.Random) -> list[Turn]:
    turns = _turns(row)
    if rng.random() < noise.no_operator:
        turns = drop_operator(turns)
    if rng.random() < noise.prefix and row["style"] != "note":
        turns = drop_end(turns, keep=rng.uniform(0.6, 0.95))
    if rng.random() < noise.misheard:
        turns = mishear(turns, rng.uniform(0, noise.character_error), rng)
    if rng.random() < noise.no_punctuation:
        turns = drop_punctuation(turns)
    return turns
