"""Near-duplicates among calls, so that none stands on both sides of a split."""

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import numpy as np
from datasketch import MinHash, MinHashLSH
from numpy.typing import NDArray

from data.corpus import Item

SHINGLE = 3
BANDS, ROWS = 10, 6
_BLANK = MinHash(BANDS * ROWS, hashfunc=crc32)
_NO_LETTER = re.compile(r"[\W_]+")


def letters(text: str) -> str:
    """Its letters, digits and Han characters alone."""
    return _NO_LETTER.sub("", text)


def shingles(text: str) -> set[str]:
    """Runs of three letters or Han characters; shorter texts are one run."""
    said = letters(text)
    return {said[at : at + SHINGLE] for at in range(max(1, len(said) - SHINGLE + 1))}


def said(item: Item) -> str:
    """The item's words, speakers left out."""
    return "".join(turn.text for turn in item.as_turns())


def overlap(one: set[str], other: set[str]) -> float:
    """Jaccard's: the share of all shingles that both have."""
    return len(one & other) / len(one | other)


def band_keys(text: str) -> list[int]:
    """The key of the text's letters, then one a band of its MinHash: texts that share one are probably alike.

    Ten bands of six hashes: three of four pairs whose shingles overlap by 0.73 share one, nearly all from 0.85 on.
    The keys are signed 64-bit integers.
    """
    values = _sketch(shingles(text)).hashvalues.reshape(BANDS, ROWS)
    parts = [letters(text).encode("utf-8", "replace"), *(bytes([n]) + row.tobytes() for n, row in enumerate(values))]
    return [int.from_bytes(hashlib.blake2b(part, digest_size=8).digest(), signed=True) for part in parts]


def _sketch(found: set[str]) -> MinHash:
    sketch = _BLANK.copy()  # drawing the permutations anew takes longer than all the rest
    sketch.update_batch([shingle.encode("utf-8", "replace") for shingle in found])
    return sketch


def near_duplicates(items: Sequence[Item], threshold: float = 0.8) -> Iterator[tuple[Item, Item, float]]:
    """Pairs of items from different groups whose shingles overlap by at least `threshold` (Jaccard), with the overlap.

    Candidates are found by MinHash (Broder 1997) and then counted, so what is given is exact and a pair at the
    threshold itself may be missed.
    """
    index = MinHashLSH(threshold=threshold * 0.9, num_perm=BANDS * ROWS)
    sets = [shingles(said(item)) for item in items]
    for number, (item, found) in enumerate(zip(items, sets, strict=True)):
        sketch = _sketch(found)
        for other in index.query(sketch):
            if items[other].group != item.group and (share := overlap(found, sets[other])) >= threshold:
                yield items[other], item, share
        index.insert(number, sketch)


def alike(items: Sequence[Item], known: int, threshold: float = 0.7) -> Iterator[tuple[int, int]]:
    """Numbers of two items, the later beyond the first `known`, whose letters are the same or nearly (`overlap`).

    Candidates share a key of `band_keys`. Each is held against those of the known that share it, the first of the
    others and the one before it: that joins whatever is alike, in a time that grows with the number of items alone.
    """
    keys = np.array([band_keys(said(item)) for item in items], np.int64)
    seen: set[tuple[int, int]] = set()
    for column in keys.T:
        for run in _runs(column):
            old, new = [n for n in run if n < known], [n for n in run if n >= known]
            for at, number in enumerate(new):
                pairs = {(other, number) for other in (*old, *new[: min(at, 1)], *new[max(0, at - 1) : at])} - seen
                seen |= pairs
                found = shingles(said(items[number])) if pairs else set()
                yield from (pair for pair in sorted(pairs)
                            if overlap(found, shingles(said(items[pair[0]]))) >= threshold)  # fmt: skip


def _runs(column: NDArray[np.int64]) -> Iterator[list[int]]:
    """The numbers of the rows that hold the same value, rising, for every value held more than once."""
    order = np.argsort(column, kind="stable")
    ends = np.flatnonzero(np.diff(column[order], append=column[order[-1:]] + 1)) + 1
    for start, end in zip(np.concatenate([[0], ends[:-1]]), ends, strict=True):
        if end - start > 1:
            yield order[start:end].tolist()


class Groups:
    """Groups by locality-sensitive hashing, in a file, so that memory does not grow: texts that share a key are one.

    A pair too many costs nothing here: its calls stand on one side of a split.
    """

    def __init__(self, file: Path) -> None:
        self._base = sqlite3.connect(file, isolation_level=None)
        self._base.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -131072;"
            "CREATE TABLE band (key INTEGER PRIMARY KEY, number INTEGER);"
            "CREATE TABLE root (number INTEGER PRIMARY KEY, root INTEGER);"
            "BEGIN;"
        )

    def add(self, number: int, text: str) -> bool:
        """Takes record `number` in; whether the very same text (letters and characters alone) was there before."""
        keys = band_keys(text)
        marks = ",".join("?" * len(keys))
        found = dict(self._base.execute(f"SELECT key, number FROM band WHERE key IN ({marks})", keys))
        roots = sorted({self.root(other) for other in found.values()})
        for root in (*roots[1:], *([number] if roots else [])):
            self._base.execute("INSERT OR REPLACE INTO root VALUES (?, ?)", (root, roots[0]))
        fresh = [(key, number) for key in dict.fromkeys(keys) if key not in found]
        self._base.executemany("INSERT INTO band VALUES (?, ?)", fresh)
        return keys[0] in found

    def root(self, number: int) -> int:
        """The first record of the group of record `number`."""
        while row := self._base.execute("SELECT root FROM root WHERE number = ?", (number,)).fetchone():
            number = row[0]
        return number

    def close(self) -> None:
        """Forgets everything."""
        self._base.close()


@contextmanager
def groups() -> Iterator[Groups]:
    """Groups in a file that is gone afterwards."""
    with TemporaryDirectory(prefix="yidiantong-") as folder:
        found = Groups(Path(folder) / "groups.db")
        try:
            yield found
        finally:
            found.close()
