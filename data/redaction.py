"""Personal data out of transcripts before they are stored: fixed marks stand in its place, and nothing leads back.

Replaced are telephone numbers, papers (identity card, passport), bank cards, plates, house numbers, names after a word
that announces one or before a title, and accounts of messengers. Amounts, times, distances, roads, shops, ages and
service numbers stay.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationInfo, field_validator

from data.disguise import UNSEEN
from data.plain import simplify
from data.records import Turn
from data.redaction_names import Names
from data.redaction_numbers import Numbers
from data.remember import remembered
from data.tables import DATA_DIR, Row, load_table, with_fragments

FOLDER = DATA_DIR / "redaction"
ROUNDS = 6
FRAGMENTS = {
    "<n>": "[0-9一二三四五六七八九十百零〇两幺](?: ?[0-9一二三四五六七八九十百零〇两幺]){0,5} ?",
    "<room>": "(?:[0-9]{3,4}|[零〇一二三四五六七八九幺两]{3,4}|<d>(?: <d>){2,3}(?! [0-9]))",
    "<d>": "[0-9零〇一二三四五六七八九幺两]",
    "<province>": "(?=[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼上江安福广湖河山四重北天])"
    "(?:浙江|上海|江西|安徽|福建|广东|湖南|湖北|河南|河北|山东|四川|贵州|重庆|北京|天津|"
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼])[省市]?",
    "<p>": "[ ·，,、\\-—–]{0,2}",
    "<han>": "[幺一二三四五六七八九零〇洞拐两]",
    "<plate>": "(?:车牌号码|车牌号|车牌|牌照|牌号|车号|号牌)号?(?:是|为|就是|[:：,， ]){0,3}",
    "<more>": "0-9零〇二三四五六七八九幺两十百千万元块多个米点分年人路国省县",
    "<s>": "[，, ]?",
}
HOUSE_ANSWER = re.compile(
    "(?<![0-9零〇一二三四五六七八九十百第])(?:[0-9一二三四五六七八九十百零]{1,5}号(?:楼|院)?|[0-9]{3,4}|[零〇一二三四五六七八九两幺]{3,4})"
    f"(?![{FRAGMENTS['<more>']}线门口桥晚早月那])"
)
MARK = re.compile("〔(?:电话|证件|卡号|车牌|门牌|姓名|账号|邮箱)〕")
LONGEST_GROWTH = 4


class Span(NamedTuple):
    """Characters `start`–`end` that `mark` replaces."""

    start: int
    end: int
    mark: str


class Shape(Row):
    """One line of `patterns.csv`, true to its example and counter-example."""

    id: str
    mark: Literal["〔车牌〕", "〔证件〕", "〔门牌〕", "〔账号〕", "〔邮箱〕"]
    pattern: re.Pattern[str]
    example: str
    counter: str

    @field_validator("pattern", mode="before")
    @classmethod
    def _fragments(cls, pattern: str) -> str:
        return with_fragments(pattern, FRAGMENTS)

    @field_validator("example", "counter")
    @classmethod
    def _true_to_it(cls, text: str, info: ValidationInfo) -> str:
        if "pattern" in info.data and bool(info.data["pattern"].search(text)) != (info.field_name == "example"):
            raise ValueError(f"is {'not ' * (info.field_name == 'example')}found by the pattern")
        return text

    def spans(self, view: str) -> Iterator[Span]:
        """What the pattern finds in `view`."""
        for match in self.pattern.finditer(view):
            start, end = match.span("x" if "x" in self.pattern.groupindex else 0)
            yield Span(start, end, self.mark)


class Words(Row):
    """One line of `words.csv`."""

    kind: str
    note: str
    words: str


@cache
def load_shapes(path: Path = FOLDER / "patterns.csv") -> tuple[Shape, ...]:
    """The shapes.

    Raises:
        DataError: a broken pattern, an example that is not found or a counter that is.
    """
    return tuple(load_table(path, Shape, key=lambda row: row.id))


@cache
def load_words(path: Path = FOLDER / "words.csv") -> dict[str, tuple[str, ...]]:
    """The words by kind.

    Raises:
        DataError: missing file or column, a kind that stands twice.
    """
    return {row.kind: tuple(row.words.split()) for row in load_table(path, Words, key=lambda row: row.kind)}


@cache
def _names() -> Names:
    return Names(load_words())


@cache
def _numbers() -> Numbers:
    return Numbers(load_words())


# What nobody sees would part a number so that it is none: it goes, and only there.
_OF_NUMBERS = "[0-9０-９A-Za-zＡ-Ｚａ-ｚ幺零〇一二三四五六七八九]"
HIDDEN = re.compile(f"(?<={_OF_NUMBERS}){UNSEEN.pattern}(?={_OF_NUMBERS})")


@cache
def _asks_house() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, load_words()["ask_house"])))


def numbers_and_shapes(view: str) -> list[Span]:
    """Where numbers, plates, house numbers and accounts stand in simplified text; names are left out."""
    spans = [Span(*found) for found in _numbers().spans(view)]
    return _merged([*spans, *(span for shape in load_shapes() for span in shape.spans(view))])


@remembered
def redact(text: str) -> str:
    """`text` with a mark in place of each piece of personal data; at most four times as long.

    Never raises for a string; redacting twice changes nothing more.
    """
    return redact_texts([("caller", text)])[0]


def redact_turns(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The turns redacted together: a name heard once goes everywhere, numbers dictated over several turns go too."""
    texts = redact_texts([(turn.speaker, turn.text) for turn in turns])
    return tuple(turn.model_copy(update={"text": text}) for turn, text in zip(turns, texts, strict=True))


def redact_texts(said: Sequence[tuple[str, str]]) -> list[str]:
    """Redacted texts of (speaker, text) pairs that follow one another."""
    speakers = [speaker for speaker, _ in said]
    texts = [HIDDEN.sub("", text) for _, text in said]
    for _ in range(ROUNDS):
        before = texts
        texts = _round(speakers, texts)
        if texts == before:
            break
    return texts


def _round(speakers: Sequence[str], texts: Sequence[str]) -> list[str]:
    views = [simplify(text) for text in texts]
    answers = [
        number > 0 and speakers[number] != speakers[number - 1] and _names().asks(views[number - 1])
        for number in range(len(views))
    ]
    known = _names().said(zip(views, answers, strict=True))
    digits = _by_line([Span(*found) for found in _numbers().spans("\n".join(views))], views)
    done: list[str] = []
    for number, text in enumerate(texts):
        view = views[number]
        spans = digits[number]
        spans += [span for shape in load_shapes() for span in shape.spans(view)]
        if number > 0 and _asks_house().search(views[number - 1]):
            spans += [Span(*match.span(), "〔门牌〕") for match in HOUSE_ANSWER.finditer(view)]
        spans += [Span(start, end, "〔姓名〕") for start, end in _names().spans(view, answers[number], known)]
        redacted = _replaced(text, spans)
        if mark := _numbers().dictated(simplify(redacted), done):
            redacted = mark
        done.append(redacted)
    return done


def _by_line(spans: Iterable[Span], lines: Sequence[str]) -> list[list[Span]]:
    """Spans of the joined lines as spans of each; none of them goes over an end of a line."""
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    found: list[list[Span]] = [[] for _ in lines]
    for span in spans:
        line = bisect_right(starts, span.start) - 1
        found[line].append(Span(span.start - starts[line], span.end - starts[line], span.mark))
    return found


def _replaced(text: str, spans: Sequence[Span]) -> str:
    """`text` with merged spans replaced; what already is a mark stays."""
    protected = bytearray(len(text))
    for match in MARK.finditer(text):
        protected[match.start() : match.end()] = b"1" * len(match.group())
    pieces: list[str] = []
    position = 0
    for span in _merged([span for span in spans if not any(protected[span.start : span.end])]):
        pieces += [text[position : span.start], span.mark]
        position = span.end
    return "".join([*pieces, text[position:]])


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Overlapping spans as one, with the mark of the longest."""
    merged: list[Span] = []
    longest = 0
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            last = merged.pop()
            mark = span.mark if span.end - span.start > longest else last.mark
            longest = max(longest, span.end - span.start)
            merged.append(Span(last.start, max(last.end, span.end), mark))
        else:
            merged.append(span)
            longest = span.end - span.start
    return merged
