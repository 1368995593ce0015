"""The dataset card of a run: what it learnt from, counted by itself."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from data.corpus import Item
from data.own_taxonomy import PACKAGED, Taxonomy
from data.redaction import MARK, redact_turns
from data.taxonomy import URGENCIES
from training.card import rendered
from training.config import Config
from training.duplicates import near_duplicates
from training.material import Material, replayed, taxonomy_of

THRESHOLD = 0.8
SHOWN = 10
Parts = Mapping[str, Sequence[Item]]


def describe(config: Config, material: Material, parts: Parts) -> dict[str, Any]:
    """Every figure of the card from what the run has and the items of each split."""
    items = [item for part in parts.values() for item in part]
    corpus, taxonomy = material.corpus, taxonomy_of(config)
    learnt = replayed(config, material, parts["train"])
    known = {taxonomy.resolved(item.category) for item in learnt}
    return {
        "calls": len(items),
        "groups": len({item.group for item in items}),
        "sampled": config.corpus.limit is not None,
        "calibration": str(config.corpus.calibration),
        "seed": config.corpus.seed,
        "splits": list(parts),
        "counts": counts(parts, taxonomy),
        "learnt": _learnt(config, learnt, parts["train"], corpus),
        "absent": [code for code in taxonomy.codes if code not in known],
        "duplicates": _duplicates(parts),
        "redaction": _redaction(parts, corpus),
    }


def write_dataset_card(run: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    """The card's Markdown from the facts of the run and `describe`'s figures."""
    own = {name: run[name] for name in ("version", "apart", "sources")}
    return rendered("DATASET_CARD.md", **own, hash=run["corpus"], **described)


def counts(parts: Parts, taxonomy: Taxonomy = PACKAGED) -> dict[str, dict[str, list[int]]]:
    """How many calls each split has, by kind (`category`, `urgency`, `style`, `part`) and its value, in their order."""
    kinds: dict[str, tuple[Callable[[Item], str], Sequence[str]]] = {
        "category": (lambda item: taxonomy.resolved(item.category), taxonomy.codes),
        "urgency": (lambda item: item.urgency.value, [level.value for level in URGENCIES]),
        "style": (lambda item: item.style, ("dialogue", "note", "speech")),
        "part": (lambda item: item.id.partition("-")[0], ()),
    }
    found: dict[str, dict[str, list[int]]] = {}
    for kind, (value, order) in kinds.items():
        by_split = [Counter(map(value, part)) for part in parts.values()]
        names = order or sorted({name for counted in by_split for name in counted})
        found[kind] = {name: [counted[name] for counted in by_split] for name in names}
    return found


def distance(a: Sequence[Item], b: Sequence[Item]) -> float:
    """Total variation between the categories of both, from 0 to 1; 0 when one of them is empty."""
    if not a or not b:
        return 0.0
    mixes = [Counter(item.category for item in items) for items in (a, b)]
    return 0.5 * sum(abs(mixes[0][code] / len(a) - mixes[1][code] / len(b)) for code in set().union(*mixes))


def _learnt(config: Config, learnt: Sequence[Item], train: Sequence[Item], corpus: frozenset[str]) -> dict[str, Any]:
    old, new = [item for item in train if item.id in corpus], [item for item in train if item.id not in corpus]
    return {
        "calls": len(learnt),
        "corpus": sum(item.id in corpus for item in learnt),
        "of_corpus": len(old),
        "beside": len(new),
        "split": len(train),
        "replay": config.corpus.replay,
        "distance": distance(old, new),
    }


def _duplicates(parts: Parts) -> dict[str, Any]:
    """Pairs of nearly the same text, and those of them that a split parts."""
    side = {item.id: name for name, part in parts.items() for item in part}
    pairs = list(near_duplicates([item for part in parts.values() for item in part], THRESHOLD))
    apart = [f"{a.id} ({side[a.id]}) and {b.id} ({side[b.id]})" for a, b, _ in pairs if side[a.id] != side[b.id]]
    return {"threshold": THRESHOLD, "pairs": len(pairs), "apart": len(apart), "shown": apart[:SHOWN]}


def _redaction(parts: Parts, corpus: frozenset[str]) -> dict[str, Any]:
    beside = [item for part in parts.values() for item in part if item.id not in corpus]
    left = [item.id for item in beside if redact_turns(item.as_turns()) != item.as_turns()]
    return {
        "beside": len(beside),
        "marked": sum(any(MARK.search(turn.text) for turn in item.as_turns()) for item in beside),
        "left": len(left),
        "shown": left[:SHOWN],
        "golden": sum(item.id not in corpus for item in parts["test"]),
        "tested": len(parts["test"]),
    }
