"""Which of the caller's words speak for the category."""

from collections.abc import Sequence

import numpy as np

from data.records import Evidence, Turn
from model.decode import Array
from model.reading import Reading
from model.text import Rendered

AT_MOST = 3
LONGEST = 14
BREAKS = frozenset('，。！？、；：,.!?;:\n …“”"')


def evidence(reading: Reading, category: int, rendered: Rendered, turns: Sequence[Turn]) -> tuple[Evidence, ...]:
    """At most three runs of words, strongest first; `weight` is the run's share (0–1) of all support.

    The support of a character is what its token adds to the category's logit beyond what it adds to those the model
    holds likely on the whole.
    """
    spoken = _support_by_character(reading, category, len(rendered.text))
    total = float(spoken[spoken > 0].sum())
    if total <= 0:
        return ()
    runs = sorted(_runs(spoken, rendered.text), key=lambda run: -spoken[slice(*run)].sum())
    found: list[Evidence] = []
    for start, end in runs:
        number, at, stop = rendered.locate(start, end)
        turn = turns[number]
        if turn.speaker == "caller" and at < stop:
            weight = round(float(spoken[start:end].sum()) / total, 3)
            found.append(Evidence(turn=number, start=at, end=stop, text=turn.text[at:stop], weight=weight))
        if len(found) == AT_MOST:
            break
    return tuple(found)


def _support_by_character(reading: Reading, category: int, length: int) -> Array:
    expected = reading.support @ reading.joint.sum(1)
    surplus = reading.support[:, category] - expected
    spoken = np.zeros(length, np.float32)
    for (start, end), value in zip(reading.spans, surplus.tolist(), strict=True):
        if end > start:
            spoken[start:end] += value / (end - start)
    return spoken


def _runs(spoken: Array, text: str) -> list[tuple[int, int]]:
    """Stretches of supporting characters within a clause, at most `LONGEST` characters each."""
    supports = (spoken > spoken.max() * 0.15).tolist()
    runs, start = [], None
    for position in range(len(text) + 1):
        inside = position < len(text) and supports[position] and text[position] not in BREAKS
        if inside and start is None:
            start = position
        if start is not None and (not inside or position - start >= LONGEST):
            if position - start >= 2:
                runs.append((start, position))
            start = position if inside else None
    return runs
