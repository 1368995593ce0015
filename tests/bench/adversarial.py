"""Danger that somebody tries to hide by how it is written: recall on the safety set, clean and under seeded edits.

    python -m tests.bench.adversarial [FILE]

Each edit is done to the words that give the clean call away (its evidence and its red flags); where that makes sense, to
everything the caller says as well. `met` is a danger for which somebody leaves at once, `or doubted` adds those that are
left to the operator, since the suggestion is not confident (see `training.evaluate`).
"""

import random
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from pypinyin import lazy_pinyin

from data.disguise import load_disguises
from data.plain import simplify
from data.records import Call, Suggestion, Turn
from data.tables import DATA_DIR
from model.suggest import Suggester
from training.evaluate import Case, read_cases, under_called

SAFETY = DATA_DIR / "safety" / "safety.jsonl"
SEED = 110
MARKS = ("。", "，", ".", "*", "-", "_", "、", "~", "|", "·", "…", "/")
EMOJI = ("😀", "🙏", "🎂", "❤️", "👍🏻", "🌸", "👨‍👩‍👧")
INVISIBLE = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad")
AMBIGUOUS = {
    "奸": ("女干",),
    "抢": ("才仓",),
    "炎": ("火火",),
    "她": ("女也",),
    "泼": ("水发",),
    "捆": ("才困",),
    "胁": ("月办",),
}
Edit = Callable[[str, random.Random], str]


def between(*marks: str) -> Edit:
    """One of `marks` between every two characters."""
    return lambda word, rng: rng.choice(marks).join(word)


def each(change: Callable[[str], str]) -> Edit:
    """Every character changed by itself."""
    return lambda word, _: "".join(map(change, word))


def pinyin(word: str, _: random.Random) -> str:
    """As it is typed."""
    return "".join(lazy_pinyin(word))


@cache
def traditional() -> Mapping[str, str]:
    """The first traditional character of a simplified one."""
    found: dict[str, str] = {}
    for char in map(chr, range(0x4E00, 0xA000)):
        if (simple := simplify(char)) != char:
            found.setdefault(simple, char)
    return found


@cache
def look_alikes() -> Mapping[str, str]:
    """The same picture under another number: radicals (⼑) and compatibility ideographs."""
    codes = (*range(0x2E80, 0x2FE0), *range(0xF900, 0xFB00), *range(0x2F800, 0x2FA20))
    return {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in codes}


@cache
def splits() -> Mapping[str, tuple[str, ...]]:
    """Ways to write a character as two: those that the service knows, and some that it cannot tell from other words."""
    found = dict(AMBIGUOUS)
    for row in load_disguises():
        if not row.written.isascii():
            found[row.meant] = (*found.get(row.meant, ()), row.written)
    return found


def split(word: str, rng: random.Random) -> str:
    """石欠 for 砍, wherever a character has two parts."""
    return "".join(rng.choice(splits().get(char, (char,))) for char in word)


def full_width(char: str) -> str:
    """Letters, digits and marks as wide as a character."""
    return chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char


WORDS: Mapping[str, Edit] = {
    "punctuation between": between(*MARKS),
    "spaces between": between(" ", "\u3000"),
    "emoji between": between(*EMOJI),
    "invisible characters between": between(*INVISIBLE),
    "pinyin": pinyin,
    "split characters": split,
    "radicals for characters": each(lambda char: look_alikes().get(char, char)),
    "repeated characters": lambda word, rng: "".join(char * rng.choice((2, 3)) for char in word),
}
WHOLE: Mapping[str, Edit] = {
    "punctuation between all": between(*MARKS),
    "spaces between all": between(" "),
    "invisible characters between all": between(*INVISIBLE),
    "traditional": each(lambda char: traditional().get(char, char)),
    "full width": each(full_width),
    "split characters all": split,
}


def any_of(word: str, rng: random.Random) -> str:
    """Another edit for every word."""
    return rng.choice(list(WORDS.values()))(word, rng)


def telling(case: Case, clean: Suggestion) -> list[list[tuple[int, int]]]:
    """Where the words stand, turn by turn, that give the call away."""
    turns = case.call().transcript
    found: list[set[tuple[int, int]]] = [set() for _ in turns]
    for run in clean.evidence:
        found[run.turn].add((run.start, run.end))
    for flag in clean.red_flags:
        for number, turn in enumerate(turns):
            if turn.speaker == "caller" and (at := turn.text.find(flag.text)) >= 0:
                found[number].add((at, at + len(flag.text)))
    return [merged(sorted(spans)) for spans in found]


def merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """`spans` in order, those that overlap as one."""
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        if kept and start <= kept[-1][1]:
            kept[-1] = kept[-1][0], max(end, kept[-1][1])
        else:
            kept.append((start, end))
    return kept


def edited(case: Case, clean: Suggestion, edit: Edit, whole: bool) -> Call:
    """The call with its telling words, or with all that the caller says, written otherwise."""
    rng = random.Random(f"{SEED} {case.id}")
    turns = []
    for turn, spans in zip(case.call().transcript, telling(case, clean), strict=True):
        chosen = [(0, len(turn.text))] if whole and turn.speaker == "caller" else spans
        text, at = "", 0
        for start, end in chosen:
            text += turn.text[at:start] + edit(turn.text[start:end], rng)
            at = end
        turns.append(Turn(speaker=turn.speaker, text=text + turn.text[at:]))
    return Call(turns=tuple(turns))


def recall(suggestions: Sequence[Suggestion]) -> tuple[float, float]:
    """Shares (0–1) of dangers that are met, and that are met or doubted."""
    met = [not under_called(s.destination.code, s.urgency.level) for s in suggestions]
    doubted = [found or not s.confident for found, s in zip(met, suggestions, strict=True)]
    return sum(met) / len(met), sum(doubted) / len(doubted)


def main() -> None:
    """Prints a line an edit."""
    cases = [case for case in read_cases(Path(sys.argv[1]) if sys.argv[1:] else SAFETY) if case.danger]
    suggester = Suggester()
    clean = suggester.suggest_many([case.call() for case in cases])
    print(f"{len(cases)} dangers\n\n| edit | met | or doubted |\n| --- | --- | --- |")
    print("| none | {:.3f} | {:.3f} |".format(*recall(clean)))
    edits = {name: (edit, False) for name, edit in {**WORDS, "any of these": any_of}.items()}
    for name, (edit, whole) in (edits | {name: (edit, True) for name, edit in WHOLE.items()}).items():
        calls = [edited(case, said, edit, whole) for case, said in zip(cases, clean, strict=True)]
        print("| {} | {:.3f} | {:.3f} |".format(name, *recall(suggester.suggest_many(calls))), flush=True)


if __name__ == "__main__":
    main()
