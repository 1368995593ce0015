"""Which records tell the same story, found on disk in constant memory, so that no split parts them."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from datasketch import MinHash

from training.duplicates import shingles

BANDS, ROWS = 10, 6


class Groups:
    """Groups by locality-sensitive hashing (Broder 1997): texts that share a band of their MinHash belong together.

    Ten bands of six hashes: three of four pairs whose shingles overlap by 0.73 are found, nearly all from 0.85 on.
    A pair too many costs nothing here: its calls stand on one side of a split.
    """

    def __init__(self, file: Path) -> None:
        self._base = sqlite3.connect(file)
        self._base.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;"
            "CREATE TABLE band (key BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID;"
            "CREATE TABLE root (number INTEGER PRIMARY KEY, root INTEGER);"
        )

    def add(self, number: int, text: str) -> bool:
        """Takes record `number` in; whether the very same text (letters and characters alone) was there before."""
        keys = _keys(text)
        marks = ",".join("?" * len(keys))
        found = dict(self._base.execute(f"SELECT key, number FROM band WHERE key IN ({marks})", keys))
        roots = sorted({self.root(other) for other in found.values()})
        for root in (*roots[1:], *([number] if roots else [])):
            self._base.execute("INSERT OR REPLACE INTO root VALUES (?, ?)", (root, roots[0]))
        self._base.executemany("INSERT OR IGNORE INTO band VALUES (?, ?)", ((key, number) for key in keys))
        return keys[0] in found

    def root(self, number: int) -> int:
        """The first record of the group of record `number`."""
        while row := self._base.execute("SELECT root FROM root WHERE number = ?", (number,)).fetchone():
            number = row[0]
        return number

    def close(self) -> None:
        """Forgets everything."""
        self._base.close()


def _keys(text: str) -> Sequence[bytes]:
    """The key of the text itself, then one a band."""
    found = shingles(text)
    sketch = MinHash(BANDS * ROWS)
    sketch.update_batch([shingle.encode("utf-8", "replace") for shingle in found])
    values = sketch.hashvalues.reshape(BANDS, ROWS)
    letters = "".join(char for char in text if char.isalnum())
    parts = [letters.encode("utf-8", "replace"), *(bytes([band]) + row.tobytes() for band, row in enumerate(values))]
    return [hashlib.blake2b(part, digest_size=8).digest() for part in parts]


@contextmanager
def groups() -> Iterator[Groups]:
    """Groups in a file that is gone afterwards."""
    with TemporaryDirectory(prefix="yidiantong-") as folder:
        found = Groups(Path(folder) / "groups.db")
        try:
            yield found
        finally:
            found.close()
