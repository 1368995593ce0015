"""The tables, the same on SQLite and PostgreSQL. One narrow row a call carries its current state, so that queues and
figures never open a transcript; what was said and suggested lies in tables of its own."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, ClassVar

from sqlalchemy import JSON, Boolean, Date, DateTime, Float, ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

LOCAL = timezone(timedelta(hours=8), "Asia/Shanghai")  # China has one time zone and no summer time


class Utc(TypeDecorator[datetime]):
    """An instant, kept in UTC; SQLite would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite's text form carries no zone."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Turns = list[dict[str, Any]]


class Base(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Utc, date: Date, dict[str, Any]: JSON, Turns: JSON}


Code = String(64)
NEWEST, UNSUREST, BY_LOT = ("started_at", "id"), ("probability", "id"), ("lottery", "id")
# The condition of each review queue and its order. Queries use these words as they stand, or the indexes are not used.
QUEUE_ORDER = {
    "danger_under_called": ("under_called AND review <> 'done'", NEWEST),
    "overridden": ("overrode AND review <> 'done'", NEWEST),
    "returned": ("returned AND review <> 'done'", NEWEST),
    "confident_contradicted": ("contradicted AND review <> 'done'", NEWEST),
    "least_confident": ("NOT confident AND review <> 'done'", UNSUREST),
    "shadow": ("candidate_version IS NOT NULL AND review <> 'done'", NEWEST),
    "suspected_label": ("suspected AND review = 'done'", NEWEST),
    "random_audit": ("review <> 'done'", BY_LOT),
    "drift": ("review <> 'done'", ("category", "day", "id")),
    "adjudication": ("review = 'adjudicate'", NEWEST),
}


def partial(name: str, *columns: str, where: str) -> Index:
    """An index over the rows for which `where` holds, in both databases."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class CallRow(Base):
    """A call and its current state. Plain columns are the suggestion's, `decided_*` the operator's, `reviewed_*` the
    reviewers', `final_*` the best known of these: review before decision before suggestion. `candidate_*` are those of
    a release in the shadow that said something else, `claimed_*` what examining the labels holds for right. While a
    call goes on reviewers do not get it before `held_until`."""

    __tablename__ = "calls"

    id: Mapped[str] = mapped_column(Code, primary_key=True)
    city: Mapped[str] = mapped_column(Code)
    channel: Mapped[str] = mapped_column(String(8))
    operator: Mapped[str] = mapped_column(Code)
    started_at: Mapped[datetime]
    last_at: Mapped[datetime]
    day: Mapped[date]
    hour: Mapped[int] = mapped_column(SmallInteger)
    lottery: Mapped[float] = mapped_column(Float)
    again: Mapped[bool] = mapped_column(default=False)
    purged_at: Mapped[datetime | None]
    held_until: Mapped[datetime | None]

    district: Mapped[str | None] = mapped_column(Code)
    town: Mapped[str | None] = mapped_column(Code)
    suggestion_id: Mapped[str] = mapped_column(Code)
    police: Mapped[str] = mapped_column(String(16))
    category: Mapped[str] = mapped_column(Code)
    group: Mapped[str] = mapped_column("category_group", Code)
    urgency: Mapped[str] = mapped_column(String(16))
    destination: Mapped[str] = mapped_column(Code)
    unit: Mapped[str | None] = mapped_column(String(128))
    track: Mapped[str] = mapped_column(String(16))
    confident: Mapped[bool]
    probability: Mapped[float] = mapped_column(Float)
    category_probability: Mapped[float] = mapped_column(Float)
    flags: Mapped[str] = mapped_column(String(256), default="")
    elapsed_ms: Mapped[float] = mapped_column(Float)
    model_version: Mapped[str] = mapped_column(String(128))
    policy_version: Mapped[str] = mapped_column(String(128))

    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(Code)
    decided_category: Mapped[str | None] = mapped_column(Code)
    decided_urgency: Mapped[str | None] = mapped_column(String(16))
    decided_destination: Mapped[str | None] = mapped_column(Code)
    consent: Mapped[str | None] = mapped_column(String(16))
    overrode: Mapped[bool] = mapped_column(default=False)
    lowered: Mapped[bool] = mapped_column(default=False)
    raised: Mapped[bool] = mapped_column(default=False)

    outcome: Mapped[str] = mapped_column(String(16), default="none")
    outcome_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    returned: Mapped[bool] = mapped_column(default=False)

    review: Mapped[str] = mapped_column(String(16), default="open")
    reviewed_at: Mapped[datetime | None]
    reviewed_category: Mapped[str | None] = mapped_column(Code)
    reviewed_urgency: Mapped[str | None] = mapped_column(String(16))
    reviewed_destination: Mapped[str | None] = mapped_column(Code)
    usable: Mapped[bool] = mapped_column(default=True)

    final_police: Mapped[str] = mapped_column(String(16))
    final_category: Mapped[str] = mapped_column(Code)
    final_urgency: Mapped[str] = mapped_column(String(16))
    final_destination: Mapped[str] = mapped_column(Code)
    under_called: Mapped[bool] = mapped_column(default=False)
    contradicted: Mapped[bool] = mapped_column(default=False)
    suspected: Mapped[bool] = mapped_column(default=False)

    candidate_version: Mapped[str | None] = mapped_column(String(128))
    candidate_category: Mapped[str | None] = mapped_column(Code)
    candidate_urgency: Mapped[str | None] = mapped_column(String(16))
    candidate_destination: Mapped[str | None] = mapped_column(Code)
    claimed_category: Mapped[str | None] = mapped_column(Code)
    claimed_at: Mapped[datetime | None]

    __table_args__ = (
        Index("calls_recent", "started_at", "id"),
        Index("calls_by_operator", "operator", "started_at", "id"),
        Index("calls_by_city", "city", "started_at", "id"),
        Index("calls_by_day", "day", "city"),
        Index("calls_by_category", "category", "day"),
        partial("calls_due", "due_at", where="due_at IS NOT NULL"),
        *(
            partial(f"queue_{name}", "city", *order, "review", "held_until", where=where)
            for name, (where, order) in QUEUE_ORDER.items()
        ),
        partial("calls_reviewed", "city", "day", where="review = 'done'"),
    )


class TranscriptRow(Base):
    """What was said, redacted, as it stood with the last suggestion."""

    __tablename__ = "transcripts"

    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"), primary_key=True)
    turns: Mapped[Turns]


class NumberRow(Base):
    """A phone number said in a call, as a keyed hash: finds one caller's calls, and nothing else."""

    __tablename__ = "numbers"

    digest: Mapped[str] = mapped_column(Code, primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"), primary_key=True, index=True)


class SuggestionRow(Base):
    """One suggestion as it was shown; `payload` is empty once the call's transcript is purged."""

    __tablename__ = "suggestions"

    id: Mapped[str] = mapped_column(Code, primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"), index=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Code)
    model_version: Mapped[str] = mapped_column(String(128))
    policy_version: Mapped[str] = mapped_column(String(128))
    payload: Mapped[dict[str, Any]]


class DecisionRow(Base):
    """What the operator did; one a call."""

    __tablename__ = "decisions"

    id: Mapped[str] = mapped_column(Code, primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"), unique=True)
    suggestion_id: Mapped[str] = mapped_column(Code)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Code)
    category: Mapped[str] = mapped_column(Code)
    urgency: Mapped[str] = mapped_column(String(16))
    destination: Mapped[str] = mapped_column(Code)
    consent: Mapped[str] = mapped_column(String(16))
    overrode: Mapped[bool]
    lowered: Mapped[bool]
    raised: Mapped[bool]
    note: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)


class OutcomeRow(Base):
    """What the receiving unit did, one row a step."""

    __tablename__ = "outcomes"

    id: Mapped[str] = mapped_column(Code, primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"), index=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Code)
    status: Mapped[str] = mapped_column(String(16))
    owner: Mapped[str | None] = mapped_column(Code)
    due_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)


class ReviewRow(Base):
    """What one reviewer said of a call. An undone review stays in the history and counts no more."""

    __tablename__ = "reviews"

    id: Mapped[str] = mapped_column(Code, primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"), index=True)
    batch: Mapped[str] = mapped_column(Code, index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    by: Mapped[str] = mapped_column(Code)
    queue: Mapped[str] = mapped_column(Code)
    verdict: Mapped[str] = mapped_column(String(16))
    category: Mapped[str | None] = mapped_column(Code)
    urgency: Mapped[str | None] = mapped_column(String(16))
    destination: Mapped[str | None] = mapped_column(Code)
    reason: Mapped[str] = mapped_column(Text)
    wanted: Mapped[int] = mapped_column(SmallInteger)
    adjudicates: Mapped[bool] = mapped_column(Boolean)
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(Code)


class AuditRow(Base):
    """Who read or did what."""

    __tablename__ = "audit"

    id: Mapped[str] = mapped_column(Code, primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Code)
    action: Mapped[str] = mapped_column(Code)
    call_id: Mapped[str | None] = mapped_column(Code, index=True)
    detail: Mapped[dict[str, Any]]

    __table_args__ = (Index("audit_recent", "at", "id"), Index("audit_by", "by", "at", "id"))


class HolderRow(Base):
    """Whose key it was, as known when the key was last used: names outlive keys."""

    __tablename__ = "holders"

    id: Mapped[str] = mapped_column(Code, primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    role: Mapped[str] = mapped_column(String(16))
    city: Mapped[str | None] = mapped_column(Code)
    seen_at: Mapped[datetime]
