"""Bulk prediction: JSONL in, JSONL out, in constant memory; a bad line becomes an error line and the run goes on."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pydantic import ValidationError

from data.lines import bounded_lines, json_object
from data.policy import UnknownCity
from data.records import Call, Suggestion
from data.tables import first_problem
from model.suggest import Suggester

CHUNK = 256
CALL_FIELDS = frozenset({"city", "channel", "turns", "text"})


@dataclass(frozen=True)
class Line:
    """One input line: its id, and either the call or what is wrong with it."""

    id: Any
    call: Call | None = None
    error: str = ""


@dataclass(frozen=True)
class Totals:
    """What a run did."""

    suggestions: int
    errors: int


def predict(
    source: Path, target: Path, suggester: Suggester, city: str | None, progress: Callable[[int], None]
) -> Totals:
    """Writes one line to `target` for every line of `source` that is not blank, in order.

    Lines of the input carry `id` and `turns` or `text`, optionally `city` and `channel`; other keys are ignored. `city`
    is used where a line names none; `progress` is told the bytes read so far.

    Raises:
        OSError: a file cannot be read or written, or both are the same.
    """
    if target.exists() and source.samefile(target):
        raise OSError(f"{target} would be overwritten while it is read")
    good = bad = 0
    with source.open("rb") as lines, target.open("w", encoding="utf-8") as out:
        chunk: list[Line] = []
        for _, raw in bounded_lines(lines):
            chunk.append(parsed(json_object(raw), suggester, city))
            if len(chunk) == CHUNK:
                done = _write(chunk, suggester, out)
                good, bad, chunk = good + done.suggestions, bad + done.errors, []
                progress(lines.tell())
        done = _write(chunk, suggester, out)
        progress(lines.tell())
    return Totals(good + done.suggestions, bad + done.errors)


def parsed(values: Mapping[str, Any] | str, suggester: Suggester, city: str | None) -> Line:
    """The call in the fields of a line or row; a string says what is wrong with it already."""
    if isinstance(values, str):
        return Line(None, error=values)
    line_id = values.get("id")
    try:
        call = Call.model_validate({"city": city} | {key: values[key] for key in CALL_FIELDS & values.keys()})
        suggester.policy(call.city)
    except ValidationError as error:
        return Line(line_id, error=": ".join(first_problem(error)))
    except UnknownCity as error:
        return Line(line_id, error=f"city: {error}")
    return Line(line_id, call)


def suggested(chunk: Sequence[Line], suggester: Suggester) -> Iterator[tuple[Line, Suggestion | None]]:
    """Every line with its suggestion, None for one that has an error."""
    made = iter(suggester.suggest_many([line.call for line in chunk if line.call]))
    for line in chunk:
        yield line, next(made) if line.call else None


def _write(chunk: list[Line], suggester: Suggester, out: TextIO) -> Totals:
    errors = 0
    for line, suggestion in suggested(chunk, suggester):
        if suggestion:
            row = {"id": line.id} | suggestion.model_dump(mode="json")
        else:
            errors += 1
            row = {"id": line.id, "error": line.error}
        text = json.dumps(row, ensure_ascii=False)
        out.write(text.encode("utf-8", "replace").decode() + "\n")
    return Totals(len(chunk) - errors, errors)
