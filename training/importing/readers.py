"""Rows of CSV, XLSX, JSON lines and Parquet files, one at a time, so that memory does not grow with their number."""

import csv
import itertools
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from data.lines import LONGEST_LINE, bounded_lines, json_object
from data.tables import DataError

ENCODINGS = ("utf-8-sig", "gb18030")
SNIFFED = 2**20
MOST_UNPACKED, MOST_RATIO = 4 * 2**30, 200
BATCH = 1_000
FOREIGN = re.compile("[\udc80-\udcff]")

Row = Mapping[str, Any]
Rows = Iterator[tuple[int, Row | str]]


def rows(path: Path, encoding: str = "") -> Rows:
    """Line number and row – or what is wrong with it – of every record in `path`, by the file's ending.

    Raises:
        DataError: the file cannot be read, has no header, or is of a kind that is not known.
    """
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise DataError(path, 0, "", f"is none of {', '.join(READERS)}")
    try:
        yield from read(path, encoding)
    except OSError as error:
        raise DataError(path, 0, "", f"cannot be read: {error.strerror or error}") from error


def sniffed(path: Path) -> str:
    """UTF-8 or GB18030, whichever more lines in the beginning of the file are of; the others are refused one by one.

    Raises:
        DataError: no line beyond ASCII is of either.
    """
    with path.open("rb") as file:
        head = file.read(SNIFFED)
    head = head[: head.rfind(b"\n") + 1] or head
    found = {line: _encoding_of(raw) for line, raw in enumerate(head.splitlines(), 1) if not raw.isascii()}
    counts = Counter(found.values())
    if found and set(counts) == {""}:
        raise DataError(path, next(iter(found)), "", f"is neither of {', '.join(ENCODINGS)}")
    return max(ENCODINGS, key=lambda encoding: counts[encoding])


def _encoding_of(raw: bytes) -> str:
    """The first encoding that reads the line, "" when none does."""
    for encoding in ENCODINGS:
        try:
            raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return ""


def _may_misread_utf8(encoding: str) -> bool:
    return not encoding.lower().startswith("utf")


def _is_chinese_utf8(raw: bytes) -> bool:
    """Whether the line is UTF-8 and has characters of three bytes: no text in GB18030 looks like that."""
    try:
        return any(char >= "\u0800" for char in raw.decode("utf-8"))
    except UnicodeDecodeError:
        return False


class _Lines:
    """Physical lines for a CSV reader; one that is too long is skipped and raised about, then the next comes.

    Bytes that are not of the file's encoding are surrogates; so are all of a line in UTF-8 that GB18030 reads, wrongly.
    """

    def __init__(self, file: TextIO) -> None:
        self._file, self.number = file, 0
        self._may_misread = _may_misread_utf8(file.encoding)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) < LONGEST_LINE or line[-1] in "\r\n":
            return self._honest(line)
        while line and line[-1] not in "\r\n":
            line = self._file.readline(LONGEST_LINE)
        raise csv.Error(f"line over {LONGEST_LINE} characters")

    def _honest(self, line: str) -> str:
        if not self._may_misread or line.isascii():
            return line
        raw = line.encode(self._file.encoding, "surrogateescape")
        return raw.decode("ascii", "surrogateescape") if _is_chinese_utf8(raw) else line


def _csv(path: Path, encoding: str) -> Rows:
    csv.field_size_limit(LONGEST_LINE)
    with path.open(encoding=encoding or sniffed(path), errors="surrogateescape", newline="") as file:
        lines = _Lines(file)
        reader = csv.reader(lines)
        names = _csv_names(path, reader)
        while True:
            line = lines.number + 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, f"is no row of a CSV file: {error}"
                continue
            if not values:
                continue
            if len(values) != len(names):
                yield line, f"has {len(values)} columns, not {len(names)}"
            else:
                yield line, dict(zip(names, values, strict=True))


def _csv_names(path: Path, reader: Iterator[list[str]]) -> list[str]:
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise DataError(path, 1, "", f"has no header: {error}") from error
    if not header:
        raise DataError(path, 1, "", "has no header")
    if any(map(FOREIGN.search, header)):
        raise DataError(path, 1, "", "has a header that is not of the file's encoding")
    return [name.strip() for name in header]


def _xlsx(path: Path, _: str) -> Rows:
    from openpyxl import load_workbook

    _no_bomb(path)
    try:
        with path.open("rb") as file:  # openpyxl leaves it open where it fails
            yield from _sheet(path, load_workbook(file, read_only=True, data_only=True))
    except DataError:
        raise
    except Exception as error:  # openpyxl raises whatever its XML and zip readers do, at any row
        raise DataError(path, 0, "", f"is no workbook: {error}") from error


def _sheet(path: Path, book: Any) -> Rows:
    try:
        cells = book.worksheets[0].iter_rows()
        names = [str(cell.value or "").strip() for cell in next(cells, ())]
        if not any(names):
            raise DataError(path, 1, "", "has no header")
        for line, found in enumerate(cells, 2):
            values = [None if cell.data_type == "e" else cell.value for cell in found]  # what a broken formula leaves
            if any(value is not None for value in values):
                yield line, dict(itertools.zip_longest(names, values[: len(names)]))
    finally:
        book.close()


def _no_bomb(path: Path) -> None:
    """Refuses a workbook that would unpack to far more than it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            packed = sum(entry.compress_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise DataError(path, 0, "", "is no workbook") from error
    if unpacked > MOST_UNPACKED or (unpacked > SNIFFED and unpacked > MOST_RATIO * max(1, packed)):
        raise DataError(path, 0, "", f"would unpack to {unpacked:,} bytes, {unpacked // max(1, packed)} times its size")


def _jsonl(path: Path, encoding: str) -> Rows:
    encoding = encoding or sniffed(path)
    may_misread = _may_misread_utf8(encoding)
    with path.open("rb") as file:
        for line, raw in bounded_lines(file):
            misread = raw and may_misread and _is_chinese_utf8(raw)
            yield line, f"not {encoding.upper()}" if misread else json_object(raw, encoding)


def _parquet(path: Path, _: str) -> Rows:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        line = 0
        for batch in ParquetFile(path).iter_batches(BATCH):
            for values in batch.to_pylist():
                line += 1
                yield line, values
    except ArrowException as error:
        raise DataError(path, 0, "", f"is no Parquet file: {error}") from error


READERS: Mapping[str, Callable[[Path, str], Rows]] = {
    ".csv": _csv,
    ".xlsx": _xlsx,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
