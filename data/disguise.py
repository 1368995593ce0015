"""Words written so that they are not recognised: what they mean, and where each character of that stands."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from pydantic import field_validator

from data.heard import Span, heard, spelled
from data.plain import simplify
from data.remember import remembered
from data.tables import DATA_DIR, Row, load_table

Edit = Callable[[str], Iterator[tuple[Span, str]]]
HAN = "[\u3400-\u9fff]"
# Control characters and what Unicode calls default ignorable: nobody sees them.
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]+"
)
# Pictures and marks that part no clauses, between two characters; any mark or space that stands again and again between
# single ones. Of 57,666 turns and notes written without a thought of this, 2 have the former and 5 the latter.
PICTURES = re.compile(
    f"(?<={HAN})[*_~|^#=+`&%$\\\\·•.\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]+(?={HAN})"
)
SPELT = re.compile(f"(?<={HAN})([^\\w\n])(?:{HAN}\\1){{3,}}(?={HAN})")


@dataclass(frozen=True)
class Uncovered:
    """What a text says. `places` are where its characters stand in the text as written, None for where they do here."""

    text: str
    places: Sequence[Span] | None = None

    def place(self, start: int, end: int) -> Span:
        """Where `start`–`end` of `text` (not empty) stands in the text as written."""
        if self.places is None:
            return start, end
        return self.places[start][0], self.places[end - 1][1]


class Disguise(Row):
    """A line of `disguises.csv`: parts of a character, or a word's pinyin with a space between the syllables."""

    written: str
    meant: str

    @field_validator("written")
    @classmethod
    def _parts_or_pinyin(cls, written: str) -> str:
        if not re.fullmatch(f"{HAN}{{2}}|[a-z]+(?: [a-z]+)*", written):
            raise ValueError("is neither two characters nor pinyin")
        return written

    @field_validator("meant")
    @classmethod
    def _characters(cls, meant: str) -> str:
        if not re.fullmatch(f"{HAN}+", meant):
            raise ValueError("is not of Chinese characters")
        return meant


@cache
def load_disguises(path: Path = DATA_DIR / "disguises.csv") -> tuple[Disguise, ...]:
    """All lines of the table.

    Raises:
        DataError: what is written is neither two characters nor pinyin, or stands there twice.
    """
    return tuple(load_table(path, Disguise, key=lambda row: simplify(row.written)))


@dataclass(frozen=True)
class _Finder:
    """`pinyin` and `parts`: what is written, and what it means. `pairs` finds what may be two parts.

    Alternatives of thousands would be slow. `danger` are the characters of words that somebody may want to hide.
    """

    pinyin: Mapping[str, str]
    parts: Mapping[str, str]
    pairs: re.Pattern[str]
    danger: str


@cache
def _finder() -> _Finder:
    rows = load_disguises()
    pinyin = {row.written.replace(" ", ""): row.meant for row in rows if row.written.isascii()}
    parts = {simplify(row.written): row.meant for row in rows if not row.written.isascii()}
    first, second = ("".join(dict.fromkeys(chars)) for chars in zip(*parts, strict=True))
    return _Finder(pinyin, parts, re.compile(f"[{first}](?=([{second}]))"), "".join(pinyin.values()))


@remembered
def uncover(text: str, letters: bool = True) -> Uncovered:
    """What `text` says: simplified, without what nobody sees or hears, disguised and misheard characters as meant.

    So are `letters` that are pinyin, unless they are to stay.
    """
    found = Uncovered(simplify(text))
    edits: list[Edit] = [partial(_dropped, UNSEEN), partial(_dropped, PICTURES), _spelt, *([_pinyin] * letters), _parts]
    for edit in edits:
        found = _edited(found, list(edit(found.text)))
    return replace(found, text=heard(found.text, trusted=_finder().danger))


def _dropped(pattern: re.Pattern[str], text: str) -> Iterator[tuple[Span, str]]:
    return ((match.span(), "") for match in pattern.finditer(text))


def _spelt(text: str) -> Iterator[tuple[Span, str]]:
    for match in SPELT.finditer(text):
        yield from (((at, at + 1), "") for at in range(match.start(), match.end(), 2))


def _pinyin(text: str) -> Iterator[tuple[Span, str]]:
    return spelled(text, _finder().pinyin)


def _parts(text: str) -> Iterator[tuple[Span, str]]:
    free = 0
    for match in _finder().pairs.finditer(text):
        word = _finder().parts.get(match.group() + match.group(1))
        if word and match.start() >= free:
            free = match.start() + 2
            yield (match.start(), free), word


def _edited(before: Uncovered, edits: Sequence[tuple[Span, str]]) -> Uncovered:
    """`before` with other words in place of some; each of them stands where all that it replaces stood."""
    if not edits:
        return before
    text, places, at = "", list[Span](), 0
    for (start, end), meant in (*edits, ((len(before.text),) * 2, "")):
        text += before.text[at:start] + meant
        places += [before.place(n, n + 1) for n in range(at, start)]
        places += [before.place(start, end)] * len(meant) if meant else []
        at = end
    return Uncovered(text, places)
