"""Reviewed calls as training material: items of the corpus, and where each came from."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.corpus import Item
from data.records import Record, Turn
from data.taxonomy import Urgency
from serving.store.filters import Condition
from serving.store.schema import CallRow, NumberRow, ReviewRow, TranscriptRow, Turns

AT_ONCE = 500
NOTE_LENGTH = 40  # a single block up to this long is a call-taker's note, a longer one is recognised speech
PART = "review"


class Provenance(Record):
    """Where a label came from: the call, its reviewers (ids of keys), and what was suggested by which model."""

    id: str
    call_id: str
    city: str
    channel: str
    day: date
    reviewed_at: datetime
    reviewers: tuple[str, ...]
    verdicts: tuple[str, ...]
    suggested_category: str
    suggested_urgency: str
    decided_category: str | None
    decided_urgency: str | None
    destination: str | None
    model_version: str
    policy_version: str


class Groups:
    """Calls that belong together: the same number was said, or the same words. One side of a split gets them all."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def of(self, call_id: str, marks: list[str]) -> str:
        """The group of a call with these marks, joined with every earlier call that shares one."""
        roots = sorted({self._root(self._first[mark]) for mark in marks if mark in self._first} | {call_id})
        for root in roots[1:]:
            self._first[root] = roots[0]
        self._first.setdefault(roots[0], roots[0])
        self._first.update(dict.fromkeys(marks, roots[0]))
        return roots[0]

    def _root(self, name: str) -> str:
        while (parent := self._first.get(name, name)) != name:
            name = parent
        return name

    def final(self, group: str) -> str:
        """The group after all calls were seen."""
        return self._root(group)


def reviewed(session: Session, scope: list[Condition], since: date | None = None) -> Iterator[tuple[Item, Provenance]]:
    """Every reviewed, usable call whose words are still there, in the order of its id."""
    query = (
        select(CallRow.id)
        .where(CallRow.review == "done", CallRow.usable, CallRow.reviewed_category.is_not(None), *scope)
        .order_by(CallRow.id)
    )
    if since:
        query = query.where(CallRow.day >= since)
    ids = list(session.scalars(query))
    groups = _grouped(session, ids)
    for start in range(0, len(ids), AT_ONCE):
        yield from _items(session, ids[start : start + AT_ONCE], groups)


def _grouped(session: Session, ids: list[str]) -> dict[str, str]:
    groups = Groups()
    first: dict[str, str] = {}
    for start in range(0, len(ids), AT_ONCE):
        chunk = ids[start : start + AT_ONCE]
        marks: dict[str, list[str]] = {call_id: [] for call_id in chunk}
        for row in session.scalars(select(NumberRow).where(NumberRow.call_id.in_(chunk))):
            marks[row.call_id].append(f"number {row.digest}")
        for said in session.scalars(select(TranscriptRow).where(TranscriptRow.call_id.in_(chunk))):
            marks[said.call_id].append("words " + "".join(turn["text"] for turn in said.turns))
        first |= {call_id: groups.of(f"call {call_id}", found) for call_id, found in marks.items()}
    return {call_id: groups.final(group).removeprefix("call ") for call_id, group in first.items()}


def _items(session: Session, ids: list[str], groups: dict[str, str]) -> Iterator[tuple[Item, Provenance]]:
    said = {
        row.call_id: row.turns for row in session.scalars(select(TranscriptRow).where(TranscriptRow.call_id.in_(ids)))
    }
    verdicts: dict[str, list[ReviewRow]] = {}
    reviews = select(ReviewRow).where(ReviewRow.call_id.in_(ids), ReviewRow.undone_at.is_(None)).order_by(ReviewRow.at)
    for review in session.scalars(reviews):
        verdicts.setdefault(review.call_id, []).append(review)
    for row in session.scalars(select(CallRow).where(CallRow.id.in_(ids)).order_by(CallRow.id)):
        if row.id in said and row.id in verdicts:
            yield _item(row, said[row.id], groups[row.id]), _provenance(row, verdicts[row.id])


def call_of(item_id: str) -> str | None:
    """The call that an exported item was; None for an item that was none."""
    part, _, call_id = item_id.partition("-")
    return call_id if part == PART and call_id else None


def _item(row: CallRow, turns: Turns, group: str) -> Item:
    return Item(
        id=f"{PART}-{row.id}",
        group=f"{PART}-{group}",
        turns=tuple(Turn(**turn) for turn in turns),
        category=row.reviewed_category or row.final_category,
        urgency=Urgency(row.reviewed_urgency or row.final_urgency),
        style=_style(turns),
    )


def _style(turns: Turns) -> Literal["dialogue", "note", "speech"]:
    if len(turns) > 1:
        return "dialogue"
    return "note" if len(turns[0]["text"]) <= NOTE_LENGTH else "speech"


def _provenance(row: CallRow, reviews: list[ReviewRow]) -> Provenance:
    return Provenance(
        id=f"{PART}-{row.id}", call_id=row.id, city=row.city, channel=row.channel, day=row.day,
        reviewed_at=reviews[-1].at, reviewers=tuple(review.by for review in reviews),
        verdicts=tuple(review.verdict for review in reviews), suggested_category=row.category,
        suggested_urgency=row.urgency, decided_category=row.decided_category, decided_urgency=row.decided_urgency,
        destination=row.reviewed_destination, model_version=row.model_version, policy_version=row.policy_version,
    )  # fmt: skip
