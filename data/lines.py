"""Lines of a file of JSON objects, one at a time: a line of any length takes no more memory than a short one."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

LONGEST_LINE = 2**20


def bounded_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Number and bytes of every line that is not blank; None for one over `LONGEST_LINE` bytes, its rest skipped."""
    number = 0
    while raw := file.readline(LONGEST_LINE):
        number += 1
        too_long = False
        while not raw.endswith(b"\n") and len(raw) == LONGEST_LINE:
            too_long, raw = True, file.readline(LONGEST_LINE)
        if too_long:
            yield number, None
        elif raw.strip():
            yield number, raw


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
