"""The calls of an archive – Parquet and JSONL files in a folder or at a URL – in pieces that one worker reads."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from data.lines import json_object, lines_between
from serving.bulk import CALL_FIELDS

PIECE_ROWS, PIECE_BYTES = 5_000, 2 * 2**20  # of a Parquet file, of a JSONL file: half a minute of a core's work
BATCH = 256  # rows
KINDS = (".parquet", ".jsonl")


class ArchiveError(ValueError):
    """An archive that cannot be read or written, or output that another run has made."""


@dataclass(frozen=True)
class Piece:
    """Rows `start` to `stop` of a Parquet file, or the lines of a JSONL file that begin in these bytes.

    `file` is its path below the archive's folder.
    """

    file: str
    start: int
    stop: int

    @property
    def part(self) -> str:
        """The output's file for this piece, below the output's folder."""
        return f"{self.file}/{self.start:015d}.parquet"


class Archive:
    """The files at `url`, a folder or whatever fsspec knows.

    Raises:
        ArchiveError: no such kind of URL, or what reads it is not installed.
    """

    def __init__(self, url: str) -> None:
        self.files, self.root = opened(url)
        self.shown = shown(url)

    def sizes(self) -> dict[str, int]:
        """Every file of calls by its path below the folder, with its bytes. Names that begin with . or _ do not count.

        Raises:
            ArchiveError: it cannot be reached, or has no such file.
        """
        try:
            found = self.files.find(self.root, detail=True)
        except Exception as error:  # each kind of store has exceptions of its own
            raise ArchiveError(f"{self.shown} cannot be read: {error}") from error
        sizes = {below(path, self.root): int(about["size"]) for path, about in found.items()}
        kept = {name: sizes[name] for name in sorted(sizes) if name.endswith(KINDS) and not _hidden(name)}
        if not kept:
            raise ArchiveError(f"{self.shown} holds no file that ends in {' or '.join(KINDS)}")
        return kept

    def pieces(self, name: str, size: int) -> Iterator[Piece]:
        """The pieces of a file of `size` bytes; they have every call of it once.

        A Parquet file that is none is a piece of no rows, which tells what is wrong with it when it is read.

        Raises:
            OSError: it cannot be read just now.
        """
        length, step = size, PIECE_BYTES
        if name.endswith(".parquet"):
            from pyarrow import ArrowException
            from pyarrow.parquet import read_metadata

            step = PIECE_ROWS
            try:
                with self._open(name) as file:
                    length = read_metadata(file).num_rows
            except (ArrowException, OSError) as error:
                if not _broken(error):
                    raise
                yield Piece(name, 0, 0)
                return
        for start in range(0, length, step):
            yield Piece(name, start, min(start + step, length))

    def rows(self, piece: Piece) -> Iterator[tuple[int, dict[str, Any] | str]]:
        """Every row of a piece, or what is wrong with it, and where it is: number of a row, byte of a line, from 0.

        Raises:
            OSError: it cannot be read just now.
        """
        if piece.file.endswith(".parquet"):
            yield from self._parquet(piece)
            return
        with self._open(piece.file) as file, io.BufferedReader(file) as buffered:  # type: ignore[type-var]
            for at, raw in lines_between(buffered, piece.start, piece.stop):
                yield at, json_object(raw)

    def _parquet(self, piece: Piece) -> Iterator[tuple[int, dict[str, Any] | str]]:
        from pyarrow import ArrowException

        at = piece.start
        with self._open(piece.file) as file:
            try:
                for row in _parquet_rows(file, piece):
                    yield at, row
                    at += 1
            except (ArrowException, OSError) as error:
                if not _broken(error):
                    raise
                for lost in range(at, max(piece.stop, at + 1)):  # a broken file without rows gets one row to say so
                    yield lost, f"is no Parquet file, or broken from here on: {str(error)[:200]}"

    def _open(self, name: str) -> BinaryIO:
        path = self.root if self.files.isfile(self.root) else f"{self.root}/{name}"
        file: BinaryIO = self.files.open(path, "rb")
        return file


def _parquet_rows(file: BinaryIO, piece: Piece) -> Iterator[dict[str, Any]]:
    """The fields that a call has, of the rows of a piece; only the row groups that hold them are read."""
    from pyarrow.parquet import ParquetFile

    parquet = ParquetFile(file)
    columns = [name for name in parquet.schema_arrow.names if name == "id" or name in CALL_FIELDS]
    groups, begins, first = [], 0, None
    for number in range(parquet.num_row_groups):
        ends = begins + parquet.metadata.row_group(number).num_rows
        if begins < piece.stop and ends > piece.start:
            groups.append(number)
            first = begins if first is None else first
        begins = ends
    at = first or 0
    for batch in parquet.iter_batches(BATCH, groups, columns):
        skipped = max(0, piece.start - at)
        wanted = batch.slice(skipped, max(0, piece.stop - at - skipped))
        at += len(batch)
        for row in wanted.to_pylist():
            yield {name: value for name, value in row.items() if value is not None}


def _broken(error: Exception) -> bool:
    """Whether it is the file that is at fault: where the system is, an OSError has a number or a class of its own."""
    return not isinstance(error, OSError) or (type(error) is OSError and error.errno is None)


def opened(url: str) -> tuple[Any, str]:
    """The file system that knows `url`, and the path in it.

    Raises:
        ArchiveError: as `Archive`.
    """
    from model.remote import OPTIONS

    try:
        from fsspec.core import url_to_fs

        files, root = url_to_fs(url, **OPTIONS.get(url.partition("://")[0], {}))
    except (ImportError, ValueError) as error:
        raise ArchiveError(f"{shown(url)} cannot be opened: {error}") from error
    return files, str(root).rstrip("/")


def shown(url: str) -> str:
    """`url` as it may be printed: what stands before an @ may be a password."""
    return url.rpartition("@")[2]


def below(path: str, root: str) -> str:
    """`path` below the folder `root`; the file's name where `root` is the file itself."""
    return path.removeprefix(root).strip("/") or path.rpartition("/")[2]


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))
