"""The review queues: which calls wait for a reviewer, most worth looking at first."""

import base64
import json
import math
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, text
from sqlalchemy.orm import Session

from serving.store.entries import now
from serving.store.filters import BadCursor, Condition
from serving.store.schema import LOCAL, QUEUE_ORDER, CallRow, ReviewRow

QUEUES = tuple(QUEUE_ORDER)
RECENT_DAYS, BEFORE_DAYS = 7, 28
DRIFT_SCORE, FEWEST = 4.0, 20  # standard errors that a share must have risen, over at least so many recent calls
ORDERS: dict[str, tuple[Any, bool]] = {  # column, and whether it falls
    "least_confident": (CallRow.probability, False),
    "random_audit": (CallRow.lottery, False),
}
NEWEST: tuple[Any, bool] = (CallRow.started_at, True)


def waiting(queue: str, reviewer: str, audit_rate: float, drifting: Sequence[str]) -> list[Condition]:
    """The calls of a queue that wait for this reviewer: none that he has had his say on, and none that goes on."""
    mine = exists().where(ReviewRow.call_id == CallRow.id, ReviewRow.by == reviewer, ReviewRow.undone_at.is_(None))
    over = or_(CallRow.held_until.is_(None), CallRow.held_until < now())
    found: list[Any] = [text(QUEUE_ORDER[queue][0]), or_(CallRow.review == "open", ~mine), over]
    if queue == "random_audit":
        found.append(CallRow.lottery < audit_rate)
    if queue == "drift":
        found += [CallRow.category.in_(drifting), CallRow.day > today() - timedelta(RECENT_DAYS)]
    return found


def today() -> date:
    """The local day."""
    return now().astimezone(LOCAL).date()


def counts(session: Session, per_queue: dict[str, list[Condition]]) -> dict[str, int]:
    """How many calls wait in each queue."""
    return {
        queue: session.scalar(select(func.count()).select_from(CallRow).where(*conditions)) or 0
        for queue, conditions in per_queue.items()
    }


def page(
    session: Session, queue: str, conditions: Sequence[Condition], cursor: str | None, limit: int
) -> list[CallRow]:
    """The first calls of a queue behind `cursor`.

    Raises:
        BadCursor: it is none of this queue.
    """
    column, falls = ORDERS.get(queue, NEWEST)
    order = (column.desc(), CallRow.id.desc()) if falls else (column.asc(), CallRow.id.asc())
    first = select(CallRow.id).where(*conditions).order_by(*order).limit(limit)  # what the queue's index holds
    if cursor:
        value, call_id = _position(cursor, column is CallRow.started_at)
        beyond = (column < value, CallRow.id < call_id) if falls else (column > value, CallRow.id > call_id)
        first = first.where(or_(beyond[0], and_(column == value, beyond[1])))
    return list(session.scalars(select(CallRow).where(CallRow.id.in_(first)).order_by(*order)))


def cursor_of(queue: str, row: CallRow) -> str:
    """Where the page behind `row` begins."""
    column, _ = ORDERS.get(queue, NEWEST)
    value = getattr(row, column.key)
    plain = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([plain, row.id]).encode()).decode()


def _position(cursor: str, is_time: bool) -> tuple[Any, str]:
    try:
        value, call_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if not isinstance(call_id, str) or not call_id.isprintable():
            raise ValueError("no id")
        if not is_time:
            return float(value), call_id
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("no zone")
        return at, call_id
    except (ValueError, TypeError) as error:
        raise BadCursor("is no cursor of this queue") from error


def drifting(session: Session, scope: Sequence[Condition]) -> tuple[str, ...]:
    """Categories suggested much more often in the last week than in the four weeks before (a two-proportion test)."""
    end = today()
    since = end - timedelta(RECENT_DAYS)
    recent = _by_category(session, scope, since, end)
    before = _by_category(session, scope, since - timedelta(BEFORE_DAYS), since)
    many, earlier = sum(recent.values()), sum(before.values())
    if not many or not earlier:
        return ()
    found = {}
    for category, number in recent.items():
        pooled = (number + before[category]) / (many + earlier)
        error = math.sqrt(pooled * (1 - pooled) * (1 / many + 1 / earlier))
        risen = number / many - before[category] / earlier
        if number >= FEWEST and error > 0 and risen / error >= DRIFT_SCORE:
            found[category] = risen / error
    return tuple(sorted(found, key=found.__getitem__, reverse=True))


def _by_category(session: Session, scope: Sequence[Condition], after: date, until: date) -> Counter[str]:
    query = select(CallRow.category, func.count()).where(CallRow.day > after, CallRow.day <= until, *scope)
    return Counter({row[0]: row[1] for row in session.execute(query.group_by(CallRow.category))})


class Agreement:
    """How far two independent reviewers of the same calls agree, label by label."""

    def __init__(self, session: Session, scope: Sequence[Condition]) -> None:
        query = (
            select(ReviewRow)
            .join(CallRow, CallRow.id == ReviewRow.call_id)
            .where(ReviewRow.wanted == 2, ~ReviewRow.adjudicates, ReviewRow.undone_at.is_(None), *scope)
            .order_by(ReviewRow.call_id, ReviewRow.at)
        )
        said: dict[str, dict[str, ReviewRow]] = {}
        for row in session.scalars(query):
            said.setdefault(row.call_id, {})[row.by] = row
        self.pairs = [tuple(by.values())[:2] for by in said.values() if len(by) >= 2]

    def of(self, label: str) -> tuple[float | None, float | None]:
        """Share of equal labels, and Cohen's κ: what is left of it beyond chance. None without pairs, or without
        variety for κ."""
        pairs = [(getattr(one, label) or "unusable", getattr(two, label) or "unusable") for one, two in self.pairs]
        if not pairs:
            return None, None
        equal = sum(one == two for one, two in pairs) / len(pairs)
        first, second = Counter(one for one, _ in pairs), Counter(two for _, two in pairs)
        chance = sum(first[name] * second[name] for name in first) / len(pairs) ** 2
        return equal, (equal - chance) / (1 - chance) if chance < 1 else None
