"""Counts by day and month, so that figures over a million calls read a few thousand rows.

Triggers note the (day, city) of every call that is added, changed or deleted, whoever does it, in its own transaction.
`refresh` counts the noted days anew from the calls themselves: nothing is added up twice, nothing drifts.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    Index,
    Integer,
    Select,
    String,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.functions import FunctionElement

from data.taxonomy import Track, destinations
from serving.store.schema import Base, CallRow
from serving.store.store import Store

EVERY_SECONDS = 5.0
ROLLUP_LOCK = 110_12346
MEASURES = ("calls", "effective", "invalid", "diverted", "unsure", "again", "decided", "overrode", "handed_on",
            "returned", "given", "refused")  # fmt: skip
DIMENSIONS = ("total", "category", "destination", "town", "hour", "suggestion_ms", "decision_seconds", "pair")


class FigureRow(Base):
    """Counts of one value of a dimension (category `theft`, hour `14`) in a day or month of a city and a channel."""

    __tablename__ = "figures"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 – the declarative form

    dimension: Mapped[str] = mapped_column(String(32), primary_key=True)
    grain: Mapped[str] = mapped_column(String(8), primary_key=True)
    start: Mapped[date] = mapped_column(Date, primary_key=True)
    city: Mapped[str] = mapped_column(String(64), primary_key=True)
    channel: Mapped[str] = mapped_column(String(8), primary_key=True)
    value: Mapped[str] = mapped_column(String(160), primary_key=True)
    calls: Mapped[int]
    effective: Mapped[int]
    invalid: Mapped[int]
    diverted: Mapped[int]
    unsure: Mapped[int]
    again: Mapped[int]
    decided: Mapped[int]
    overrode: Mapped[int]
    handed_on: Mapped[int]
    returned: Mapped[int]
    given: Mapped[int]
    refused: Mapped[int]


class StaleRow(Base):
    """A day of a city whose calls changed since it was counted. Only ever added to by writers: on PostgreSQL one that
    is not committed yet must not hide behind one that is being worked off."""

    __tablename__ = "figures_stale"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    day: Mapped[date]
    city: Mapped[str] = mapped_column(String(64))

    __table_args__ = (Index("figures_stale_days", "day", "city"),)


class seconds_between(FunctionElement[int]):
    """Whole seconds from one instant to another."""

    inherit_cache = True
    type = Integer()


@compiles(seconds_between, "sqlite")
def _julian(element: Any, compiler: Any, **kw: Any) -> str:
    since, until = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST((julianday({until}) - julianday({since})) * 86400 + 0.0005 AS INTEGER)"


@compiles(seconds_between, "postgresql")
def _epoch(element: Any, compiler: Any, **kw: Any) -> str:
    since, until = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(floor(extract(epoch FROM {until} - {since}) + 0.0005) AS INTEGER)"


def _rounded(value: ColumnElement[int]) -> ColumnElement[int]:
    """Exact below 200, to tens below 2,000, to hundreds above: a few hundred values, however slow the slowest."""
    return case((value < 200, value), (value < 2000, value // 10 * 10), else_=value // 100 * 100)


def _one(condition: Any) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _counted(city: str, days: Sequence[date]) -> CTE:
    """The calls of these days, each with its values and a 1 for every measure that it counts for.

    diverted: a non-police matter that went to somebody else than the police and than the line it came by.
    handed_on: decided, and for somebody to deal with; only such a call can be returned.
    """
    c = CallRow
    elsewhere = [d.code for d in destinations().values() if d.track not in (Track.POLICE, Track.CLOSE)]
    came_by = (c.channel == "12345") & (c.final_destination == "hotline_12345")
    decided = c.decided_at.is_not(None)
    closed = [d.code for d in destinations().values() if d.track is Track.CLOSE]
    sayings: dict[str, Any] = {
        "category": c.final_category,
        "destination": c.final_destination,
        "town": func.coalesce(c.district, "") + "|" + func.coalesce(c.town, ""),
        "hour": cast(c.hour, String),
        "suggestion_ms": cast(_rounded(cast(c.elapsed_ms, Integer)), String),
        "decision_seconds": cast(_rounded(seconds_between(c.started_at, c.decided_at)), String),
        "pair": case((c.review == "done", c.category + "|" + c.reviewed_category)),
        "effective": _one(c.final_police == "police"),
        "invalid": _one(c.final_police == "invalid"),
        "diverted": _one((c.final_police == "non_police") & c.final_destination.in_(elsewhere) & ~came_by),
        "unsure": _one(~c.confident),
        "again": _one(c.again),
        "decided": _one(decided),
        "overrode": _one(c.overrode),
        "handed_on": _one(decided & c.decided_destination.not_in(closed)),
        "returned": _one(c.returned),
        "given": _one(c.consent == "given"),
        "refused": _one(c.consent == "refused"),
    }
    named = [column.label(name) for name, column in sayings.items()]
    return select(c.day, c.channel, *named).where(c.city == city, c.day.in_(days)).cte("counted")


def _by_day(city: str, days: Sequence[date]) -> Any:
    calls = _counted(city, days)
    sums = [func.count() if name == "calls" else func.sum(calls.c[name]) for name in MEASURES]

    def of(dimension: str) -> Select[Any]:
        value = literal_column("''") if dimension == "total" else calls.c[dimension]
        head: tuple[Any, ...] = (
            literal_column(f"'{dimension}'"),
            literal_column("'day'"),
            calls.c.day,
            literal(city, String),
        )
        grouped = (calls.c.day, calls.c.channel) + (() if dimension == "total" else (value,))
        found = select(*head, calls.c.channel, value, *sums).group_by(*grouped)
        return found if dimension == "total" else found.where(value.is_not(None))

    return insert(FigureRow).from_select(_COLUMNS, union_all(*map(of, DIMENSIONS)))


def _by_month(city: str, month: date) -> Any:
    f = FigureRow
    sums = [func.sum(getattr(f, name)) for name in MEASURES]
    head: tuple[Any, ...] = (f.dimension, literal_column("'month'"), literal(month, Date), f.city, f.channel, f.value)
    days = (
        f.dimension.in_(DIMENSIONS),
        f.grain == "day",
        f.start >= month,
        f.start < next_month(month),
        f.city == city,
    )
    grouped = select(*head, *sums).where(*days).group_by(f.dimension, f.city, f.channel, f.value)
    return insert(f).from_select(_COLUMNS, grouped)


_COLUMNS = ("dimension", "grain", "start", "city", "channel", "value", *MEASURES)


def next_month(day: date) -> date:
    """The first of the month after `day`."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def refresh(store: Store, seconds: float = 1e9) -> bool:
    """Counts changed days anew, a city's month at a time, the newest first, for about `seconds`; True when none waits.

    Raises:
        StoreAway: the database does not answer.
    """
    until = time.monotonic() + seconds
    while True:
        with store.reading() as session:
            if session.scalar(select(StaleRow.id).limit(1)) is None:
                return True
        if time.monotonic() >= until:
            return False
        with store.writing() as session:
            if not store.is_sqlite:  # SQLite lets one write at a time anyway
                session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": ROLLUP_LOCK})
            _count_one_month(session)


def _count_one_month(session: Session) -> None:
    newest = session.execute(select(StaleRow.day, StaleRow.city).order_by(StaleRow.day.desc()).limit(1)).first()
    if newest is None:
        return
    month, city = newest.day.replace(day=1), newest.city
    f, s = FigureRow, StaleRow
    # The notes are taken away first: what is committed after this statement leaves a note of its own, and what was
    # committed before it is seen by the statements that count.
    noted = delete(s).where(s.city == city, s.day >= month, s.day < next_month(month)).returning(s.day)
    days = sorted(set(session.scalars(noted.execution_options(synchronize_session=False))))
    here = (f.dimension.in_(DIMENSIONS), f.city == city)
    for stale in (delete(f).where(*here, f.grain == "day", f.start.in_(days)),
                  delete(f).where(*here, f.grain == "month", f.start == month)):  # fmt: skip
        session.execute(stale, execution_options={"synchronize_session": False})
    session.execute(_by_day(city, days))
    session.execute(_by_month(city, month))


class Refresher:
    """Counts in the background, so that a page that is opened finds next to nothing left to do."""

    def __init__(self, store: Store, every: float = EVERY_SECONDS) -> None:
        self.store, self.every = store, every
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="figures", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the month at hand."""
        self._stopping.set()
        if self._thread:
            self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.wait(self.every):
            with suppress(Exception):  # away, or not migrated yet: the recorder says so, and the notes wait
                while not self._stopping.is_set() and not refresh(self.store, 0.5):
                    pass
