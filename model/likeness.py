"""How alike two calls' words are: hashed characters and pairs of them, rare ones heavy, as one short vector."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from data.plain import simplify
from data.records import Turn
from data.tables import DATA_DIR, Row, load_table

COMMON = DATA_DIR / "related" / "common.csv"
SINGLE, PAIRS = 384, 128  # places of the vector for characters and for pairs
SIZE = SINGLE + PAIRS
PAIRS_COUNT = 0.15  # share of the pairs in the likeness; chosen together with the weights of serving/related.py
LONGEST = 3_000
RAREST = 0.0002  # share of calls below which a word is as rare as can be
Vector = NDArray[np.float32]
Hashes = NDArray[np.uint64]
_NO_LETTER = re.compile(r"[\W_]+")
_MARKS = re.compile("〔[^〕]{1,4}〕")
_A, _B = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


class Common(Row):
    """One line of `common.csv`: a character or two side by side, and the share of the corpus's calls that have them."""

    words: str = Field(min_length=1, max_length=2)
    share: float = Field(gt=0, le=1)


@cache
def _weights(path: Path = COMMON) -> tuple[Hashes, Vector]:
    """Hashes in order, and for each how much its words count (0–1)."""
    rows = load_table(path, Common, key=lambda row: row.words)
    hashes = np.concatenate([_hashes(_codes(row.words), len(row.words)) for row in rows])
    shares = np.array([row.share for row in rows])
    order = np.argsort(hashes)
    return hashes[order], np.clip(np.log(shares) / np.log(RAREST), 0, 1).astype(np.float32)[order]


def _codes(text: str) -> Hashes:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)


def _hashes(codes: Hashes, length: int) -> Hashes:
    """A number for each run of `length` (1 or 2) characters."""
    with np.errstate(over="ignore"):
        mixed = codes * _A if length == 1 else codes[:-1] * _A + codes[1:] * _B + np.uint64(1)
        return (mixed ^ (mixed >> np.uint64(29))) * _B


def vector(turns: Sequence[Turn], without: Sequence[str] = ()) -> Vector:
    """The caller's words as a vector whose dot product with another is their likeness (0–1, nearly).

    All 0 when too little is said. `without`: words that shall not count, such as the place. Of a very long call the
    first 3,000 characters are read; the marks of the redaction do not count.
    """
    text = simplify(" ".join(turn.text for turn in turns if turn.speaker == "caller")[:LONGEST])
    text = _MARKS.sub(" ", text)
    for words in without:
        text = text.replace(words, " ")
    codes = _codes(_NO_LETTER.sub("", text))
    found = np.zeros(SIZE, np.float32)
    if len(codes) < 2:
        return found
    found[:SINGLE] = _hashed(_hashes(codes, 1), SINGLE) * np.float32((1 - PAIRS_COUNT) ** 0.5)
    found[SINGLE:] = _hashed(_hashes(codes, 2), PAIRS) * np.float32(PAIRS_COUNT**0.5)
    return found


def _hashed(hashes: Hashes, size: int) -> Vector:
    hashes = np.unique(hashes)
    known, weights = _weights()
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    weight = np.where(known[places] == hashes, weights[places], np.float32(1))
    signs = np.where((hashes >> np.uint64(40)) & np.uint64(1), np.float32(1), np.float32(-1))
    found = np.bincount((hashes >> np.uint64(41)).astype(np.int64) % size, weight * signs, size).astype(np.float32)
    length = np.float32(np.linalg.norm(found))
    return found / length if length > 0 else found
