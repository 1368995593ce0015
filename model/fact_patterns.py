"""Facts that words tell: injured persons, weapons, accounts. What they are is a table."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationInfo, field_validator

from data.tables import DATA_DIR, Row, load_table, with_fragments
from model.numerals import MORE, NUMBER, number

FOLDER = DATA_DIR / "facts"
BEFORE, BEHIND = 20, 16
CLAUSE_END = re.compile(r"[，。！？；,.!?;\n]")
PERSON = (
    "(?:人|男的|女的|男子|女子|男人|女人|小伙子?|小年轻|年轻人|学生|工人|民工|老人|老太太?|老头|老大爷|路人|业主|乘客|客人|"
    "保安|大汉|群众|家长|居民|员工|村民|同事|顾客|小孩|孩子|娃|男孩|女孩|师傅|社会青年|青年|妇女|游客|旅客|商户|租客|司机|行人)"
)
COUNTER = "(?:门口|旁边|对面|楼下|楼上|网点|大厅|柜台|路口|边上|隔壁|营业|里面排队|后面|停车)"
FRAGMENTS = {"<number>": NUMBER, "<more>": MORE, "<who>": PERSON, "<counter>": COUNTER}


Field = Literal["place", "injured", "weapon", "amount", "phone", "plate", "time", "people", "account"]


class Found(NamedTuple):
    """A value said at `start`–`end` of a turn's text."""

    field: Field
    value: str
    start: int
    end: int


class FactRow(Row):
    """One line of `patterns.csv`, true to its example and counter-example."""

    field: Literal["injured", "weapon", "account"]
    value: str
    pattern: re.Pattern[str]
    near: re.Pattern[str]
    unless: re.Pattern[str]
    asked: re.Pattern[str]
    example: str
    counter: str

    @field_validator("pattern", "near", "unless", "asked", mode="before")
    @classmethod
    def _fragments(cls, pattern: str) -> str:
        return with_fragments(pattern, FRAGMENTS)

    @field_validator("example", "counter")
    @classmethod
    def _true_to_it(cls, text: str, info: ValidationInfo) -> str:
        names = ("field", "value", "pattern", "near", "unless", "asked")
        if all(name in info.data for name in names):
            row = cls.model_construct(**{name: info.data[name] for name in names}, example="", counter="")
            if (next(row.find(text, None), None) is not None) != (info.field_name == "example"):
                raise ValueError("does not give the fact" if info.field_name == "example" else "gives the fact")
        return text

    def find(self, view: str, asked: str | None) -> Iterator[Found]:
        """What the pattern finds in `view`, after the operator's words `asked` (None: whatever is asked for)."""
        if self.asked.pattern and asked is not None and not self.asked.search(asked):
            return
        for match in self.pattern.finditer(view):
            before = CLAUSE_END.split(view[max(0, match.start() - BEFORE) : match.start()])[-1]
            behind = CLAUSE_END.split(view[match.end() : match.end() + BEHIND])[0]
            clause = before + match.group() + behind
            told = not self.near.pattern or self.near.search(clause) or self._is_asked_for(asked)
            if not told:
                continue
            if self.unless.pattern and self.unless.search(clause):
                continue
            value = self._value(match)
            if value is not None:
                yield Found(self.field, value, *match.span())

    def _is_asked_for(self, asked: str | None) -> bool:
        """Whether the operator asked for a weapon, so that its name alone is an answer."""
        return self.field == "weapon" and any(word in (asked or "") for word in load_words()["weapon_asked"])

    def _value(self, match: re.Match[str]) -> str | None:
        if self.value != "#":
            return self.value
        said = number(match.group("n"))
        return None if said is None else str(said)


@cache
def load_facts(path: Path = FOLDER / "patterns.csv") -> tuple[FactRow, ...]:
    """All patterns.

    Raises:
        DataError: a broken pattern, an example that does not give the fact or a counter that does.
    """
    return tuple(load_table(path, FactRow))


def find_by_pattern(view: str, asked: str) -> Iterator[Found]:
    """Injured persons, weapons and accounts in `view`; `asked` is what the operator said before."""
    for row in load_facts():
        yield from row.find(view, asked)


@cache
def load_words(path: Path = FOLDER / "words.csv") -> Mapping[str, tuple[str, ...]]:
    """Words by kind.

    Raises:
        DataError: missing file or column, a kind that stands twice.
    """
    return {row.kind: tuple(row.words.split()) for row in load_table(path, WordRow, key=lambda row: row.kind)}


class WordRow(Row):
    """One line of `words.csv`."""

    kind: str
    note: str
    words: str
