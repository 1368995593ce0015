"""Builds the language model of `data.heard` from the corpus' training split.

python -m training.heard [FILE]
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pypinyin import Style, pinyin

from data.corpus import load_corpus, split_groups
from data.heard import BITS, END, FILE, FIRST, STEP, kind
from data.plain import simplify

HAN = re.compile("[\u4e00-\u9fff]+")
LEAST = 5  # times a character occurs that may have been meant
TWICE = 2  # times two or three side by side occur that are kept
DISCOUNT = 0.75
RARE = 0.03  # of a character's readings, the share below which one does not count
Gram = tuple[int, ...]
Grams = Mapping[Gram, int]


def main() -> None:
    """Writes the file and says what is in it."""
    path = Path(sys.argv[1]) if sys.argv[1:] else FILE
    items = load_corpus()
    side = split_groups(items)
    lines = [simplify(turn.text) for item in items if side[item.group] == "train" for turn in item.as_turns()]
    build(lines, path)
    with np.load(path) as arrays:
        counts = ", ".join(f"{arrays[f'{name}.log'].size:,} of {name}" for name in ("one", "two", "three"))
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, n-grams: {counts}")


def build(lines: Sequence[str], path: Path) -> None:
    """Counts n-grams of characters in `lines` and writes them to `path`, discounted and interpolated (Ney et al. 1994).

    Raises:
        ValueError: no lines, or more different characters than keys have room for.
    """
    if not any(lines):
        raise ValueError("there are no lines to count")
    counted = Counter("".join(HAN.findall("\n".join(lines))))
    chars = sorted(char for char, count in counted.items() if count >= LEAST)
    if len(chars) + FIRST > 1 << BITS:
        raise ValueError(f"{len(chars)} characters do not fit into {BITS} bits")
    number = {char: n for n, char in enumerate(chars, FIRST)}
    one, two, three = _counted(lines, number)
    syllables, readings = _readings(lines, chars)
    size = len(chars) + FIRST
    unigram = np.array([one[(n,)] + 0.2 for n in range(size)])
    unigram /= unigram.sum()
    below: dict[Gram, float] = {(n,): p for n, p in enumerate(unigram.tolist())}
    pairs, left = _discounted(two, one, below)
    triples, left_two = _discounted(three, two, pairs)
    packed = _packed("one", below, left) | _packed("two", pairs, left_two) | _packed("three", triples, {})
    texts = {"chars": np.array("".join(chars)), "syllables": np.array(" ".join(syllables))}
    np.savez_compressed(path, allow_pickle=False, readings=readings, **texts, **packed)


def _counted(lines: Iterable[str], number: Mapping[str, int]) -> tuple[Grams, Grams, Grams]:
    """How often each character, two and three occur, the beginning and end of a line as two characters more."""
    one, two, three = Counter[Gram](), Counter[Gram](), Counter[Gram]()
    for line in lines:
        padded = [END, END, *(number.get(char) or kind(char) for char in line), END, END]
        one.update((n,) for n in padded[2:])
        two.update(pairwise(padded[1:]))
        three.update(zip(padded, padded[1:], padded[2:], strict=False))
    return one, _frequent(two), _frequent(three)


def _frequent(counts: Counter[Gram]) -> Grams:
    return {gram: count for gram, count in counts.items() if count >= TWICE}


def _discounted(
    grams: Grams, contexts: Grams, below: Mapping[Gram, float]
) -> tuple[dict[Gram, float], dict[Gram, float]]:
    """Probabilities of `grams`, and by context what is left for those that were not kept: its back-off weight."""
    taken = Counter[Gram]()
    for gram, count in grams.items():
        taken[gram[:-1]] += count
    discounted = Counter(gram[:-1] for gram in grams)
    total = {context: max(contexts.get(context, 0), count) for context, count in taken.items()}
    left = {context: 1 - (taken[context] - DISCOUNT * discounted[context]) / total[context] for context in taken}
    found = {gram: (count - DISCOUNT) / total[gram[:-1]] + left[gram[:-1]] * below.get(gram[1:], 0.0)
             for gram, count in grams.items()}  # fmt: skip
    return found, left


def _readings(lines: Sequence[str], chars: Sequence[str]) -> tuple[list[str], NDArray[Any]]:
    """All syllables without tones, and pairs of a character's and a syllable's number, as `lines` are read aloud."""
    aloud = {char: Counter[str]() for char in chars}
    for run in HAN.findall("\n".join(lines)):
        for char, (syllable, *_) in zip(run, pinyin(run, style=Style.NORMAL), strict=True):
            if char in aloud:
                aloud[char][syllable] += 1
    read = [[syllable for syllable, count in found.items() if count >= RARE * found.total()]
            for found in aloud.values()]  # fmt: skip
    syllables = sorted({syllable for found in read for syllable in found})
    pairs = [(n, syllables.index(syllable)) for n, found in enumerate(read, FIRST) for syllable in found]
    return syllables, np.array(pairs, np.uint16)


def _packed(name: str, probability: Mapping[Gram, float], left: Mapping[Gram, float]) -> dict[str, NDArray[Any]]:
    """Keys as gaps, byte by byte, which compresses best, and logarithms in steps."""
    grams = sorted(probability)
    keys = np.array([sum(n << (BITS * at) for at, n in enumerate(reversed(gram))) for gram in grams], np.int64)
    gaps = np.diff(keys, prepend=0)
    steps = {
        "log": [probability[gram] for gram in grams],
        "weight": [left.get(gram, 1.0) for gram in grams],
    }
    return {f"{name}.keys": gaps.astype("<i8").view(np.uint8).reshape(-1, 8).T.copy()} | {
        f"{name}.{part}": np.round(-np.log(np.array(values).clip(1e-5, 1)) / STEP).clip(0, 255).astype(np.uint8)
        for part, values in steps.items()
    }


if __name__ == "__main__":
    main()
