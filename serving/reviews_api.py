"""Reviews: the queues, a verdict on one call or on many, and taking it back."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from data.records import Identifier, Inbound, Record
from data.taxonomy import DestinationCode, Urgency
from serving.api import RecorderOf, StoreOf
from serving.auth import Reviewer
from serving.calls_api import CallId, away, found, written
from serving.decisions import CategoryCode, Level, Written, wrong
from serving.keys import Key, Role
from serving.known import known_rule
from serving.problems import Problem, documented
from serving.review_queues import CallsAhead, Queue, Wanted, ahead, counts, drifting, settings_of, waiting
from serving.store import queues
from serving.store.calls import CallRecord
from serving.store.entries import Reviewed, Undone, Verdict, new_id
from serving.store.filters import BadCursor, CallFilter, visible
from serving.store.recorder import Recorder, by
from serving.store.schema import CallRow, ReviewRow
from serving.store.store import Store, StoreAway
from serving.views import CallLine, line

router = APIRouter()
MOST_AT_ONCE = 5000


class ReviewBody(Inbound):
    """A verdict. `correct` names what was wrong; the destination follows the policy where it is absent.

    A verdict sent again with the same `id` counts once.
    """

    verdict: Verdict
    category: CategoryCode | None = None
    urgency: Level | None = None
    destination: DestinationCode | None = None
    reason: Written = ""
    queue: Queue | None = None
    id: Identifier | None = None


class OneBody(ReviewBody):
    """A verdict on one call, and the calls to answer it with: whoever gives it needs no second request.

    `suggestion_id` is the last suggestion that the reviewer saw: once the call has gone on, he is to look again.
    """

    suggestion_id: Identifier | None = None
    ahead: Wanted | None = None


class BulkBody(ReviewBody):
    """A verdict on every call of a queue, or of a filter. `expected` is how many the reviewer saw."""

    filter: CallFilter = CallFilter()
    expected: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]


class ReviewDone(Record):
    """A verdict that is written down; `batch` takes it back."""

    call_id: str
    review_id: str
    batch: str
    category: str | None
    urgency: str | None
    destination: str | None
    adjudicates: bool
    ahead: CallsAhead | None


class BatchDone(Record):
    """Verdicts that are written down, or taken back."""

    batch: str
    calls: int


class QueuePage(Record):
    """The first calls of a queue; `next` is the cursor of those behind."""

    queue: Queue
    reviewers: int
    calls: tuple[CallLine, ...]
    next: str | None


class QueueCounts(Record):
    """How many calls wait for this reviewer in each queue, and the categories that drift."""

    counts: dict[str, int]
    drifting: tuple[str, ...]
    reviewers: int
    audit_rate: float


@router.get("/v1/review-queues", responses=documented(401, 403, 503))
def queue_counts(request: Request, recorder: RecorderOf, store: StoreOf, key: Reviewer) -> QueueCounts:
    """How many calls wait in each queue."""
    settings = settings_of(request)
    recorder.settled()
    try:
        drift = drifting(store, key)
        number = counts(store, key, settings.audit_rate)
    except StoreAway as error:
        raise away() from error
    return QueueCounts(counts=number, drifting=drift, reviewers=settings.reviewers, audit_rate=settings.audit_rate)


@router.get("/v1/reviews", responses=documented(401, 403, 422, 503))
def reviews(
    request: Request,
    recorder: RecorderOf,
    store: StoreOf,
    key: Reviewer,
    queue: Queue,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> QueuePage:
    """The calls that wait in a queue, most worth looking at first."""
    settings = settings_of(request)
    recorder.settled()
    try:
        conditions = waiting(queue, store, key, settings.audit_rate)
        with store.reading() as session:
            rows = queues.page(session, queue, conditions, cursor, limit + 1)
    except BadCursor as error:
        raise wrong("cursor", str(error)) from error
    except StoreAway as error:
        raise away() from error
    return QueuePage(
        queue=queue,
        reviewers=settings.reviewers,
        calls=tuple(map(line, rows[:limit])),
        next=queues.cursor_of(queue, rows[limit - 1]) if len(rows) > limit else None,
    )


@router.post("/v1/reviews/{call_id}", responses=documented(400, 401, 403, 404, 409, 413, 422, 503))
def review(
    call_id: CallId, body: OneBody, request: Request, recorder: RecorderOf, store: StoreOf, key: Reviewer
) -> ReviewDone:
    """A verdict on one call. It stands when this answers; the queues follow within moments."""
    record = found(recorder, call_id, key)
    if body.suggestion_id:
        _as_seen(record, body.suggestion_id)
    others = {row.by for row in record.reviews if row.undone_at is None and not row.adjudicates}
    wanted = settings_of(request).reviewers
    adjudicates = record.row.review == "adjudicate" and key.id not in others
    review_id = _own_id(key, call_id, body.id)
    entry = Reviewed(
        by=by(key), id=review_id, batch=review_id, wanted=wanted, adjudicates=adjudicates, **_meant(record.row, body)
    )
    labels = (entry.verdict, entry.category, entry.urgency, entry.destination)
    for row in record.reviews:
        if row.id == review_id and (row.verdict, row.category, row.urgency, row.destination) != labels:
            raise Problem(409, f"the id {body.id!r} stands for another verdict on this call")
    written(recorder, entry)
    return ReviewDone(
        review_id=entry.id,
        ahead=_ahead(body, request, recorder, store, key),
        **entry.model_dump(include={"call_id", "batch", "category", "urgency", "destination", "adjudicates"}),
    )


def _ahead(body: OneBody, request: Request, recorder: Recorder, store: Store, key: Key) -> CallsAhead | None:
    """The calls asked for; none while the database is away, for the verdict stands all the same."""
    try:
        return ahead(body.ahead, settings_of(request), recorder, store, key) if body.ahead else None
    except StoreAway:
        return None


def _as_seen(record: CallRecord, suggestion_id: str) -> None:
    """Returns if nothing has been suggested for the call since.

    Raises:
        Problem: 409 something has; 422 it is no suggestion of this call.
    """
    if record.suggestion(suggestion_id) is None:
        raise wrong("suggestion_id", "is no suggestion of this call")
    if record.suggestions[-1].id != suggestion_id:
        raise Problem(409, "more has been said since you looked at the call: look again")


def _own_id(key: Key, call_id: str, asked: str | None) -> str:
    """An id that the same reviewer's same request always gets, and nobody else's."""
    return hashlib.sha256(f"{key.id} {call_id} {asked}".encode()).hexdigest()[:32] if asked else new_id()


def _meant(row: CallRow, body: ReviewBody) -> dict[str, Any]:
    """The entry's fields: the labels that a verdict on this call means."""
    common = {"call_id": row.id, "verdict": body.verdict, "queue": body.queue or "", "reason": body.reason}
    given = (body.category, body.urgency, body.destination)
    if body.verdict != "correct" and any(given):
        raise wrong("verdict", "labels come with the verdict correct")
    if body.verdict == "unusable":
        return common
    now = (
        row.decided_category or row.category,
        row.decided_urgency or row.urgency,
        row.decided_destination or row.destination,
    )
    category = body.category or now[0]
    urgency = (body.urgency or Urgency(now[1])).value
    destination = body.destination or now[2]
    if body.destination is None and (category, urgency) != now[:2] and (rule := known_rule(row.city, category)):
        destination = rule.destination(Urgency(urgency))
    if body.verdict == "correct" and not any(given):
        raise wrong("verdict", "correct names at least one of category, urgency and destination")
    return common | {"category": category, "urgency": urgency, "destination": destination}


@router.post("/v1/review-batches", responses=documented(400, 401, 403, 409, 413, 422, 503))
def review_many(body: BulkBody, request: Request, recorder: RecorderOf, store: StoreOf, key: Reviewer) -> BatchDone:
    """One verdict on every call of a queue or filter, up to 5000; `DELETE /v1/review-batches/{batch}` takes it back."""
    settings = settings_of(request)
    recorder.settled()
    conditions = [*body.filter.conditions(), *visible(key)]
    try:
        if body.queue:
            conditions += waiting(body.queue, store, key, settings.audit_rate)
        with store.reading() as session:
            rows = list(session.scalars(select(CallRow).where(*conditions).limit(MOST_AT_ONCE + 1)))
            adjudicated = _for_him_to_adjudicate(session, rows, key)
    except StoreAway as error:
        raise away() from error
    if len(rows) != body.expected:
        many = len(rows) if len(rows) <= MOST_AT_ONCE else f"more than {MOST_AT_ONCE}"
        raise Problem(409, f"{many} calls meet the filter now, {body.expected} were expected")
    batch = new_id()
    entries = [
        Reviewed(
            by=by(key), batch=batch, wanted=settings.reviewers, adjudicates=row.id in adjudicated, **_meant(row, body)
        )
        for row in rows
    ]
    written(recorder, *entries)
    return BatchDone(batch=batch, calls=len(entries))


def _for_him_to_adjudicate(session: Session, rows: Sequence[CallRow], key: Key) -> set[str]:
    """The calls on which others disagree, and on which he has given no verdict himself."""
    disputed = {row.id for row in rows if row.review == "adjudicate"}
    if not disputed:
        return disputed
    judged = select(ReviewRow.call_id).where(
        ReviewRow.call_id.in_(disputed), ReviewRow.by == key.id, ReviewRow.undone_at.is_(None)
    )
    return disputed - set(session.scalars(judged))


@router.delete("/v1/review-batches/{batch}", responses=documented(401, 403, 404, 422, 503))
def undo(batch: CallId, recorder: RecorderOf, store: StoreOf, key: Reviewer) -> BatchDone:
    """Takes back one's own verdict or verdicts; the history keeps them. Once more changes nothing."""
    recorder.settled()
    try:
        with store.reading() as session:
            query = select(ReviewRow.by, func.count()).where(ReviewRow.batch == batch).group_by(ReviewRow.by)
            rows = list(session.execute(query))
    except StoreAway as error:
        raise away() from error
    if not rows:
        raise Problem(404, f"no reviews {batch!r}")
    if key.role is not Role.ADMIN and {row[0] for row in rows} != {key.id}:
        raise Problem(403, "another reviewer's verdicts")
    written(recorder, Undone(by=by(key), batch=batch))
    return BatchDone(batch=batch, calls=sum(row[1] for row in rows))
