"""Danger words. They only raise urgency and only add parties; lowering is a person's act."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import field_validator

from data.policy import known_destination
from data.records import Turn
from data.tables import DATA_DIR, DataError, Row, load_table
from data.taxonomy import Codes, Urgency
from model.text import simplify

BEFORE, BEHIND = 20, 16


class FlagRow(Row):
    """One line of `red_flags.csv`."""

    id: str
    name: str
    raises_to: Urgency
    adds: Codes
    pattern: str
    unless: str
    example: str
    counter: str

    @field_validator("adds")
    @classmethod
    def _known(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        if not codes:
            raise ValueError("wants at least one destination")
        for code in codes:
            known_destination(code)
        return codes

    @field_validator("pattern", "unless")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return pattern


@dataclass(frozen=True)
class Flag:
    """A kind of danger, ready to search."""

    id: str
    name: str
    raises_to: Urgency
    adds: tuple[str, ...]
    pattern: re.Pattern[str]
    unless: re.Pattern[str]

    def search(self, text: str) -> re.Match[str] | None:
        """The first match in `text` whose surroundings do not take it back."""
        for match in self.pattern.finditer(text):
            around = text[max(0, match.start() - BEFORE) : match.end() + BEHIND]
            if not self.unless.search(around):
                return match
        return None


@dataclass(frozen=True)
class Raised:
    """A flag found in turn number `turn`, at `start`–`end` of its text."""

    flag: Flag
    turn: int
    start: int
    end: int
    text: str


@cache
def load_flags(path: Path = DATA_DIR / "red_flags.csv") -> tuple[Flag, ...]:
    """All flags, each checked against its own example and counter-example.

    Raises:
        DataError: a broken pattern, an unknown destination, an example that is not raised or a counter that is.
    """
    flags = []
    for row in load_table(path, FlagRow, key=lambda row: row.id):
        never = r"(?!)"
        flag = Flag(row.id, row.name, row.raises_to, row.adds, re.compile(row.pattern), re.compile(row.unless or never))
        if not flag.search(row.example):
            raise DataError(path, 0, f"{row.id}.example", "does not raise the flag")
        if flag.search(row.counter):
            raise DataError(path, 0, f"{row.id}.counter", "raises the flag")
        flags.append(flag)
    return tuple(flags)


def raised_flags(turns: Sequence[Turn], flags: Sequence[Flag] | None = None) -> list[Raised]:
    """Every kind of danger heard in the caller's turns, each once, where it is heard first."""
    found: dict[str, Raised] = {}
    for number, turn in enumerate(turns):
        if turn.speaker != "caller":
            continue
        text = simplify(turn.text)
        for flag in load_flags() if flags is None else flags:
            if flag.id not in found and (match := flag.search(text)):
                found[flag.id] = Raised(flag, number, match.start(), match.end(), turn.text[slice(*match.span())])
    return list(found.values())
