"""A call with everything that happened to it, from the database or from memory."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.store import state
from serving.store.entries import AnyEntry, Decided, Doubted, Ended, Happened, Reviewed, Suggested, Undone
from serving.store.schema import (
    CallRow,
    DecisionRow,
    HolderRow,
    OutcomeRow,
    ReviewRow,
    SuggestionRow,
    TranscriptRow,
    Turns,
)

REMEMBERED = 2000


@dataclass
class CallRecord:
    """A call: its state, what was said (None when purged), and what happened, oldest first."""

    row: CallRow
    turns: Turns | None = None
    suggestions: list[SuggestionRow] = field(default_factory=list)
    decision: DecisionRow | None = None
    outcomes: list[OutcomeRow] = field(default_factory=list)
    reviews: list[ReviewRow] = field(default_factory=list)

    def suggestion(self, suggestion_id: str) -> SuggestionRow | None:
        """The suggestion of that id, if it was made for this call."""
        return next((row for row in self.suggestions if row.id == suggestion_id), None)


def load(session: Session, call_id: str) -> CallRecord | None:
    """The stored call."""
    row = session.get(CallRow, call_id)
    if row is None:
        return None

    def rows(table: type[Any], order: Any) -> list[Any]:
        return list(session.scalars(select(table).where(table.call_id == call_id).order_by(order, table.id)))

    transcript = session.get(TranscriptRow, call_id)
    decisions = rows(DecisionRow, DecisionRow.at)
    return CallRecord(
        row,
        transcript.turns if transcript else None,
        rows(SuggestionRow, SuggestionRow.at),
        decisions[0] if decisions else None,
        rows(OutcomeRow, OutcomeRow.at),
        rows(ReviewRow, ReviewRow.at),
    )


def names(session: Session, key_ids: Sequence[str]) -> dict[str, str]:
    """Names of the holders of keys."""
    query = select(HolderRow.id, HolderRow.name).where(HolderRow.id.in_(sorted(set(key_ids))))
    return {row.id: row.name for row in session.execute(query)}


class Recent:
    """The calls of this process that were touched last, as they are once the spool has drained.

    With the database away, decisions are checked against these. Not safe for threads by itself.
    """

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._calls: OrderedDict[str, CallRecord] = OrderedDict()

    def get(self, call_id: str) -> CallRecord | None:
        """The call as it stands now, if it is remembered."""
        found = self._calls.get(call_id)
        if found is None:
            return None
        return replace(
            found,
            suggestions=list(found.suggestions),
            outcomes=list(found.outcomes),
            reviews=list(found.reviews),
        )

    def remember(self, entry: AnyEntry) -> None:
        """Moves a call on. Only calls whose beginning was seen here are known whole, so only they are kept."""
        if isinstance(entry, Suggested):
            self._suggested(entry)
        elif isinstance(entry, Ended | Decided | Happened | Reviewed | Doubted):
            self._moved(entry)
        elif isinstance(entry, Undone):
            self._undone(entry)

    def _suggested(self, entry: Suggested) -> None:
        record = self._calls.get(entry.call_id)
        if record is None:
            record = self._calls[entry.call_id] = CallRecord(state.opened(entry))
        elif not state.may_add(entry.by, record.row.operator):
            return
        else:
            state.suggested(record.row, entry)
            state.undone(record.row, record.reviews, entry)
            if record.suggestions:
                last = record.suggestions[-1]
                last.payload = _brief(last.payload)
        if record.suggestion(entry.suggestion["suggestion_id"]) is None:
            record.suggestions.append(state.suggestion_row(entry))
        record.turns = [turn.model_dump() for turn in entry.turns]
        self._calls.move_to_end(entry.call_id)
        while len(self._calls) > self._size:
            self._calls.popitem(last=False)

    def _moved(self, entry: Ended | Decided | Happened | Reviewed | Doubted) -> None:
        record = self._calls.get(entry.call_id)
        if record is None:
            return
        if isinstance(entry, Ended):
            state.ended(record.row)
        elif isinstance(entry, Decided):
            record.decision = record.decision or state.decided(record.row, entry)
        elif isinstance(entry, Happened):
            record.outcomes.append(state.happened(record.row, entry))
        elif isinstance(entry, Doubted):
            state.doubted(record.row, entry, record.reviews)
        else:
            record.reviews.append(state.review_row(entry))
            state.reviewed(record.row, record.reviews)

    def _undone(self, entry: Undone) -> None:
        for record in self._calls.values():
            state.undone(record.row, record.reviews, entry)


def _brief(payload: dict[str, Any]) -> dict[str, Any]:
    """What later decisions are compared with; a long live call has many suggestions."""
    return {name: payload[name] for name in ("suggestion_id", "police", "urgency", "consent", "red_flags")} | {
        "category": {"code": payload["category"]["code"], "name": payload["category"]["name"]},
        "destination": {"code": payload["destination"]["code"], "name": payload["destination"]["name"]},
    }
