"""Lines of a file of JSON objects, one at a time: a line of any length takes no more memory than a short one."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

LONGEST_LINE = 2**20


def bounded_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Number and bytes of every line that is not blank; None for one over `LONGEST_LINE` bytes, its rest skipped."""
    number = 0
    while (read := _line(file))[0]:
        number += 1
        if read[1] is None or read[1].strip():
            yield number, read[1]


def lines_between(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[int, bytes | None]]:
    """As `bounded_lines`, the lines that begin at a byte from `start` on and before `stop`, with that byte.

    So ranges that follow one another have every line of the file once.
    """
    at = max(0, start - 1)
    file.seek(at)
    if start:
        at += _line(file)[0]
    while at < stop and (read := _line(file))[0]:
        if read[1] is None or read[1].strip():
            yield at, read[1]
        at += read[0]


def _line(file: BinaryIO) -> tuple[int, bytes | None]:
    """How many bytes the next line has, 0 at the end, and the line; None for one that is too long."""
    raw = file.readline(LONGEST_LINE)
    length, too_long = len(raw), False
    while not raw.endswith(b"\n") and len(raw) == LONGEST_LINE:
        too_long, raw = True, file.readline(LONGEST_LINE)
        length += len(raw)
    return length, None if too_long else raw


def json_object(raw: bytes | None, encoding: str = "utf-8-sig") -> dict[str, Any] | str:
    """The object in a line of `bounded_lines`, or what is wrong with it."""
    if raw is None:
        return f"line over {LONGEST_LINE} bytes"
    try:
        values = json.loads(raw.decode(encoding))
    except UnicodeDecodeError:
        return f"not {encoding.upper().removesuffix('-SIG')}"
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return values if isinstance(values, dict) else "not a JSON object"
