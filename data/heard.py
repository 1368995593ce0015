"""What was said where something else of the same sound was written down: by a recogniser, or by somebody in a hurry.

A language model of three characters (`heard.npz`, of the corpus' training split, by `python -m training.heard`) says
which of the characters that sound alike is meant, and what letters that are pinyin stand for. It has probabilities of
n-grams and back-off weights as the ARPA form does (Katz 1987), in logarithms of `STEP`, its keys 12 bits a
character.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial, reduce
from heapq import nlargest
from io import BytesIO
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from data.tables import DATA_DIR, DataError

FILE = DATA_DIR / "heard.npz"
STEP = 0.05
BITS = 12  # of a character's number: at most 4,096 of them
END, OTHER, LETTER, DIGIT = range(4)  # numbers that are no character of Chinese
FIRST = 4
# How much likelier (natural logarithm) the other character must be: of the validation split's misheard characters 47 in
# 100 are put right, of those that are as they were said one in a thousand is changed (`python -m tests.bench.hearing`).
SURER = 10.0
PASSES = 2
LONGEST_WORD = 16  # letters of a word or syllable, at most
PREFERRED = 6.0  # what a word that is looked for is likelier (natural logarithm)
BEAM = 10
# Mean logarithm of a character's probability from which on letters are taken for pinyin: a word of danger reaches -5.2
# and more where it stands in a sentence, the English "data" -5.8, "game" -7.9.
# Letters of four syllables and more are hardly anything else.
LIKELY, MANY = (-5.5, -8.0), 4
PARTED = re.compile("[ ']")
PINYIN = re.compile("(?![A-Za-z](?![A-Za-z ']))[A-Za-z]+(?:[ '][A-Za-z]+)*")
Numbers = NDArray[np.int64]
Logs = NDArray[np.float32]
Span = tuple[int, int]
Way = tuple[float, tuple[int, ...]]  # what letters may mean, two characters before included, and how likely (logarithm)


@dataclass(frozen=True)
class _Grams:
    """N-grams of one length: sorted keys, logarithms of their probabilities and back-off weights."""

    keys: Numbers
    log: Logs
    weight: Logs

    def find(self, keys: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
        """Where each of `keys` would stand, and whether it does."""
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return at, self.keys[at] == keys


class Sounds:
    """Which characters sound alike, and how likely one is after two others.

    Raises (when made):
        DataError: the file is missing, cut, or not of this form.
    """

    def __init__(self, path: Path = FILE) -> None:
        try:
            with np.load(BytesIO(path.read_bytes())) as arrays:
                chars, syllables = str(arrays["chars"]), str(arrays["syllables"]).split(" ")
                readings = arrays["readings"].astype(np.int64)
                self._one, self._two, self._three = (_grams(arrays, name) for name in ("one", "two", "three"))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise DataError(path, 1, "", f"does not load: {error}") from error
        self._chars = chars
        self._number = {char: number for number, char in enumerate(chars, FIRST)}
        self.syllables: Mapping[str, Numbers] = {
            syllable: readings[readings[:, 1] == n, 0] for n, syllable in enumerate(syllables)
        }
        self._alike = _alike(readings, [blurred(syllable) for syllable in syllables], len(chars) + FIRST)

    def numbers(self, text: str) -> Numbers:
        """The number of each character."""
        known = self._number.get
        return np.array([known(char) or kind(char) for char in text], np.int64)

    def text(self, numbers: Sequence[int]) -> str:
        """The characters of Chinese with these numbers."""
        return "".join(self._chars[number - FIRST] for number in numbers)

    def seen(self, first: Numbers, second: Numbers, third: Numbers) -> NDArray[np.bool_]:
        """Whether the model knows the three side by side."""
        return self._three.find(_key(_key(first, second), third))[1]

    def log(self, first: Numbers, second: Numbers, third: Numbers) -> Logs:
        """Logarithm of the probability of `third` after `first` and `second`, each of one shape."""
        before = _key(first, second)
        three, found = self._three.find(_key(before, third))
        two, pair = self._two.find(_key(second, third))
        context, known = self._two.find(before)
        shorter = np.where(pair, self._two.log[two], self._one.weight[second] + self._one.log[third])
        backed = np.where(known, self._two.weight[context], 0) + shorter
        result: Logs = np.where(found, self._three.log[three], backed)
        return result

    def alike(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """For each of `numbers` the others that sound like it: places in `numbers`, and what sounds alike."""
        groups = [self._alike[number] for number in numbers]
        return np.repeat(np.arange(len(groups)), [len(group) for group in groups]), np.concatenate(groups)


def _grams(arrays: Mapping[str, NDArray[np.uint8]], name: str) -> _Grams:
    gaps = np.ascontiguousarray(arrays[f"{name}.keys"].T).view("<i8").ravel()
    log, weight = (arrays[f"{name}.{part}"].astype(np.float32) * -np.float32(STEP) for part in ("log", "weight"))
    if not len(gaps) == len(log) == len(weight) > 0:
        raise ValueError(f"{name} has {len(gaps)} keys, {len(log)} logarithms and {len(weight)} weights")
    return _Grams(np.cumsum(gaps), log, weight)


def _key(first: Numbers, second: Numbers) -> Numbers:
    return (first << BITS) | second


def kind(char: str) -> int:
    """The number of what is no known character of Chinese."""
    return END if char == "\n" else DIGIT if char.isdigit() else LETTER if char.isalpha() else OTHER


def _alike(readings: Numbers, sounds: Sequence[str], size: int) -> list[Numbers]:
    groups: dict[str, list[int]] = {}
    for number, syllable in readings.tolist():
        groups.setdefault(sounds[syllable], []).append(number)
    found: list[set[int]] = [set() for _ in range(size)]
    for group in groups.values():
        for number in group:
            found[number] |= set(group)
    return [np.array(sorted(others - {number}), np.int64) for number, others in enumerate(found)]


# Not told apart in many places of Zhejiang and the South, nor by recognisers: zh/z, n/l, -ng/-n …
BLURRED = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ing", "in"), ("eng", "en"), ("ang", "an"), ("l", "n"), ("hu", "fu"))


def blurred(sound: str) -> str:
    """A syllable as those hear it who do not tell `BLURRED` sounds apart."""
    for clear, dull in BLURRED:
        sound = dull + sound[len(clear) :] if sound.startswith(clear) else sound
        sound = sound[: -len(clear)] + dull if sound.endswith(clear) else sound
    return sound


@cache
def sounds() -> Sounds:
    """Those of the package."""
    return Sounds()


def heard(text: str, surer: float = SURER, trusted: str = "") -> str:
    """`text` with characters that make no sense where they stand replaced by what sounds alike and does.

    Those that are `trusted` stay.
    """
    model, sure = sounds(), _sure(trusted)
    written = model.numbers(f"\n\n{text}\n\n")
    chars = list(text)
    for _ in range(PASSES):
        strange = _strange(model, written, sure)
        mended = _mended(model, written, strange, surer) if len(strange) else []
        for place in mended:
            chars[place - 2] = model.text([int(written[place])])
        if not mended:
            break
    return "".join(chars)


@lru_cache(4)
def _sure(trusted: str) -> NDArray[np.bool_]:
    """By number, which characters are never strange: what is no character of Chinese, and those that are trusted."""
    sure = np.zeros(1 << BITS, bool)
    sure[:FIRST] = sure[sounds().numbers(trusted)] = True
    return sure


def _strange(model: Sounds, written: Numbers, sure: NDArray[np.bool_]) -> Numbers:
    """Places of characters that the model knows in none of the positions of three side by side."""
    known = model.seen(written[:-2], written[1:-1], written[2:])
    return np.flatnonzero(~(known[:-2] | known[1:-1] | known[2:] | sure[written[2:-2]])) + 2


def _mended(model: Sounds, written: Numbers, strange: Numbers, surer: float) -> list[int]:
    """Puts what is surer in the place of what is strange, of neighbours the surest; where it did."""
    which, other = model.alike(written[strange])
    if not len(other):
        return []
    gain = _fit(model, written, strange[which], other) - _fit(model, written, strange, written[strange])[which]
    free = np.ones(len(written), bool)
    mended = list[int]()
    for candidate in np.argsort(-gain, kind="stable").tolist():
        if gain[candidate] <= surer:
            break
        place = int(strange[which[candidate]])
        if free[place]:
            written[place] = other[candidate]
            free[place - 2 : place + 3] = False
            mended.append(place)
    return mended


def _fit(model: Sounds, written: Numbers, place: Numbers, char: Numbers) -> Logs:
    """How likely `char` at `place` is together with the two before and the two behind it."""
    a, b, d, e = (written[place + step] for step in (-2, -1, 1, 2))
    return model.log(a, b, char) + model.log(b, char, d) + model.log(char, d, e)


def spelled(text: str, words: Mapping[str, str]) -> Iterator[tuple[Span, str]]:
    """Letters that are pinyin: where they stand, and what they mean there.

    What `words` has (pinyin and its characters) is preferred to what sounds like it, if the model knows the characters.
    """
    for match in PINYIN.finditer(text):
        start, end = match.span()
        before, behind = text[max(0, start - 2) : start], text[end : end + 2]
        if meant := _meant(sounds(), match.group().lower(), before, behind, words):
            yield (start, end), meant


def _meant(model: Sounds, letters: str, before: str, behind: str, words: Mapping[str, str]) -> str:
    """What `letters` mean between the two characters before and behind them, nothing when they are hardly pinyin."""
    parts = PARTED.split(letters)
    breaks, text = list(accumulate(map(len, parts))), "".join(parts)
    ways: list[list[Way]] = [[] for _ in range(len(text) + 1)]
    ways[0] = [(0.0, tuple(model.numbers(f"\n\n{before}"[-2:]).tolist()))]
    for start in range(len(text)):
        likeliest = nlargest(BEAM, ways[start], key=itemgetter(0))
        end_of_part = next(end for end in breaks if end > start)
        for end in range(start + 1, min(len(text), start + LONGEST_WORD) + 1) if likeliest else ():
            word = model.numbers(words.get(text[start:end], ""))
            options = model.syllables.get(text[start:end]) if end <= end_of_part else None
            if len(word) and word.min() >= FIRST:
                said = reduce(partial(_on, model), word[:, None], likeliest)
                ways[end] += [(score + PREFERRED, chars) for score, chars in said]
            elif options is not None:
                ways[end] += _on(model, likeliest, options)
    last = model.numbers(f"{behind}\n\n"[:2])
    found = reduce(partial(_on, model), last[:, None], nlargest(BEAM, ways[-1], key=itemgetter(0)))
    score, around = max(found, key=itemgetter(0), default=(-np.inf, ()))
    chars = around[2:-2]
    return model.text(chars) if chars and score > LIKELY[len(chars) >= MANY] * (len(chars) + 2) else ""


def _on(model: Sounds, ways: Sequence[Way], options: Numbers) -> list[Way]:
    """The likeliest of `ways`, each with each of `options` behind it."""
    if not ways:
        return []
    a, b = np.array([chars[-2:] for _, chars in ways]).T
    score = np.array([score for score, _ in ways])[:, None] + model.log(a[:, None], b[:, None], options[None, :])
    kept = np.argsort(-score, axis=None, kind="stable")[:BEAM].tolist()
    return [(float(score.flat[n]), (*ways[n // len(options)][1], int(options[n % len(options)]))) for n in kept]
