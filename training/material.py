"""What a run learns from, and what it chooses on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from data.corpus import Item, corpus_hash, load_corpus, split_groups
from data.own_taxonomy import PACKAGED, Taxonomy, load_taxonomy
from data.tables import DataError
from data.taxonomy import POLICE_LABELS
from training.config import Config
from training.duplicates import alike

T = TypeVar("T")


@dataclass(frozen=True)
class Material:
    """Everything that a run has, read once: `items`, of which those with an id in `corpus` are the corpus'.

    `sources` says of each folder its `hash` and how many `calls` it holds; `left_out` counts calls of the folders
    beside the corpus that are nearly those of its validation or test split, or of the calls that calibrate.
    """

    items: list[Item]
    corpus: frozenset[str]
    sources: Sequence[Mapping[str, Any]]
    left_out: int = 0


def taxonomy_of(config: Config) -> Taxonomy:
    """The categories that a run learns.

    Raises:
        DataError: the city's file breaks a rule.
    """
    return load_taxonomy(config.corpus.taxonomy) if config.corpus.taxonomy else PACKAGED


def collected(config: Config) -> Material:
    """The corpus, whole or a seeded sample, and what is in the folders beside it, so that no split parts what is alike.

    Raises:
        DataError: an id stands in two folders; a label that the taxonomy does not know.
    """
    taxonomy = taxonomy_of(config)
    corpus = load_corpus(config.corpus.folder, taxonomy)
    seen = frozenset(item.id for item in corpus)
    sources = [_source(config.corpus.folder, corpus)]
    more: list[Item] = []
    ids = set(seen)
    for folder in config.corpus.more:
        own = load_corpus(folder, taxonomy)
        if twice := ids & {item.id for item in own}:
            raise DataError(folder, 0, "id", f"{min(twice)!r} stands in another folder, too")
        ids |= {item.id for item in own}
        sources.append(_source(folder, own))
        more += own
    corpus = sampled(config, corpus)
    kept = _beside(config, corpus, more) if more else []
    return Material([*corpus, *kept], seen, sources, len(more) - len(kept))


def sampled(config: Config, items: list[T]) -> list[T]:
    """As many of them (seeded) as a run is limited to, in their order."""
    if config.corpus.limit is None:
        return items
    order = np.random.default_rng(config.corpus.seed).permutation(len(items))[: config.corpus.limit]
    return [items[n] for n in sorted(order)]


def _source(folder: Path, items: Sequence[Item]) -> dict[str, Any]:
    return {"folder": str(folder), "hash": corpus_hash(items), "calls": len(items)}


def _beside(config: Config, corpus: list[Item], more: list[Item]) -> list[Item]:
    """`more`, grouped with what is alike in it and in the training split of the corpus, whose own groups never move.

    A call that is nearly one held out, or one that calibrates, is left out: it must not be learnt, and held out it
    would count the same call twice.
    """
    splits = split_groups(corpus, config.corpus.seed)
    items = [*corpus, *load_corpus(config.corpus.calibration, taxonomy_of(config)), *more]
    known = len(items) - len(more)
    parents: dict[str, str] = {}
    dropped: set[int] = set()

    def root(group: str) -> str:
        while group in parents:
            group = parents[group]
        return group

    for one, other in alike(items, known):
        if one < known and splits.get(items[one].group) != "train":
            dropped.add(other)
            continue
        joined = dict.fromkeys((root(items[one].group), root(items[other].group)))
        first, *rest = sorted(joined, key=lambda group: group not in splits)
        parents |= {group: first for group in rest if group not in splits}
    return [
        item.model_copy(update={"group": root(item.group)})
        for number, item in enumerate(more, known)
        if number not in dropped
    ]


def replayed(config: Config, material: Material, train: Sequence[Item]) -> list[Item]:
    """The training split with as many of the corpus' items (seeded) as are replayed, and all others."""
    if config.corpus.replay is None:
        return list(train)
    new = tuple(f"{part}-" for part in config.corpus.new)
    known = {item.id for item in train if item.id in material.corpus and not item.id.startswith(new)}
    old = [item for item in train if item.id in known]
    kept = np.random.default_rng(config.fit.seed).permutation(len(old))[: config.corpus.replay]
    return [old[n] for n in sorted(kept)] + [item for item in train if item.id not in known]


def parted(items: Sequence[Item], seed: int = 110) -> dict[str, list[Item]]:
    """The items of each split."""
    splits = split_groups(items, seed)
    return {name: [item for item in items if splits[item.group] == name] for name in ("train", "validation", "test")}


def choosing(config: Config, validation: Sequence[Item]) -> tuple[list[Item], NDArray[np.intp]]:
    """The calls that choose, and how they are drawn: those written apart as often as to weigh as much as the others.

    A writer's calls that were held back are easier than calls of other writers, and too easy to choose a threshold on.
    """
    apart = sampled(config, load_corpus(config.corpus.calibration, taxonomy_of(config)))
    count = max(len(validation), len(apart))
    rows = [_stretched(len(validation), count), len(validation) + _stretched(len(apart), count)]
    return [*validation, *apart], np.concatenate(rows)


def _stretched(length: int, count: int) -> NDArray[np.intp]:
    """`count` numbers below `length`, every one of them, those that come twice evenly spread."""
    return np.linspace(0, length - 1, count).round().astype(np.intp)


def drawn(arrays: Mapping[str, NDArray[Any]], rows: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
    """These rows of every array."""
    return {head: values[rows] for head, values in arrays.items()}


def labels(items: Sequence[Item], taxonomy: Taxonomy = PACKAGED) -> dict[str, NDArray[np.intp]]:
    """By head, the number of each item's label in `taxonomy`."""
    codes = [taxonomy.resolved(item.category) for item in items]
    owners = {code: POLICE_LABELS.index(category.police) for code, category in taxonomy.categories.items()}
    return {
        "category": np.array([taxonomy.codes.index(code) for code in codes]),
        "urgency": np.array([item.urgency.rank for item in items]),
        "police": np.array([owners[code] for code in codes]),
    }
