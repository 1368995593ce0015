"""Entries on their way into one transaction."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from serving.store import state
from serving.store.entries import AnyEntry, By, Decided, Doubted, Ended, Happened, Noted, Suggested, Undone
from serving.store.schema import (
    AuditRow,
    CallRow,
    DecisionRow,
    HolderRow,
    NumberRow,
    OutcomeRow,
    ReviewRow,
    SuggestionRow,
    TranscriptRow,
)

AGAIN = timedelta(hours=72)  # the same caller's next call within this time is a repeat


class Batch:
    """Stores entries in order; what is stored already is passed over."""

    def __init__(self, session: Session, entries: Sequence[AnyEntry]) -> None:
        self.session, self.entries = session, entries
        ids = {entry.call_id for entry in entries if not isinstance(entry, Undone | Noted)}
        self.calls = {row.id: row for row in self._some(CallRow, CallRow.id, ids, lock=True)}
        self.seen = self._seen()
        self.transcripts: dict[str, Suggested] = {}
        numbered = {entry.call_id for entry in entries if isinstance(entry, Suggested) and entry.numbers}
        self.numbers = {(row.digest, row.call_id) for row in self._some(NumberRow, NumberRow.call_id, numbered)}
        self.decided = {row.call_id: row for row in self._some(DecisionRow, DecisionRow.call_id, ids)}
        self.reviews: dict[str, list[ReviewRow]] = defaultdict(list)
        self.undone = {entry.batch for entry in entries if entry.kind == "undone"}
        judged = {entry.call_id for entry in entries if entry.kind in ("suggested", "reviewed", "doubted")}
        self._load_reviews(judged & self.calls.keys())

    def _some(self, table: type[Any], column: Any, values: set[str], lock: bool = False) -> list[Any]:
        found: list[Any] = []
        for chunk in _chunks(sorted(values)):
            query = select(table).where(column.in_(chunk)).order_by(column)
            found += self.session.scalars(query.with_for_update() if lock else query)
        return found

    def _seen(self) -> set[str]:
        found: set[str] = set()
        for kind, table in _TABLES.items():
            ids = {_row_id(entry) for entry in self.entries if entry.kind == kind}
            for chunk in _chunks(sorted(ids)):
                found.update(self.session.scalars(select(table.id).where(table.id.in_(chunk))))
        return found

    def _load_reviews(self, calls: set[str]) -> None:
        for batch in self.undone:
            calls.update(self.session.scalars(select(ReviewRow.call_id).where(ReviewRow.batch == batch)))
        missing = calls - self.calls.keys()
        self.calls.update({row.id: row for row in self._some(CallRow, CallRow.id, missing, lock=True)})
        for row in self._some(ReviewRow, ReviewRow.call_id, calls):
            self.reviews[row.call_id].append(row)
        for rows in self.reviews.values():
            rows.sort(key=lambda row: (row.at, row.id))

    def run(self) -> None:
        """Stores them in order."""
        holders: dict[str, AnyEntry] = {}
        for entry in self.entries:
            holders[entry.by.id] = entry
            if _row_id(entry) in self.seen:
                continue
            self.seen.add(_row_id(entry))
            self._one(entry)
        for chunk in _chunks(list(self.transcripts)):
            self.session.execute(delete(TranscriptRow).where(TranscriptRow.call_id.in_(chunk)))
        self.session.add_all(
            TranscriptRow(call_id=call_id, turns=[turn.model_dump() for turn in said.turns])
            for call_id, said in self.transcripts.items()
        )
        for entry in holders.values():
            self.session.merge(_holder(entry.by, entry))

    def _one(self, entry: AnyEntry) -> None:
        if isinstance(entry, Suggested):
            self._suggested(entry)
        elif isinstance(entry, Noted):
            self._note(entry, entry.action, entry.call_id, entry.detail)
        elif isinstance(entry, Undone):
            self._undo(entry)
        elif entry.call_id not in self.calls:
            raise ValueError(f"{entry.kind}: no call {entry.call_id!r}")
        elif isinstance(entry, Ended):
            state.ended(self.calls[entry.call_id])
        elif isinstance(entry, Decided):
            self._decided(entry, self.calls[entry.call_id])
        elif isinstance(entry, Happened):
            self.session.add(state.happened(self.calls[entry.call_id], entry))
        elif isinstance(entry, Doubted):
            state.doubted(self.calls[entry.call_id], entry, self.reviews[entry.call_id])
            action = "shadow_differs" if entry.source == "shadow" else "label_suspected"
            said = entry.model_dump(include={"version", "category", "urgency", "destination"}, exclude_defaults=True)
            self._note(entry, action, entry.call_id, said)
        else:
            row = state.review_row(entry)
            self.session.add(row)
            self.reviews[entry.call_id].append(row)
            state.reviewed(self.calls[entry.call_id], self.reviews[entry.call_id])

    def _suggested(self, entry: Suggested) -> None:
        row = self.calls.get(entry.call_id)
        if row is None:
            row = self.calls[entry.call_id] = state.opened(entry)
            self.session.add(row)
        elif not state.may_add(entry.by, row.operator):  # refused, but for two processes at the same moment
            self._note(entry, "suggestion_for_another's_call", entry.call_id, {})
            return
        else:
            state.suggested(row, entry)
        shown = state.suggestion_row(entry)
        self.session.add(shown)
        if row.purged_at is not None:  # what was forgotten stays so
            shown.payload = {}
            return
        state.undone(row, self.reviews[entry.call_id], entry)
        self.transcripts[entry.call_id] = entry
        for digest in entry.numbers:
            if (digest, entry.call_id) not in self.numbers:
                self.numbers.add((digest, entry.call_id))
                row.again = row.again or self._called_before(digest, row)
                self.session.add(NumberRow(digest=digest, call_id=entry.call_id))

    def _called_before(self, digest: str, row: CallRow) -> bool:
        """Whether the number was said in another call of the last `AGAIN`."""
        earlier = (
            select(NumberRow.call_id)
            .join(CallRow, CallRow.id == NumberRow.call_id)
            .where(NumberRow.digest == digest, CallRow.id != row.id, CallRow.started_at <= row.started_at,
                   CallRow.started_at > row.started_at - AGAIN)
        )  # fmt: skip
        return self.session.scalars(earlier.limit(1)).first() is not None

    def _decided(self, entry: Decided, row: CallRow) -> None:
        first = self.decided.get(entry.call_id)
        if first is not None:  # two processes confirmed two decisions at the same moment: the first holds
            self._note(entry, "second_decision", entry.call_id, entry.model_dump(mode="json"))
            return
        self.decided[entry.call_id] = state.decided(row, entry)
        self.session.add(self.decided[entry.call_id])

    def _undo(self, entry: Undone) -> None:
        for call_id, rows in self.reviews.items():
            state.undone(self.calls[call_id], rows, entry)
        self._note(entry, "reviews_undone", None, {"batch": entry.batch})

    def _note(self, entry: AnyEntry, action: str, call_id: str | None, detail: dict[str, Any]) -> None:
        self.session.add(
            AuditRow(id=entry.id, at=entry.at, by=entry.by.id, action=action, call_id=call_id, detail=detail)
        )


_TABLES: dict[str, Any] = {
    "suggested": SuggestionRow, "decided": DecisionRow, "outcome": OutcomeRow, "reviewed": ReviewRow,
    "undone": AuditRow, "doubted": AuditRow, "noted": AuditRow,
}  # fmt: skip


def _row_id(entry: AnyEntry) -> str:
    return str(entry.suggestion["suggestion_id"]) if isinstance(entry, Suggested) else entry.id


def _holder(by: By, entry: AnyEntry) -> HolderRow:
    return HolderRow(id=by.id, name=by.name, role=by.role, city=by.city, seen_at=entry.at)


def _chunks(values: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
