"""The calls of a city's last 72 hours as arrays, and which of them are alike."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from model.likeness import SIZE, Vector
from serving.known import known_categories

WINDOW_HOURS = 72
MOST_CALLS = 20_000  # a city; the oldest make room
MOST_FOUND = 5
FIRST_ROOM = 256
# Fitted by logistic regression on one half of data/related, rounded; the threshold is the lowest at which 95 % of what
# is found on that half is right. See data/related/README.md for what it does on the other half.
SAME_CATEGORY, NEAR_CATEGORY, SAME_GROUP, THRESHOLD = 0.15, 0.35, 0.25, 1.15
NOWHERE = -1
INVALID = "invalid"


@dataclass(frozen=True)
class Marks:
    """What a call is compared by. `district` and `town` are names, None where unknown."""

    call_id: str
    category: str
    alternatives: tuple[str, ...]
    district: str | None
    town: str | None
    words: Vector
    numbers: frozenset[str] = frozenset()


class Window:
    """The calls of one city in arrays, a row each; a row is used again once its call is the oldest."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._ids: list[str] = []
        self._next = 0
        self._names: dict[str, int] = {}
        self._by_number: dict[str, set[str]] = {}
        self._numbers: dict[str, frozenset[str]] = {}
        self._make_room(FIRST_ROOM)

    def _make_room(self, room: int) -> None:
        old = len(self._ids)
        arrays = {"_at": (np.float64, ()), "_district": (np.int32, ()), "_town": (np.int32, ()),
                  "_codes": (np.int16, (3,)), "_group": (np.int16, ()), "_words": (np.float32, (SIZE,))}  # fmt: skip
        for name, (kind, shape) in arrays.items():
            fresh = np.zeros((room, *shape), kind)
            if old:
                fresh[:old] = getattr(self, name)[:old]
            setattr(self, name, fresh)

    _at: np.ndarray[tuple[int], np.dtype[np.float64]]
    _district: np.ndarray[tuple[int], np.dtype[np.int32]]
    _town: np.ndarray[tuple[int], np.dtype[np.int32]]
    _codes: np.ndarray[tuple[int, int], np.dtype[np.int16]]
    _group: np.ndarray[tuple[int], np.dtype[np.int16]]
    _words: np.ndarray[tuple[int, int], np.dtype[np.float32]]

    def __len__(self) -> int:
        return len(self._ids)

    def put(self, marks: Marks, at: float) -> None:
        """Keeps a call as it is now; a call that is kept already is replaced and keeps its time."""
        row = self._rows.get(marks.call_id)
        if row is None:
            row = self._free_row()
            self._ids[row] = marks.call_id
            self._rows[marks.call_id] = row
            self._at[row] = at
        self._forget_numbers(marks.call_id)
        self._district[row], self._town[row] = self._number(marks.district), self._number(marks.town)
        codes = [_code(code) for code in (marks.category, *marks.alternatives)][:3]
        self._codes[row] = codes + [NOWHERE] * (3 - len(codes))
        self._group[row] = _group(marks.category)
        self._words[row] = marks.words
        self._numbers[marks.call_id] = marks.numbers
        for number in marks.numbers:
            self._by_number.setdefault(number, set()).add(marks.call_id)

    def _free_row(self) -> int:
        if len(self._ids) < MOST_CALLS:
            if len(self._ids) == len(self._at):
                self._make_room(min(MOST_CALLS, 2 * len(self._at)))
            self._ids.append("")
            return len(self._ids) - 1
        row, self._next = self._next, (self._next + 1) % MOST_CALLS
        gone = self._ids[row]
        del self._rows[gone]
        self._forget_numbers(gone)
        return row

    def _forget_numbers(self, call_id: str) -> None:
        for number in self._numbers.pop(call_id, ()):
            calls = self._by_number[number]
            calls.discard(call_id)
            if not calls:
                del self._by_number[number]

    def _number(self, name: str | None) -> int:
        return NOWHERE if name is None else self._names.setdefault(name, len(self._names))

    def find(self, marks: Marks, at: float) -> list[tuple[str, float, str]]:
        """(call id, its time, why) of the likeliest related calls, best first."""
        found = {call_id: (2.0 + when, when, "同一电话号码") for call_id, when in self._same_number(marks, at)}
        for row, score in self._alike(marks, at):
            call_id = self._ids[row]
            if call_id != marks.call_id and call_id not in found:
                found[call_id] = (score, float(self._at[row]), self._why(row, marks))
        ranked = sorted(found.items(), key=lambda pair: -pair[1][0])[:MOST_FOUND]
        return [(call_id, when, why) for call_id, (_, when, why) in ranked]

    def _same_number(self, marks: Marks, at: float) -> list[tuple[str, float]]:
        group = _group(marks.category)
        calls = {call_id for number in marks.numbers for call_id in self._by_number.get(number, ())}
        rows = [(call_id, self._rows[call_id]) for call_id in calls - {marks.call_id}]
        return [
            (call_id, float(self._at[row]))
            for call_id, row in rows
            if self._at[row] >= at - WINDOW_HOURS * 3600 and self._group[row] == group
        ]

    def _alike(self, marks: Marks, at: float) -> list[tuple[int, float]]:
        """Rows of the place and kind of the matter whose words are alike, with their scores."""
        district = self._names.get(marks.district or "", NOWHERE)
        if district == NOWHERE or _group(marks.category) == NOWHERE:
            return []
        count = len(self._ids)
        town = self._number(marks.town)
        here = (self._district[:count] == district) & (self._at[:count] >= at - WINDOW_HOURS * 3600)
        if town != NOWHERE:
            here &= (self._town[:count] == town) | (self._town[:count] == NOWHERE)
        own = _code(marks.category)
        same = self._codes[:count, 0] == own
        codes = [_code(code) for code in marks.alternatives]
        near = same | (self._codes[:count, 1] == own) | (self._codes[:count, 2] == own)
        for code in codes:
            near |= self._codes[:count, 0] == code
        group = self._group[:count] == _group(marks.category)
        bonus = SAME_CATEGORY * same + NEAR_CATEGORY * near + SAME_GROUP * group
        rows = np.flatnonzero(here & (bonus > THRESHOLD - 1))
        # Not `@`: for two thousand rows BLAS wakes its threads, which costs 8 ms on a busy machine instead of 0.3.
        scores = np.einsum("ij,j->i", self._words[rows], marks.words) + bonus[rows]
        good = np.flatnonzero(scores >= THRESHOLD)
        return [(int(rows[i]), float(scores[i])) for i in good[np.argsort(-scores[good])][: MOST_FOUND + 1]]

    def _why(self, row: int, marks: Marks) -> str:
        same_town = self._town[row] != NOWHERE and self._town[row] == self._number(marks.town)
        where = (marks.town if same_town else marks.district) or ""
        kind = "同类事项" if self._codes[row, 0] == _code(marks.category) else "相近事项"
        return f"同在{where}，{kind}，内容相似"


def _numbered() -> dict[str, tuple[int, int]]:
    return _numbers(tuple(known_categories()))


@lru_cache(8)
def _numbers(codes: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """Each category's own number and that of its group; invalid calls are related to none.

    Categories of later releases come behind, so numbers that were given stay.
    """
    groups = [known_categories()[code].group for code in codes]
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))} | {INVALID: NOWHERE}
    return {code: (number, numbers[group]) for number, (code, group) in enumerate(zip(codes, groups, strict=True))}


def _code(category: str) -> int:
    return _numbered().get(category, (NOWHERE, NOWHERE))[0]


def _group(category: str) -> int:
    return _numbered().get(category, (NOWHERE, NOWHERE))[1]
