"""Which calls: the filters that lists, queues, figures and exports share, and whose calls a key may see."""

import base64
import binascii
import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from sqlalchemy import ColumnElement, Select, and_, not_, or_

from data.records import Identifier, Inbound
from data.taxonomy import PoliceLabel, Urgency, known_destination
from serving.keys import Key, Role
from serving.known import known_category
from serving.store.entries import now
from serving.store.schema import CallRow

Condition = ColumnElement[bool]
Loose = Field(default=None, strict=False)
Category = Annotated[str, AfterValidator(known_category)]
Destination = Annotated[str, AfterValidator(known_destination)]
ID = re.compile(r"[\w.:-]{1,64}")
Code = Annotated[str, Field(pattern=r"^[^\x00-\x1f]{1,64}$")]
EQUAL = {
    "city": CallRow.city, "channel": CallRow.channel, "district": CallRow.district, "town": CallRow.town,
    "operator": CallRow.operator, "police": CallRow.final_police, "category": CallRow.final_category,
    "urgency": CallRow.final_urgency, "destination": CallRow.final_destination, "outcome": CallRow.outcome,
    "review": CallRow.review, "consent": CallRow.consent, "confident": CallRow.confident, "overrode": CallRow.overrode,
    "returned": CallRow.returned, "again": CallRow.again, "hour": CallRow.hour,
    "suggested_category": CallRow.category, "suggested_urgency": CallRow.urgency,
    "suggested_destination": CallRow.destination, "reviewed_category": CallRow.reviewed_category,
    "reviewed_urgency": CallRow.reviewed_urgency, "reviewed_destination": CallRow.reviewed_destination,
}  # fmt: skip


class CallFilter(Inbound):
    """Calls that meet all of these. Days are local, `to` is included; codes are the best known ones (review before
    decision before suggestion) unless they say otherwise."""

    since: date | None = Loose
    to: date | None = Loose
    city: Code | None = None
    channel: Literal["110", "12345"] | None = None
    district: Code | None = None
    town: Code | None = None
    operator: Code | None = None
    police: PoliceLabel | None = Loose
    category: Category | None = None
    urgency: Urgency | None = Loose
    destination: Destination | None = None
    suggested_category: Category | None = None
    suggested_urgency: Urgency | None = Loose
    suggested_destination: Destination | None = None
    reviewed_category: Category | None = None
    reviewed_urgency: Urgency | None = Loose
    reviewed_destination: Destination | None = None
    outcome: Literal["none", "accepted", "returned", "resolved", "reopened"] | None = None
    review: Literal["open", "second", "adjudicate", "done"] | None = None
    consent: Literal["given", "refused", "not_asked"] | None = None
    decided: bool | None = Loose
    confident: bool | None = Loose
    overrode: bool | None = Loose
    returned: bool | None = Loose
    again: bool | None = Loose
    hour: int | None = Field(default=None, strict=False, ge=0, le=23)
    overdue: bool | None = Loose
    call_id: Identifier | None = None

    def conditions(self) -> list[Condition]:
        """The filter in SQL."""
        given: dict[str, Any] = self.model_dump(exclude_none=True)
        found: list[Condition] = [EQUAL[name] == _plain(value) for name, value in given.items() if name in EQUAL]
        if self.since:
            found.append(CallRow.day >= self.since)
        if self.to:
            found.append(CallRow.day <= self.to)
        if self.decided is not None:
            found.append(CallRow.decided_at.is_not(None) if self.decided else CallRow.decided_at.is_(None))
        if self.overdue is not None:
            late = and_(CallRow.due_at.is_not(None), CallRow.due_at < now())
            found.append(late if self.overdue else not_(late))
        if self.call_id:
            found.append(CallRow.id == self.call_id)
        return found


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, PoliceLabel | Urgency) else value


def visible(key: Key) -> list[Condition]:
    """Operators see the calls they took, others those of their city, if they have one."""
    if key.role is Role.OPERATOR:
        return [CallRow.operator == key.id]
    return [CallRow.city == key.city] if key.city and key.role is not Role.ADMIN else []


def may_see(key: Key, row: CallRow) -> bool:
    """Whether the call is among the visible ones."""
    if key.role is Role.OPERATOR:
        return row.operator == key.id
    return key.role is Role.ADMIN or key.city in (None, row.city)


class BadCursor(ValueError):
    """The cursor is none of ours."""


def cursor_of(row: CallRow) -> str:
    """Where the next page begins."""
    return base64.urlsafe_b64encode(f"{row.started_at.isoformat()} {row.id}".encode()).decode()


def after(query: Select[Any], cursor: str | None) -> Select[Any]:
    """Newest first, from behind `cursor`.

    Raises:
        BadCursor: it is none of ours.
    """
    query = query.order_by(CallRow.started_at.desc(), CallRow.id.desc())
    if not cursor:
        return query
    try:
        at, _, call_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        started = datetime.fromisoformat(at)
        if started.tzinfo is None or not ID.fullmatch(call_id):
            raise ValueError("no zone or no id")
    except (ValueError, binascii.Error) as error:
        raise BadCursor("is no cursor of this list") from error
    return query.where(or_(CallRow.started_at < started, and_(CallRow.started_at == started, CallRow.id < call_id)))
