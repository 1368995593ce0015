"""What a speech recogniser and a hurried line do to a transcript."""

import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

from data.heard import blurred
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


FILLERS = ("嗯", "呃", "啊", "那个", "就是", "然后", "这个", "哎")
SHARES = {"homophone": 0.72, "drop": 0.12, "repeat": 0.08, "filler": 0.08}


def mishear(turns: Sequence[Turn], rate: float, rng: random.Random) -> list[Turn]:
    """The turns as a recogniser with about this character error `rate` (0–1) would write them down.

    Wrong characters sound alike, dialects' mergers included; some are dropped or said twice, fillers come in between.
    """
    kinds, weights = list(SHARES), list(SHARES.values())

    def heard(char: str) -> str:
        if rng.random() >= rate or not "\u4e00" <= char <= "\u9fff":
            return char
        kind = rng.choices(kinds, weights)[0]
        if kind == "homophone":
            return rng.choice(homophones().get(char, (char,)))
        return {"drop": "", "repeat": char * 2, "filler": rng.choice(FILLERS) + char}[kind]

    return [Turn(speaker=turn.speaker, text="".join(map(heard, turn.text)) or turn.text) for turn in turns]


@cache
def homophones() -> Mapping[str, tuple[str, ...]]:
    """Common characters (the first level of GB 2312) that sound like each common character, itself left out."""
    from pypinyin import lazy_pinyin

    alike: dict[str, list[str]] = defaultdict(list)
    for char in _common():
        alike[blurred(lazy_pinyin(char)[0])].append(char)
    return {char: tuple(other for other in group if other != char) or (char,) for group in alike.values()
            for char in group}  # fmt: skip


def _common() -> list[str]:
    rows = range(0xB0, 0xD8)
    codes = (bytes([row, cell]) for row in rows for cell in range(0xA1, 0xFF))
    return [char for code in codes if (char := code.decode("gb2312", "ignore"))]
