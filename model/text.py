"""One way from turns to the text the encoder reads, for training and for serving."""

from collections.abc import Sequence
from dataclasses import dataclass

from data.plain import simplify
from data.records import Turn

MARKS = {"operator": "问：", "caller": "答："}


def simplified(turns: Sequence[Turn]) -> list[Turn]:
    """The turns as patterns and places are searched in."""
    return [Turn(speaker=turn.speaker, text=simplify(turn.text)) for turn in turns]


@dataclass(frozen=True)
class Rendered:
    """Text of a call with, for each turn, where it begins in `text`."""

    text: str
    starts: tuple[int, ...]

    def locate(self, position: int) -> tuple[int, int]:
        """Turn number and offset within that turn for a character of `text`."""
        turn = max(n for n, start in enumerate(self.starts) if start <= position or n == 0)
        return turn, max(0, position - self.starts[turn])


def render(turns: Sequence[Turn]) -> Rendered:
    """Joins the turns; speakers are marked only where an operator speaks too: one block and one turn read alike."""
    dialogue = any(turn.speaker == "operator" for turn in turns)
    text, starts = "", []
    for turn in turns:
        text += ("\n" if text else "") + (MARKS[turn.speaker] if dialogue else "")
        starts.append(len(text))
        text += simplify(turn.text)
    return Rendered(text, tuple(starts))


def head_and_tail(ids: Sequence[int], limit: int) -> list[int]:
    """Positions of at most `limit` tokens that are kept: the beginning (who, what) and the end (what it came to).

    The first and last token are the encoder's own marks and always stay.
    """
    if len(ids) <= limit:
        return list(range(len(ids)))
    head = limit // 2
    return [*range(head), *range(len(ids) - (limit - head), len(ids))]
