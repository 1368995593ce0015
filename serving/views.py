"""Calls as the API shows them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from data.policy import policies
from data.records import Record
from data.taxonomy import categories
from serving.store.calls import CallRecord
from serving.store.entries import now
from serving.store.schema import CallRow, DecisionRow, OutcomeRow, ReviewRow, SuggestionRow

Names = Mapping[str, str]


class Person(Record):
    """The holder of a key: its id, and the name it was given."""

    id: str
    name: str


class Labels(Record):
    """Category, urgency and destination as somebody sees them."""

    category: str
    urgency: str
    destination: str


class Candidate(Labels):
    """What a release that is not live would have said."""

    version: str


class CallLine(Record):
    """A call in a list: its state without a word of what was said."""

    call_id: str
    city: str
    channel: str
    started_at: datetime
    operator: str
    district: str | None
    town: str | None
    unit: str | None
    police: str
    suggested: Labels
    final: Labels
    group: str
    confident: bool
    probability: float
    flags: tuple[str, ...]
    decided: bool
    consent: str | None
    overrode: bool
    lowered: bool
    again: bool
    outcome: str
    due_at: datetime | None
    late: bool
    returned: bool
    review: str
    usable: bool
    purged: bool


class Shown(Record):
    """A suggestion of the call in short."""

    suggestion_id: str
    at: datetime
    police: str
    category: str
    urgency: str
    destination: str


class DecisionView(Record):
    """What the operator did."""

    at: datetime
    by: Person
    suggestion_id: str
    category: str
    urgency: str
    destination: str
    consent: str
    overrode: bool
    lowered: bool
    raised: bool
    note: str
    reason: str


class OutcomeView(Record):
    """A step of the receiving unit."""

    at: datetime
    by: Person
    status: str
    owner: str | None
    due_at: datetime | None
    reason: str
    note: str


class ReviewView(Record):
    """What a reviewer said; `undone` ones count no more."""

    review_id: str
    batch: str
    at: datetime
    by: Person
    queue: str
    verdict: str
    category: str | None
    urgency: str | None
    destination: str | None
    reason: str
    adjudicates: bool
    undone: bool


class Step(Record):
    """One step of the loop 受理→分派→处置→反馈; `due_at` is when it must be done."""

    step: Literal["received", "assigned", "handled", "fed_back"]
    name: str
    at: datetime | None
    due_at: datetime | None
    late: bool


class CallView(CallLine):
    """Everything of a call. `turns` is None once the transcript is purged; `behind` while the database is away.

    Reviewers alone are shown `candidate` (a release in the shadow that said something else) and `claimed` (the category
    that examining the labels holds for right, with its usual urgency and the destination of the city's policy).
    """

    turns: list[dict[str, Any]] | None
    suggestion: dict[str, Any]
    suggestions: tuple[Shown, ...]
    decision: DecisionView | None
    outcomes: tuple[OutcomeView, ...]
    reviews: tuple[ReviewView, ...]
    loop: tuple[Step, ...]
    behind: bool
    candidate: Candidate | None = None
    claimed: Labels | None = None


def line(row: CallRow) -> CallLine:
    """The call in a list."""
    return CallLine(**_line(row))


def _line(row: CallRow) -> dict[str, Any]:
    same = (
        "city", "channel", "started_at", "operator", "district", "town", "unit", "group", "confident", "probability",
        "consent", "overrode", "lowered", "again", "outcome", "due_at", "returned", "review", "usable",
    )  # fmt: skip
    return {name: getattr(row, name) for name in same} | {
        "call_id": row.id,
        "police": row.final_police,
        "suggested": Labels(category=row.category, urgency=row.urgency, destination=row.destination),
        "final": Labels(category=row.final_category, urgency=row.final_urgency, destination=row.final_destination),
        "flags": tuple(row.flags.split()),
        "decided": row.decided_at is not None,
        "late": row.due_at is not None and row.due_at < now(),
        "purged": row.purged_at is not None,
    }


def doubts(row: CallRow) -> dict[str, Labels | None]:
    """`candidate` and `claimed` of a call."""
    category, urgency, destination = row.candidate_category, row.candidate_urgency, row.candidate_destination
    candidate = None
    if row.candidate_version is not None and category and urgency and destination:
        candidate = Candidate(
            version=row.candidate_version, category=category, urgency=urgency, destination=destination
        )
    return {"candidate": candidate, "claimed": _claimed(row)}


def _claimed(row: CallRow) -> Labels | None:
    found = categories().get(row.claimed_category or "")
    if found is None:
        return None
    policy = policies().get(row.city)
    destination = policy.rules[found.code].destination(found.default_urgency) if policy else row.final_destination
    return Labels(category=found.code, urgency=found.default_urgency.value, destination=destination)


def people(record: CallRecord) -> list[str]:
    """Ids of the keys that a view of the call names."""
    rows: list[Any] = [*record.outcomes, *record.reviews, *([record.decision] if record.decision else [])]
    return [record.row.operator, *(row.by for row in rows)]


def view(record: CallRecord, names: Names, behind: bool) -> CallView:
    """Everything of a call."""

    def person(key_id: str) -> Person:
        return Person(id=key_id, name=names.get(key_id, ""))

    decided = record.suggestion(record.decision.suggestion_id) if record.decision else None
    shown = decided or record.suggestion(record.row.suggestion_id)
    return CallView(
        **_line(record.row),
        turns=record.turns,
        suggestion=shown.payload if shown else {},
        suggestions=tuple(_shown(row) for row in record.suggestions if row.payload),
        decision=_decision(record.decision, person) if record.decision else None,
        outcomes=tuple(_outcome(row, person) for row in record.outcomes),
        reviews=tuple(_review(row, person) for row in record.reviews),
        loop=loop(record),
        behind=behind,
    )


def _shown(row: SuggestionRow) -> Shown:
    s = row.payload
    return Shown(suggestion_id=row.id, at=row.at, police=s["police"]["label"], category=s["category"]["code"],
                 urgency=s["urgency"]["level"], destination=s["destination"]["code"])  # fmt: skip


def _decision(row: DecisionRow, person: Callable[[str], Person]) -> DecisionView:
    same = ("at", "suggestion_id", "category", "urgency", "destination", "consent", "overrode", "lowered", "raised",
            "note", "reason")  # fmt: skip
    return DecisionView(by=person(row.by), **{name: getattr(row, name) for name in same})


def _outcome(row: OutcomeRow, person: Callable[[str], Person]) -> OutcomeView:
    same = ("at", "status", "owner", "due_at", "reason", "note")
    return OutcomeView(by=person(row.by), **{name: getattr(row, name) for name in same})


def _review(row: ReviewRow, person: Callable[[str], Person]) -> ReviewView:
    same = ("batch", "at", "queue", "verdict", "category", "urgency", "destination", "reason", "adjudicates")
    return ReviewView(
        review_id=row.id, by=person(row.by), undone=row.undone_at is not None,
        **{name: getattr(row, name) for name in same},
    )  # fmt: skip


def loop(record: CallRecord) -> tuple[Step, ...]:
    """Where the call stands between being received and being fed back."""
    row = record.row
    accepted = _last(record.outcomes, "accepted", "resolved")
    resolved = _last(record.outcomes, "resolved") if row.outcome == "resolved" else None
    started = row.outcome in ("accepted", "resolved", "reopened")
    waits_for = "fed_back" if started else "handled"
    due = {waits_for: row.due_at} if row.decided_at and row.outcome != "resolved" else {}
    steps = (
        ("received", "受理", row.started_at),
        ("assigned", "分派", row.decided_at),
        ("handled", "处置", accepted.at if accepted and started else None),
        ("fed_back", "反馈", resolved.at if resolved else None),
    )
    return tuple(
        Step(step=step, name=name, at=at, due_at=due.get(step),  # type: ignore[arg-type]
             late=at is None and (limit := due.get(step)) is not None and limit < now())
        for step, name, at in steps
    )  # fmt: skip


def _last(outcomes: Sequence[OutcomeRow], *status: str) -> OutcomeRow | None:
    return next((row for row in reversed(outcomes) if row.status in status), None)
