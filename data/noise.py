"""What a speech recogniser and a hurried line do to a transcript."""

import re
from collections.abc import Sequence

from data.records import Turn

PUNCTUATION = re.compile(r"[，。！？、；：…—,.!?;:“”\"‘’《》]+")


def drop_punctuation(turns: Sequence[Turn]) -> list[Turn]:
    """Every turn without punctuation; a turn of nothing else stays as it is."""
    return [Turn(speaker=turn.speaker, text=PUNCTUATION.sub("", turn.text) or turn.text) for turn in turns]


def drop_operator(turns: Sequence[Turn]) -> list[Turn]:
    """Only what the caller said; the call as it is when the caller said nothing."""
    return [turn for turn in turns if turn.speaker == "caller"] or list(turns)


def drop_end(turns: Sequence[Turn], keep: float) -> list[Turn]:
    """The first `keep` (0–1) of the call's characters, at least one."""
    left = max(1, round(keep * sum(len(turn.text) for turn in turns)))
    kept = []
    for turn in turns:
        kept.append(Turn(speaker=turn.speaker, text=turn.text[:left]))
        left -= len(turn.text)
        if left <= 0:
            break
    return kept
