"""Danger words. They only raise urgency and only add parties; lowering is a person's act."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo, field_validator

from data.records import Turn
from data.remember import remembered
from data.tables import DATA_DIR, Row, load_table
from data.taxonomy import Codes, Urgency, known_destination

BEFORE, BEHIND = 20, 16
CLAUSE_END = re.compile(r"[，。！？；,.!?;\n]")
NOW = re.compile("现在|这会儿|这下|真的")


def known_destinations(codes: tuple[str, ...]) -> tuple[str, ...]:
    """`codes`, if each is a destination and there is at least one; `ValueError` otherwise."""
    if not codes:
        raise ValueError("wants at least one destination")
    for code in codes:
        known_destination(code)
    return codes


class Flag(Row):
    """A kind of danger: one line of `red_flags.csv`, true to its own example and counter-example."""

    id: str
    name: str
    raises_to: Urgency
    adds: Annotated[Codes, AfterValidator(known_destinations)]
    pattern: re.Pattern[str]
    unless: re.Pattern[str]
    example: str
    counter: str

    @field_validator("example", "counter")
    @classmethod
    def _true_to_it(cls, text: str, info: ValidationInfo) -> str:
        if {"pattern", "unless"} <= info.data.keys():
            found = search(info.data["pattern"], info.data["unless"], text)
            if (found is not None) != (info.field_name == "example"):
                raise ValueError("raises the flag" if found else "does not raise the flag")
        return text

    def search(self, text: str) -> re.Match[str] | None:
        """The first match in `text` that its own clause does not take back."""
        return search(self.pattern, self.unless, text)


def search(pattern: re.Pattern[str], unless: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The first match of `pattern` without `unless` near it in the same clause.

    What comes before the match and before a word of `NOW` takes nothing back: 去年就说有隐患，现在真的着火了.
    """
    for match in pattern.finditer(text):
        before = CLAUSE_END.split(text[max(0, match.start() - BEFORE) : match.start()])[-1]
        behind = CLAUSE_END.split(text[match.end() : match.end() + BEHIND])[0]
        before = NOW.split(before)[-1]
        if not (unless.pattern and unless.search(before + match.group() + behind)):
            return match
    return None


@dataclass(frozen=True)
class Raised:
    """A flag found in turn number `turn`, at `start`–`end` of its text."""

    flag: Flag
    turn: int
    start: int
    end: int


@cache
def load_flags(path: Path = DATA_DIR / "red_flags.csv") -> tuple[Flag, ...]:
    """All flags.

    Raises:
        DataError: a broken pattern, an unknown destination, an example that is not raised or a counter that is.
    """
    return tuple(load_table(path, Flag, key=lambda row: row.id))


def raised_flags(turns: Sequence[Turn]) -> list[Raised]:
    """Every kind of danger heard in the caller's turns as they are read, each once, where it is heard first."""
    found: dict[str, Raised] = {}
    for number, turn in enumerate(turns):
        if turn.speaker != "caller":
            continue
        for flag, (start, end) in _heard(turn.text):
            found.setdefault(flag.id, Raised(flag, number, start, end))
    return list(found.values())


@remembered
def _heard(text: str) -> Sequence[tuple[Flag, tuple[int, int]]]:
    return [(flag, match.span()) for flag in load_flags() if (match := flag.search(text))]
