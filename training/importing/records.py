"""From files of records to a corpus folder."""

import csv
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, TextIO

from pydantic import ValidationError

from data.corpus import Item
from data.records import Call
from data.redaction import redact_turns
from data.tables import DataError, first_problem
from training.duplicates import Groups, groups, said
from training.importing.mapping import CodeMap
from training.importing.readers import rows

REJECTED = "rejected.csv"
UNMAPPED = "its category is in no line of the mapping"
NUL = "holds NUL, which is no character"
BROKEN = re.compile("[\0\ud800-\udfff]")
FORMULA = re.compile(r"=[-+(\"'A-Za-z0-9]")


@dataclass
class Tally:
    """What an import did, or would do. `unmapped` counts their category names that the mapping does not know."""

    taken: int = 0
    skipped: int = 0
    repeated: int = 0
    grouped: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)


class Reject(Exception):
    """A record that cannot be taken, and why."""


def import_records(
    sources: list[Path], mapping: CodeMap, name: str, output: Path | None, encoding: str = "",
    progress: Callable[[int], None] = lambda _: None,
) -> Tally:  # fmt: skip
    """Writes the records of `sources` to `output` as the corpus part `name`, and those refused to `rejected.csv`.

    Texts are redacted before they are written; the file of the refused holds file, line and reason, no words. The very
    same text twice is taken once. Without `output` nothing is written. `progress` is told the records read so far.

    Raises:
        DataError: a file cannot be read at all, lacks a mapped column, or `output` has this part already.
    """
    tally = Tally()
    with ExitStack() as opened:
        found = opened.enter_context(groups())
        target, refused = _outputs(output, name, opened)
        number = 0
        for path in sources:
            for line, row in rows(path, encoding):
                number += 1
                try:
                    item = _taken(row, mapping, f"{name}-{number:08d}", tally, path, line)
                    if item is not None:
                        _write(item, number, found, target, tally)
                except Reject as reject:
                    tally.rejected[str(reject)] += 1
                    refused([path.name, line, str(reject)])
                if number % 1_000 == 0:
                    progress(number)
        progress(number)
        if target:
            target.close()
            _finish(Path(target.name), found, tally)
    return tally


def _outputs(output: Path | None, name: str, opened: ExitStack) -> tuple[TextIO | None, Callable[[list[Any]], object]]:
    if output is None:
        return None, lambda row: None
    if (output / f"{name}.jsonl").exists():
        raise DataError(output / f"{name}.jsonl", 0, "", "is there already")
    try:
        output.mkdir(parents=True, exist_ok=True)
        target = opened.enter_context((output / f".{name}.part").open("w", encoding="utf-8"))
        refused = opened.enter_context((output / REJECTED).open("w", encoding="utf-8", newline=""))
    except OSError as error:
        raise DataError(output, 0, "", f"cannot be written: {error.strerror}") from error
    writer = csv.writer(refused)
    writer.writerow(["file", "line", "reason"])
    return target, writer.writerow


def _taken(row: Mapping[str, Any] | str, mapping: CodeMap, id: str, tally: Tally, path: Path, line: int) -> Item | None:
    """The record as an item, None for one that is left out on purpose.

    Raises:
        Reject: it cannot be taken.
    """
    if isinstance(row, str):
        raise Reject(row)
    if missing := [name for name in (mapping.columns.text, mapping.columns.category) if name not in row]:
        if path.suffix.lower() != ".jsonl":
            raise DataError(path, line, missing[0], "is no column of this file")
        raise Reject(f"has no {missing[0]}")
    theirs = _cell(row[mapping.columns.category])
    if mapping.skipped(theirs):
        tally.skipped += 1
        return None
    category = mapping.category(theirs)
    if category is None:
        tally.unmapped[theirs[:80]] += 1
        raise Reject(UNMAPPED)
    return _item(row, mapping, id, category)


def _item(row: Mapping[str, Any], mapping: CodeMap, id: str, category: str) -> Item:
    told = row[mapping.columns.text]
    values = {"turns": told} if isinstance(told, list) else {"text": _cell(told)}
    urgency = mapping.default_urgency(category)
    if mapping.columns.urgency and (theirs := _cell(row.get(mapping.columns.urgency))):
        found = mapping.urgency(theirs)
        if found is None:
            raise Reject("its urgency is in no line of the mapping")
        urgency = found
    try:
        call = Call.model_validate(values)
        for turn in call.turns:
            _clean(turn.text)
        turns = redact_turns(call.transcript)
        kept: dict[str, Any] = {"turns": turns} if call.turns else {"text": turns[0].text}
        style = "dialogue" if any(turn.speaker == "operator" for turn in turns) else mapping.style
        return Item(id=id, group=id, category=category, urgency=urgency, style=style, **kept)
    except ValidationError as error:
        raise Reject(": ".join(first_problem(error))) from error


def _cell(value: Any) -> str:
    """A cell as text; "" where it is missing, a whole number without its fraction.

    Raises:
        Reject: it holds no text, or what no text holds.
    """
    if isinstance(value, float | Decimal):
        if value != value:  # NaN is what tables write where they have nothing
            return ""
        value = int(value) if isfinite(value) and value % 1 == 0 else value
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
        raise Reject(f"holds a {type(value).__name__}, not text")
    text = "" if value is None else str(value).strip()
    if FORMULA.match(text):
        raise Reject("holds a formula, not what it gives")
    return _clean(text)


def _clean(text: str) -> str:
    if BROKEN.search(text):
        raise Reject(NUL if "\0" in text else "holds bytes that are not of the file's encoding")
    return text


def _write(item: Item, number: int, found: Groups, target: TextIO | None, tally: Tally) -> None:
    if found.add(number, said(item)):
        tally.repeated += 1
        return
    tally.taken += 1
    tally.categories[item.category] += 1
    tally.grouped += found.root(number) != number
    if target:
        target.write(item.model_dump_json(exclude_defaults=True) + "\n")


def _finish(part: Path, found: Groups, tally: Tally) -> None:
    """Writes the groups in, now that all are known, and gives the part its name."""
    whole = part.with_name(part.name.removeprefix(".").removesuffix(".part") + ".jsonl")
    scratch = part.with_suffix(".whole")
    with part.open(encoding="utf-8") as lines, scratch.open("w", encoding="utf-8") as out:
        out.writelines(_grouped(lines, found))
    os.replace(scratch, whole)
    part.unlink()


def _grouped(lines: TextIO, found: Groups) -> Iterator[str]:
    for line in lines:
        values = json.loads(line)
        prefix, _, number = values["id"].rpartition("-")
        values["group"] = f"{prefix}-{found.root(int(number)):08d}"
        yield json.dumps(values, ensure_ascii=False) + "\n"
