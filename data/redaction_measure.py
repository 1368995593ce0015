"""How much personal data the redaction misses, and what it destroys: measured on the written set."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from data.records import Turn
from data.redaction import FOLDER, MARK, redact_turns
from data.tables import DataError, read_text

PARTS = ("personal", "look_alikes")
OPERATOR = "问："


@dataclass(frozen=True)
class Text:
    """One written call; `spans` are (turn, start, end) of what must go."""

    line: int
    turns: tuple[Turn, ...]
    spans: tuple[tuple[int, int, int], ...]


@dataclass
class Figures:
    """What was found and what was destroyed."""

    texts: int = 0
    pieces: int = 0
    gone: int = 0
    characters: int = 0
    destroyed: int = 0
    look_alikes: int = 0
    touched: int = 0
    missed: list[str] = field(default_factory=list)
    spoilt: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of the personal pieces of which no character is left."""
        return self.gone / max(1, self.pieces)

    @property
    def destruction(self) -> float:
        """Share of the other characters that went too."""
        return self.destroyed / max(1, self.characters)

    @property
    def touched_share(self) -> float:
        """Share of the texts without personal data that were changed at all."""
        return self.touched / max(1, self.look_alikes)


def _turn(marked: str, number: int) -> tuple[Turn, list[tuple[int, int, int]]]:
    spans: list[tuple[int, int, int]] = []
    plain = ""
    for piece in re.split(r"(\{[^{}]*\})", marked.removeprefix(OPERATOR)):
        if piece.startswith("{"):
            spans.append((number, len(plain), len(plain) + len(piece) - 2))
            piece = piece[1:-1]
        plain += piece
    return Turn(speaker="operator" if marked.startswith(OPERATOR) else "caller", text=plain), spans


def load_texts(path: Path) -> list[Text]:
    """The texts of a file of the set: one a line, turns parted by ｜, what must go in braces.

    Raises:
        DataError: missing file, or a brace without its partner.
    """
    texts = []
    for line, raw in enumerate(read_text(path).splitlines(), 1):
        if not raw or raw.startswith("#"):
            continue
        turns, spans = zip(*(_turn(marked, number) for number, marked in enumerate(raw.split("｜"))), strict=True)
        if any("{" in turn.text or "}" in turn.text for turn in turns):
            raise DataError(path, line, "", "has a brace without its partner")
        texts.append(Text(line, tuple(turns), tuple(span for row in spans for span in row)))
    return texts


def measure(folder: Path = FOLDER) -> Figures:
    """The figures of the set in `folder`.

    Raises:
        DataError: as `load_texts`.
    """
    figures = Figures()
    for part in PARTS:
        for text in load_texts(folder / f"{part}.txt"):
            _count(figures, text)
    return figures


def _count(figures: Figures, text: Text) -> None:
    redacted = redact_turns(text.turns)
    gone = [_gone(turn.text, after.text) for turn, after in zip(text.turns, redacted, strict=True)]
    personal = {(turn, place) for turn, start, end in text.spans for place in range(start, end)}
    figures.texts += 1
    for turn, start, end in text.spans:
        figures.pieces += 1
        if all(gone[turn][place] or not text.turns[turn].text[place].isalnum() for place in range(start, end)):
            figures.gone += 1
        else:
            figures.missed.append(f"{text.turns[turn].text}  ← {text.turns[turn].text[start:end]}")
    lost = 0
    for number, said in enumerate(text.turns):
        others = [place for place in range(len(said.text)) if (number, place) not in personal]
        figures.characters += len(others)
        here = [place for place in others if gone[number][place]]
        lost += len(here)
        if here:
            figures.spoilt.append(f"{said.text}  ← {''.join(said.text[place] for place in here)}")
    figures.destroyed += lost
    if not text.spans:
        figures.look_alikes += 1
        figures.touched += lost > 0


def _gone(before: str, after: str) -> list[bool]:
    """For each character of `before`, whether a mark stands for it in `after`."""
    kept = "(.+?)".join(re.escape(piece) for piece in MARK.split(after))
    match = re.fullmatch(kept, before, re.DOTALL)
    gone = [False] * len(before)
    for number in range(1, kept.count("(.+?)") + 1) if match else ():
        start, end = match.span(number) if match else (0, 0)
        gone[start:end] = [True] * (end - start)
    return gone
