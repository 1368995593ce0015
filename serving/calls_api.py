"""Calls after the suggestion: the operator's decision, the unit's outcome, and what became of a call."""

import threading
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import select

from data.records import Record
from serving.api import RecorderOf, StoreOf
from serving.auth import Operator, OperatorOrReviewer
from serving.decisions import DecisionBody, OutcomeBody, decide, report, wrong
from serving.keys import Key, Role
from serving.problems import Problem, documented
from serving.store.calls import CallRecord, names
from serving.store.entries import AnyEntry, Noted
from serving.store.filters import BadCursor, CallFilter, after, cursor_of, may_see, visible
from serving.store.recorder import Recorder, by
from serving.store.schema import CallRow
from serving.store.store import Store, StoreAway
from serving.views import CallLine, CallView, line, people, view

router = APIRouter()
CallId = Annotated[str, Path(pattern=r"^[\w.:-]{1,64}$")]
_locks = tuple(threading.Lock() for _ in range(64))  # one decision at a time for a call, many calls at once


class ListQuery(CallFilter):
    """A filter and where the page begins."""

    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: int = Field(default=50, ge=1, le=500, strict=False)


class Calls(Record):
    """A page of calls, newest first; `next` is the cursor of the page behind, None on the last."""

    calls: tuple[CallLine, ...]
    next: str | None


def found(recorder: Recorder, call_id: str, key: Key) -> CallRecord:
    """The call, if the key may see it.

    Raises:
        Problem: 404 there is none, 403 it is not his, 503 the database is away and the call is not remembered.
    """
    try:
        record = recorder.call(call_id)
    except StoreAway as error:
        raise away() from error
    if record is None:
        raise Problem(404, f"no call {call_id!r}")
    if not may_see(key, record.row):
        raise Problem(403, "another operator's or another city's call")
    return record


def away() -> Problem:
    """The problem of a database that is away."""
    return Problem(503, "the database does not answer", retry_after=2)


def written(recorder: Recorder, *entries: AnyEntry) -> None:
    """Writes entries durably.

    Raises:
        Problem: 503 they could not be written; nothing is confirmed.
    """
    try:
        recorder.write(entries)
    except OSError as error:
        raise Problem(503, "nothing can be written down; decide by hand and note it") from error


def shown(recorder: Recorder, store: Store, record: CallRecord, key: Key) -> CallView:
    """The view of a call for the holder of `key`, with the names of people where the database knows them."""
    record = unjudged(record, key)
    behind = bool(recorder.missing())
    known: dict[str, str] = {}
    if not behind:
        try:
            with store.reading() as session:
                known = names(session, people(record))
        except StoreAway:
            behind = True
    return view(record, known, behind)


def unjudged(record: CallRecord, key: Key) -> CallRecord:
    """The call as a reviewer sees it while it is to be judged: agreement that was copied from another is none."""
    if key.role is Role.OPERATOR or record.row.review not in ("open", "second"):
        return record
    return replace(record, reviews=[review for review in record.reviews if review.by == key.id])


@router.post("/v1/calls/{call_id}/decision", responses=documented(400, 401, 403, 404, 409, 413, 422, 503))
def decision(call_id: CallId, body: DecisionBody, recorder: RecorderOf, store: StoreOf, key: Operator) -> CallView:
    """The operator's decision. The same once more is answered alike; another one is refused."""
    with _locks[hash(call_id) % len(_locks)]:
        record = found(recorder, call_id, key)
        entry = decide(record, body, by(key))
        if entry:
            noted = [Noted(by=by(key), action="consent_refused", call_id=call_id)] * (body.consent == "refused")
            written(recorder, entry, *noted)
    return shown(recorder, store, found(recorder, call_id, key), key)


@router.post("/v1/calls/{call_id}/outcome", responses=documented(400, 401, 403, 404, 409, 413, 422, 503))
def outcome(
    call_id: CallId, body: OutcomeBody, recorder: RecorderOf, store: StoreOf, key: OperatorOrReviewer
) -> CallView:
    """What the receiving unit did: accepted, returned (退单), resolved, reopened – in an order that makes sense."""
    with _locks[hash(call_id) % len(_locks)]:
        record = found(recorder, call_id, key)
        if entry := report(record, body, by(key)):
            written(recorder, entry)
    return shown(recorder, store, found(recorder, call_id, key), key)


@router.get("/v1/calls/{call_id}", responses=documented(401, 403, 404, 422, 503))
def call(call_id: CallId, recorder: RecorderOf, store: StoreOf, key: OperatorOrReviewer) -> CallView:
    """Everything of a call, and where it stands in the loop 受理→分派→处置→反馈. Who reads it stands in the audit."""
    record = found(recorder, call_id, key)
    recorder.read(call_id, key)
    return shown(recorder, store, record, key)


@router.get("/v1/calls", responses=documented(401, 403, 422, 503))
def calls(query: Annotated[ListQuery, Query()], recorder: RecorderOf, store: StoreOf, key: OperatorOrReviewer) -> Calls:
    """Calls, newest first, filtered; an operator's own, a reviewer's city's."""
    recorder.settled()
    try:
        chosen = select(CallRow).where(*query.conditions(), *visible(key)).limit(query.limit + 1)
        with store.reading() as session:
            rows: list[Any] = list(session.scalars(after(chosen, query.cursor)))
    except BadCursor as error:
        raise wrong("cursor", str(error)) from error
    except StoreAway as error:
        raise away() from error
    page = rows[: query.limit]
    return Calls(calls=tuple(map(line, page)), next=cursor_of(page[-1]) if len(rows) > len(page) else None)
