"""What a run learns from, and what it chooses on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.corpus import Item, load_corpus, split_groups
from data.own_taxonomy import PACKAGED, Taxonomy, load_taxonomy
from data.tables import DataError
from data.taxonomy import POLICE_LABELS
from training.config import Config


def taxonomy_of(config: Config) -> Taxonomy:
    """The categories that a run learns.

    Raises:
        DataError: the city's file breaks a rule.
    """
    return load_taxonomy(config.corpus.taxonomy) if config.corpus.taxonomy else PACKAGED


def collected(config: Config) -> list[Item]:
    """The corpus, whole or a seeded sample, and everything of the folders beside it.

    Raises:
        DataError: an id stands in two folders; a label that the taxonomy does not know.
    """
    taxonomy = taxonomy_of(config)
    corpus = load_corpus(config.corpus.folder, taxonomy)
    if config.corpus.limit is not None:
        order = np.random.default_rng(config.corpus.seed).permutation(len(corpus))[: config.corpus.limit]
        corpus = [corpus[n] for n in sorted(order)]
    seen = {item.id for item in corpus}
    for folder in config.corpus.more:
        own = load_corpus(folder, taxonomy)
        if twice := seen & {item.id for item in own}:
            raise DataError(folder, 0, "id", f"{min(twice)!r} stands in another folder, too")
        seen |= {item.id for item in own}
        corpus += own
    return corpus


def replayed(config: Config, train: Sequence[Item]) -> list[Item]:
    """The training split with as many of the corpus' items (seeded) as are replayed, and all others."""
    if config.corpus.replay is None:
        return list(train)
    corpus = {item.id for item in load_corpus(config.corpus.folder, taxonomy_of(config))}
    old = [item for item in train if item.id in corpus]
    kept = np.random.default_rng(config.fit.seed).permutation(len(old))[: config.corpus.replay]
    return [old[n] for n in sorted(kept)] + [item for item in train if item.id not in corpus]


def parted(items: Sequence[Item], seed: int = 110) -> dict[str, list[Item]]:
    """The items of each split."""
    splits = split_groups(items, seed)
    return {name: [item for item in items if splits[item.group] == name] for name in ("train", "validation", "test")}


def choosing(config: Config, validation: Sequence[Item]) -> tuple[list[Item], NDArray[np.intp]]:
    """The calls that choose, and how they are drawn: those written apart as often as to weigh as much as the others.

    A writer's calls that were held back are easier than calls of other writers, and too easy to choose a threshold on.
    """
    apart = load_corpus(config.corpus.calibration, taxonomy_of(config))
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
