"""The written note that goes with a call to the unit that takes it: when, where, what, who, what was asked and told."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from data.records import Call, Suggestion, Turn
from data.tables import DATA_DIR, Row, filled_by, load_table
from model.facts import Fact

FOLDER = DATA_DIR / "handover"
Asked = Literal["given", "refused", "not_asked"]
FIELDS = (
    "called",
    "when",
    "place",
    "category",
    "urgency",
    "gist",
    "dangers",
    "injured",
    "people",
    "weapon",
    "plate",
    "phone",
    "amount",
    "account",
    "demand",
    "promised",
    "told",
    "linked",
)
OTHERWISE = "-"
LONGEST_GIST, LONGEST_CLAUSE, MOST_VALUES = 60, 40, 4
_CLAUSE = re.compile(r"[^，。！？；,.!?;\n]+")
_HARDLY_SAID = 2
_NUMBERS = re.compile("[0-9０-９]{5}|[零〇一二三四五六七八九幺]{6}")  # they stand in their own fields


def known_fields(names: str) -> str:
    """`names`, if each is a field of the note or it is the mark for nothing."""
    for name in names.split():
        if name not in (*FIELDS, OTHERWISE):
            raise ValueError(f"{name!r} is no field of the note")
    return names


class Phrase(Row):
    """One line of `template.csv`."""

    line: str
    label: str
    needs: Annotated[str, AfterValidator(known_fields)]
    text: Annotated[str, AfterValidator(filled_by(*FIELDS))]


class Wording(Row):
    """One line of `words.csv`."""

    kind: Literal["demand", "promise", "told", "injured", "weapon"]
    key: str
    words: str


@cache
def load_template(path: Path = FOLDER / "template.csv") -> tuple[Phrase, ...]:
    """The phrases of the note in their order.

    Raises:
        DataError: an unknown field, a text that its fields do not fill.
    """
    return tuple(load_table(path, Phrase, key=lambda row: (row.line, row.needs)))


@cache
def load_wording(path: Path = FOLDER / "words.csv") -> dict[tuple[str, str], str]:
    """What the note says and looks for, by kind and key.

    Raises:
        DataError: an unknown kind, a key that stands twice.
    """
    rows = load_table(path, Wording, key=lambda row: (row.kind, row.key))
    return {(row.kind, row.key): row.words for row in rows}


def handover(
    call: Call,
    suggestion: Suggestion,
    facts: Sequence[Fact],
    consent: Asked | None = None,
    at: datetime | None = None,
) -> str:
    """The note for `suggestion`, ready to send: a line each for time, place, matter, persons, demand and what was told.

    `consent` is what the caller answered (None: not yet asked), `at` when the call came in, in the city's own time.
    What is not known is said or left out; every field is clipped, so the note stays below a page.
    """
    fields = {
        "called": f"{at.month}月{at.day}日 {at:%H:%M}" if at else "",
        "when": _values(facts, "time"),
        "place": _place(suggestion, facts),
        "category": suggestion.category.name,
        "urgency": suggestion.urgency.level.label,
        "gist": _gist(call.transcript, suggestion),
        "dangers": "、".join(dict.fromkeys(f"“{flag.text}”" for flag in suggestion.red_flags)),
        "injured": _injured(facts),
        "people": _values(facts, "people"),
        "weapon": _weapon(facts),
        "plate": _values(facts, "plate"),
        "phone": _values(facts, "phone"),
        "amount": _values(facts, "amount"),
        "account": _values(facts, "account"),
        "demand": _last_clause(call.transcript, "caller", "demand"),
        "promised": _last_clause(call.transcript, "operator", "promise"),
        "told": _told(suggestion, consent),
        "linked": "、".join(party.name for party in suggestion.linked),
    }
    lines: dict[str, list[str]] = {}
    spare: dict[str, str] = {}
    for phrase in load_template():
        said = lines.setdefault(phrase.label, [])
        if phrase.needs == OTHERWISE:
            spare[phrase.label] = phrase.text
        elif all(fields[name] for name in phrase.needs.split()):
            said.append(phrase.text.format(**fields))
    return "\n".join(
        f"{label}：{'；'.join(said) or spare[label]}" for label, said in lines.items() if said or label in spare
    )


def _values(facts: Sequence[Fact], field: str) -> str:
    """Values of a field, the first few of them: 5000+ as 5000余."""
    values = [fact.value for fact in facts if fact.field == field][:MOST_VALUES]
    shown = [re.sub(r"(?<=\d)\+", "余" if field in ("amount", "people") else "许", value) for value in values]
    return "、".join(shown)


def _place(suggestion: Suggestion, facts: Sequence[Fact]) -> str:
    place = suggestion.location
    if place is None:
        return _values(facts, "place")
    name = place.district + (place.town or "")
    return name if place.text in name or name in place.text else f"{name}（来电人称“{place.text}”）"


def _injured(facts: Sequence[Fact]) -> str:
    values = [fact.value for fact in facts if fact.field == "injured"]
    hurt = [value for value in values if value != "0"]
    if not values:
        return ""
    if not hurt:
        return load_wording()["injured", "0"]
    if hurt[0] == "有":
        return load_wording()["injured", "some"]
    return load_wording()["injured", "n"].format(n=hurt[0].replace("+", "余"))


def _weapon(facts: Sequence[Fact]) -> str:
    values = [fact.value for fact in facts if fact.field == "weapon"]
    kinds = [value for value in values if value != "无"]
    if kinds:
        return load_wording()["weapon", "some"].format(n="、".join(kinds[:MOST_VALUES]))
    return load_wording()["weapon", "none"] if values else ""


def _gist(turns: Sequence[Turn], suggestion: Suggestion) -> str:
    """The caller's clauses that speak for the category, in order; the first ones where none does."""
    clauses = [
        (number, match.start(), match.end(), match.group().strip())
        for number, turn in enumerate(turns)
        if turn.speaker == "caller"
        for match in _CLAUSE.finditer(turn.text)
        if len(match.group().strip()) > _HARDLY_SAID and not _NUMBERS.search(match.group())
    ]
    weights = [
        sum(
            span.weight for span in suggestion.evidence if span.turn == number and span.start < end and start < span.end
        )
        for number, start, end, _ in clauses
    ]
    chosen: list[int] = []
    room = LONGEST_GIST
    for index in sorted(range(len(clauses)), key=lambda index: (-weights[index], index)):
        if len(clauses[index][3]) <= room:
            chosen.append(index)
            room -= len(clauses[index][3]) + 1
    if not chosen and clauses:
        return clip(clauses[0][3], LONGEST_GIST)
    return "，".join(clauses[index][3] for index in sorted(chosen))


def _last_clause(turns: Sequence[Turn], speaker: str, kind: str) -> str:
    """The last clause of `speaker` that asks for, or promises, something."""
    cue = re.compile(load_wording()[kind, "clause"])
    for turn in reversed(turns):
        if turn.speaker != speaker:
            continue
        clauses = [match.group().strip() for match in _CLAUSE.finditer(turn.text) if cue.search(match.group())]
        if clauses:
            return clip(clauses[-1], LONGEST_CLAUSE)
    return ""


def _told(suggestion: Suggestion, consent: Asked | None) -> str:
    key: str = consent or ("ask" if suggestion.consent.required else suggestion.action)
    if ("told", key) not in load_wording() or (consent == "not_asked" and not suggestion.consent.required):
        key = suggestion.action if suggestion.action in ("answer", "call_back") else "dispatch"
    to = suggestion.destination.unit or suggestion.destination.name
    return load_wording()["told", key].format(to=to)


def clip(text: str, longest: int) -> str:
    """`text`, or its beginning with … where it is longer than `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
