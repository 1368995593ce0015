"""The figures the leadership reads, added up by day when something changed, so that a year is a sum of few rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, cast, delete, func, insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from data.taxonomy import Track, destinations
from serving.store.schema import CallRow, FigureRow, StaleDay

DIMENSIONS: dict[str, Any] = {
    "all": literal(""),
    "hour": cast(CallRow.hour, String(64)),
    "category": CallRow.final_category,
    "urgency": CallRow.final_urgency,
    "destination": CallRow.final_destination,
    "district": func.coalesce(CallRow.district, ""),
    "town": func.coalesce(CallRow.town, ""),
    "channel": CallRow.channel,
}
PASSED_ON = (Track.GRASSROOTS, Track.HOTLINE)
MEASURES = ("calls", "calls_110", "effective", "non_police", "invalid", "diverted", "decided", "overrode", "lowered",
            "returned", "asked", "refused", "unsure", "again", "reviewed", "milliseconds")  # fmt: skip
DAYS_AT_ONCE = 31


def touch(session: Session, days: Collection[tuple[str, date]]) -> None:
    """Marks days whose calls this transaction changes."""
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    for city, day in sorted(days):
        new = dialect.insert(StaleDay).values(city=city, day=day, touched=1)
        session.execute(
            new.on_conflict_do_update(index_elements=["city", "day"], set_={"touched": StaleDay.touched + 1})
        )


def refresh(session: Session) -> int:
    """Adds up anew what changed, at most `DAYS_AT_ONCE` days; gives how many days it did.

    The mark is taken away first: a writer of that day then waits, or was waited for, and nothing is missed.
    """
    stale = session.execute(select(StaleDay.city, StaleDay.day).order_by(StaleDay.day.desc()).limit(DAYS_AT_ONCE)).all()
    for city, day in sorted((row.city, row.day) for row in stale):
        session.execute(delete(StaleDay).where(StaleDay.city == city, StaleDay.day == day))
        session.execute(delete(FigureRow).where(FigureRow.city == city, FigureRow.day == day))
        for name, value in DIMENSIONS.items():
            sums = select(
                literal(city).label("city"), literal(day).label("day"), literal(name), value, *_measures()
            ).where(CallRow.city == city, CallRow.day == day)
            columns = ["city", "day", "dimension", "value", *MEASURES]
            session.execute(
                insert(FigureRow).from_select(columns, sums.group_by(value) if name != "all" else _any(sums))
            )
    return len(stale)


def _any(sums: Any) -> Any:
    """No row at all for a day without calls."""
    return sums.having(func.count() > 0)


def _measures() -> list[ColumnElement[Any]]:
    passed_on = [code for code, destination in destinations().items() if destination.track in PASSED_ON]
    by_110 = CallRow.channel == "110"
    non_police = CallRow.final_police == "non_police"
    conditions: dict[str, Any] = {
        "calls_110": by_110,
        "effective": CallRow.final_police == "police",
        "non_police": non_police,
        "invalid": CallRow.final_police == "invalid",
        "diverted": and_(by_110, non_police, CallRow.final_destination.in_(passed_on)),
        "decided": CallRow.decided_at.is_not(None),
        "overrode": CallRow.overrode,
        "lowered": CallRow.lowered,
        "returned": CallRow.returned,
        "asked": CallRow.consent.in_(("given", "refused")),
        "refused": CallRow.consent == "refused",
        "unsure": ~CallRow.confident,
        "again": CallRow.again,
        "reviewed": CallRow.review == "done",
    }
    counted = [func.sum(case((condition, 1), else_=0)) for condition in conditions.values()]
    return [func.count(), *counted, func.sum(CallRow.elapsed_ms)]


@dataclass(frozen=True)
class Period:
    """Local days, both included."""

    since: date
    to: date

    @property
    def before(self) -> "Period":
        """What 环比 compares with: the same days of the month before where the period lies in one month and begins
        it (the whole month for a whole month), else as many days directly before."""
        first_of_month = self.since.replace(day=1)
        if self.since == first_of_month and (self.to.year, self.to.month) == (self.since.year, self.since.month):
            last = first_of_month - timedelta(1)
            whole = (self.to + timedelta(1)).day == 1
            return Period(last.replace(day=1), last if whole else last.replace(day=min(last.day, self.to.day)))
        days = self.to - self.since + timedelta(1)
        return Period(self.since - days, self.since - timedelta(1))

    @property
    def year_ago(self) -> "Period":
        """What 同比 compares with: the same dates a year earlier."""
        return Period(_year_earlier(self.since), _year_earlier(self.to))


def _year_earlier(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def sums(session: Session, dimension: str, period: Period, city: str | None) -> dict[str, dict[str, float]]:
    """Measures by value of a dimension. The dimension `day` is a sum over `all` by day."""
    by_day = dimension == "day"
    value = cast(FigureRow.day, String(64)) if by_day else FigureRow.value
    query = select(value.label("value"), *(func.sum(getattr(FigureRow, name)).label(name) for name in MEASURES)).where(
        FigureRow.dimension == ("all" if by_day else dimension),
        FigureRow.day >= period.since,
        FigureRow.day <= period.to,
        *([FigureRow.city == city] if city else []),
    )
    return {
        str(row["value"]): {name: float(row[name] or 0) for name in MEASURES}
        for row in session.execute(query.group_by(value)).mappings()
    }


def confusion(
    session: Session, label: str, period: Period, scope: Sequence[ColumnElement[bool]]
) -> list[tuple[str, str, int]]:
    """How often each suggested label met each reviewed one, over reviewed calls whose transcript is usable."""
    suggested, reviewed = getattr(CallRow, label), getattr(CallRow, f"reviewed_{label}")
    query = (
        select(suggested, reviewed, func.count())
        .where(CallRow.review == "done", reviewed.is_not(None), CallRow.day >= period.since, CallRow.day <= period.to)
        .where(*scope)
        .group_by(suggested, reviewed)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]
