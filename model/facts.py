"""Key information of a call with the words that say it: place, injured, weapon, amount, phone, plate, time and so on.

Precise before complete: what is uncertain is left out. Only the caller's words count; the operator's question tells
what a short answer means (有没有人受伤？没有).
"""

from collections.abc import Iterator, Sequence
from functools import partial

from data.plain import simplify
from data.records import Record, Turn
from data.remember import remembered
from model.fact_numbers import find_amounts, find_digits, find_people
from model.fact_patterns import Field, Found, find_by_pattern
from model.fact_times import find_times
from model.location import Location

MOST = 40
LONGEST_TURN = 4_000


class Fact(Record):
    """A piece of key information: `value` is normalised, `text` stands at `start`–`end` of turn number `turn` (from 0).

    Values: `place` district and town; `injured` a number, `0` nobody, `有` somebody; `weapon` its kind, `无` none;
    `amount` yuan and `people` persons (`5000+` and more, `5-6` a range); `phone` and `plate` without separators; `time`
    as said, day and clock (昨天22:00+, 30分钟前); `account` bank, app, or digits.
    """

    field: Field
    text: str
    value: str
    turn: int
    start: int
    end: int


def find_facts(turns: Sequence[Turn], place: Location | None) -> tuple[Fact, ...]:
    """What the call says, each value once, where it is said first; at most `MOST` facts, of the call's first turns.

    Never raises for turns that are records. Of a very long turn only the first 4,000 characters are read.
    """
    facts: dict[tuple[str, str], Fact] = {}
    if place is not None and place.turn < len(turns):
        facts["place", ""] = _place(place, turns[place.turn])
    asked = ""
    for number, turn in enumerate(turns):
        if turn.speaker == "operator":
            asked = simplify(turn.text[-200:])
            continue
        view = simplify(turn.text[:LONGEST_TURN])
        for found in _of_turn(view, asked):
            fact = Fact(field=found.field, text=turn.text[found.start : found.end], value=found.value, turn=number,
                        start=found.start, end=found.end)  # fmt: skip
            facts.setdefault((found.field, found.value), fact)
        asked = ""
        if len(facts) >= MOST:
            break
    return tuple(_most_precise(list(facts.values())))[:MOST]


def _place(place: Location, turn: Turn) -> Fact:
    words = turn.text[place.start : place.end]
    value = place.district + (place.town or "")
    return Fact(field="place", text=words, value=value, turn=place.turn, start=place.start, end=place.end)


@remembered
def _of_turn(view: str, asked: str) -> Sequence[Found]:
    """Facts of one turn in the order of the text; where two kinds claim the same words, the firmer one has them."""
    digits = list(find_digits(view, asked))
    times = list(find_times(view))
    told = _longest(find_by_pattern(view, asked))
    firm = [*digits, *times]
    amounts = [found for found in find_amounts(view, asked) if not _overlaps(found, firm)]
    injured = [found for found in told if found.field == "injured" and not _overlaps(found, digits)]
    free = partial(_overlaps, others=[*firm, *amounts, *injured])
    people = [found for found in find_people(view, asked) if not free(found)]
    accounts = [found for found in told if found.field == "account"]
    weapons = [found for found in told if found.field == "weapon"]
    return sorted([*firm, *amounts, *injured, *people, *accounts, *weapons], key=lambda found: found.start)


def _overlaps(found: Found, others: Sequence[Found]) -> bool:
    return any(other.start < found.end and found.start < other.end for other in others)


def _longest(found: Iterator[Found]) -> list[Found]:
    """Of overlapping findings of one field the first in the order of the table stays."""
    kept: list[Found] = []
    for one in found:
        if not any(one.field == other.field and _overlaps(one, [other]) for other in kept):
            kept.append(one)
    return kept


def _most_precise(facts: Sequence[Fact]) -> Iterator[Fact]:
    """Facts without those that a more precise one of the call contains (昨天 beside 昨天22:00, 有 beside a number)."""
    hurt = any(fact.field == "injured" and fact.value not in ("0", "有") for fact in facts)
    times = [fact.value for fact in facts if fact.field == "time"]
    for fact in facts:
        if fact.field == "time" and any(other != fact.value and other.startswith(fact.value) for other in times):
            continue
        if hurt and fact.field == "injured" and fact.value == "有":
            continue
        yield fact
