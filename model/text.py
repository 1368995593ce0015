"""One way from turns to the text the encoder reads, for training and for serving."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from data.disguise import Uncovered, uncover
from data.plain import simplify
from data.records import Turn

LETTERS, MOST_LETTERS = re.compile("[A-Za-zＡ-Ｚａ-ｚ]"), 300  # of a call, that are read as pinyin
MARKS = {"operator": "问：", "caller": "答："}


def simplified(turns: Sequence[Turn]) -> list[Turn]:
    """The turns as places and what was asked are searched in: every character where it stands."""
    return [Turn(speaker=turn.speaker, text=simplify(turn.text)) for turn in turns]


@dataclass(frozen=True)
class Rendered:
    """Text of a call; where in `text` each turn begins; the turns as they are read, and the way back."""

    text: str
    starts: tuple[int, ...]
    turns: tuple[Turn, ...]
    uncovered: tuple[Uncovered, ...]

    def locate(self, start: int, end: int) -> tuple[int, int, int]:
        """Turn number and offsets within that turn as it was said for `start`–`end` (not empty) of `text`.

        What lies beyond the turn that `start` is in is left out; the offsets are the same when nothing is left.
        """
        turn = max(n for n, begins in enumerate(self.starts) if begins <= start or n == 0)
        begin, begins = max(0, start - self.starts[turn]), self.starts[turn]
        stop = min(end - begins, len(self.turns[turn].text))
        return (turn, *self.uncovered[turn].place(begin, stop)) if begin < stop else (turn, begin, begin)


def render(turns: Sequence[Turn]) -> Rendered:
    """Joins the turns; speakers are marked only where an operator speaks too: one block and one turn read alike.

    What is written so that it is not recognised is read as it is meant (see `data.disguise`).
    """
    dialogue = any(turn.speaker == "operator" for turn in turns)
    letters = accumulate(len(LETTERS.findall(turn.text)) for turn in turns)
    uncovered = tuple(uncover(turn.text, count <= MOST_LETTERS) for turn, count in zip(turns, letters, strict=True))
    text, starts = "", []
    for turn, said in zip(turns, uncovered, strict=True):
        text += ("\n" if text else "") + (MARKS[turn.speaker] if dialogue else "")
        starts.append(len(text))
        text += said.text
    read = tuple(Turn(speaker=turn.speaker, text=said.text) for turn, said in zip(turns, uncovered, strict=True))
    return Rendered(text, tuple(starts), read, uncovered)


def head_and_tail(ids: Sequence[int], limit: int) -> list[int]:
    """Positions of at most `limit` tokens that are kept: the beginning (who, what) and the end (what it came to).

    The first and last token are the encoder's own marks and always stay.
    """
    if len(ids) <= limit:
        return list(range(len(ids)))
    head = limit // 2
    return [*range(head), *range(len(ids) - (limit - head), len(ids))]
