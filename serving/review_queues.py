"""Calls that wait for a reviewer, whole and ahead of time, so that the next one is there when a verdict is given."""

import time
from typing import Annotated, Any, Literal
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy import func, select

from data.records import Record
from serving.api import RecorderOf, StoreOf
from serving.auth import Reviewer
from serving.calls_api import CallId, away, found, shown
from serving.decisions import wrong
from serving.keys import Key
from serving.problems import documented
from serving.settings import Settings
from serving.store import queues
from serving.store.calls import CallRecord, load
from serving.store.filters import BadCursor, CallFilter, Condition, visible
from serving.store.recorder import Recorder
from serving.store.schema import CallRow
from serving.store.store import Store, StoreAway
from serving.views import CallView, doubts

router = APIRouter()
DRIFT_SECONDS = 60  # a drift that a minute ago was none can wait
MOST_AHEAD = 20
Queue = Literal[
    "danger_under_called", "overridden", "returned", "confident_contradicted", "least_confident", "shadow",
    "suspected_label", "random_audit", "drift", "adjudication",
]  # fmt: skip


class Wanted(CallFilter):
    """Which calls a reviewer goes through: those of a queue that meet the filter, from behind `cursor`."""

    queue: Queue
    cursor: Annotated[str, Field(max_length=300)] | None = None
    limit: int = Field(default=6, ge=1, le=MOST_AHEAD, strict=False)


class CallsAhead(Record):
    """Calls that wait, whole; `next` is the cursor of those behind. `total` counts all of them, on the first page."""

    calls: tuple[CallView, ...]
    next: str | None
    total: int | None


def settings_of(request: Request) -> Settings:
    """The application's settings."""
    chosen: Settings = request.app.state.settings
    return chosen


_drift: WeakKeyDictionary[Store, dict[str | None, tuple[float, tuple[str, ...]]]] = WeakKeyDictionary()


def drifting(store: Store, key: Key) -> tuple[str, ...]:
    """The drifting categories, looked up once a minute for each city."""
    looked_up = _drift.setdefault(store, {})
    at, known = looked_up.get(key.city, (-DRIFT_SECONDS, ()))
    if time.monotonic() - at > DRIFT_SECONDS:
        with store.reading() as session:
            known = queues.drifting(session, visible(key))
        looked_up[key.city] = time.monotonic(), known
    return known


def waiting(queue: Queue, store: Store, key: Key, audit_rate: float) -> list[Condition]:
    """The calls of a queue that wait for the holder of `key`."""
    drift = drifting(store, key) if queue == "drift" else ()
    return [*queues.waiting(queue, key.id, audit_rate, drift), *visible(key)]


def ahead(wanted: Wanted, settings: Settings, recorder: Recorder, store: Store, key: Key) -> CallsAhead:
    """The wanted calls. Each counts as read.

    Raises:
        Problem: 422 for a cursor of another queue.
        StoreAway: the database does not answer.
    """
    conditions = [*wanted.conditions(), *waiting(wanted.queue, store, key, settings.audit_rate)]
    try:
        with store.reading() as session:
            rows = queues.page(session, wanted.queue, conditions, wanted.cursor, wanted.limit + 1)
            count = select(func.count()).select_from(CallRow).where(*conditions)
            total = None if wanted.cursor else session.scalar(count)
            records = [record for row in rows[: wanted.limit] if (record := load(session, row.id))]
    except BadCursor as error:
        raise wrong("cursor", str(error)) from error
    more = len(rows) > wanted.limit
    return CallsAhead(
        calls=tuple(_seen(record, recorder, store, key) for record in records),
        next=queues.cursor_of(wanted.queue, rows[wanted.limit - 1]) if more else None,
        total=total,
    )


def _seen(record: CallRecord, recorder: Recorder, store: Store, key: Key) -> CallView:
    """The view of a call that is read by the holder of `key`, with what is no person's opinion."""
    recorder.read(record.row.id, key)
    return shown(recorder, store, record, key).model_copy(update=doubts(record.row))


@router.get("/v1/review-calls", responses=documented(401, 403, 422, 503))
def review_calls(
    wanted: Annotated[Wanted, Query()], request: Request, recorder: RecorderOf, store: StoreOf, key: Reviewer
) -> CallsAhead:
    """The calls that wait in a queue, whole, most worth looking at first."""
    recorder.settled()
    try:
        return ahead(wanted, settings_of(request), recorder, store, key)
    except StoreAway as error:
        raise away() from error


@router.get("/v1/review-calls/{call_id}", responses=documented(401, 403, 404, 422, 503))
def review_call(call_id: CallId, recorder: RecorderOf, store: StoreOf, key: Reviewer) -> CallView:
    """One call as a reviewer may see it before his verdict."""
    return _seen(found(recorder, call_id, key), recorder, store, key)


def counts(store: Store, key: Key, audit_rate: float) -> dict[str, int]:
    """How many calls wait in each queue.

    Raises:
        StoreAway: the database does not answer.
    """
    conditions: dict[Any, list[Condition]] = {
        queue: waiting(queue, store, key, audit_rate)  # type: ignore[arg-type]
        for queue in queues.QUEUES
    }
    with store.reading() as session:
        return queues.counts(session, conditions)
