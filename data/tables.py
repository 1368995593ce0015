"""CSV tables that are data, not code: read once, validated row by row, with errors that say where to look."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

DATA_DIR = Path(__file__).parent


class DataError(ValueError):
    """A data file breaks its rules; the message names file, line and field."""

    def __init__(self, file: Path | str, line: int, field: str, message: str) -> None:
        super().__init__(f"{file}, line {line}, field {field!r}: {message}")
        self.file, self.line, self.field, self.message = Path(file), line, field, message


class Row(BaseModel):
    """One line of a table. Unknown columns and missing values are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


R = TypeVar("R", bound=Row)


def read_text(path: Path) -> str:
    """The file as UTF-8 text.

    Raises:
        DataError: the file is missing or not UTF-8 (the line of the first bad byte is named).
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(path, 0, "", f"cannot be read: {error.strerror}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(path, raw[: error.start].count(b"\n") + 1, "", "is not UTF-8") from error


def first_problem(error: ValidationError) -> tuple[str, str]:
    """Field and sentence of the first thing that pydantic found wrong."""
    problem = error.errors(include_url=False)[0]
    return ".".join(map(str, problem["loc"])), problem["msg"]


def filled_by(*fields: str) -> Callable[[str], str]:
    """A validator that lets only patterns pass that `str.format` fills with `fields`."""

    def check(pattern: str) -> str:
        try:
            pattern.format(**dict.fromkeys(fields, ""))
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"is no pattern of {', '.join(fields)}: {error}") from error
        return pattern

    return check


def with_fragments(pattern: str, fragments: Mapping[str, str]) -> str:
    """`pattern` with every named fragment (`<number>`) written out."""
    for name, fragment in fragments.items():
        pattern = pattern.replace(name, fragment)
    return pattern


def _complete(
    reader: "csv.DictReader[str]", path: Path, numbered: Sequence[tuple[int, str]]
) -> Iterator[dict[str, Any]]:
    """The reader's rows; what is no CSV at all is told like every other error."""
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(path, numbered[max(0, reader.line_num - 1)][0], "", f"is no row of a table: {error}") from error


def load_table(path: Path, row: type[R], key: Callable[[R], object] | None = None) -> list[R]:
    """Rows of the CSV file `path` as instances of `row`; lines that begin with `#` are comments.

    With `key`, two rows of the same key are an error.

    Raises:
        DataError: missing file, wrong encoding, unknown or missing column, a value that breaks the row's rules.
    """
    rows: list[R] = []
    seen: dict[object, int] = {}
    for line, values in numbered_rows(path):
        rows.append(validated(path, line, row, values))
        if key is not None and (first := seen.setdefault(key(rows[-1]), line)) != line:
            raise DataError(path, line, next(iter(values)), f"stands already in line {first}")
    return rows


def numbered_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and columns of every row of the CSV file `path`; lines that begin with `#` are comments.

    Raises:
        DataError: missing file, wrong encoding, no line at all, too few or too many columns.
    """
    numbered = [(n, line) for n, line in enumerate(read_text(path).splitlines(), 1) if line and line[0] != "#"]
    if not numbered:
        raise DataError(path, 1, "", "is empty")
    reader = csv.DictReader(io.StringIO("\n".join(line for _, line in numbered)))
    for values in _complete(reader, path, numbered):
        line = numbered[reader.line_num - 1][0]
        if None in values or None in values.values():
            raise DataError(path, line, "", f"has not {len(reader.fieldnames or ())} columns")
        yield line, values


def validated(path: Path, line: int, row: type[R], values: Mapping[str, str]) -> R:
    """The columns of a line as `row`; a DataError that names the place when they break its rules."""
    try:
        return row.model_validate(values)
    except ValidationError as error:
        raise DataError(path, line, *first_problem(error)) from error
