"""Figures of a span, read from the roll-up: whole months from its month rows, what sticks out from its day rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from serving.figures.periods import ONE, Span, months_before
from serving.store.rollup import DIMENSIONS, MEASURES, FigureRow

Sums = Mapping[str, int]
NOTHING: Sums = dict.fromkeys(MEASURES, 0)


@dataclass(frozen=True)
class Scope:
    """Whose calls: None is every city, and both lines."""

    city: str | None = None
    channel: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The scope in SQL."""
        given = {FigureRow.city: self.city, FigureRow.channel: self.channel}
        return [column == value for column, value in given.items() if value is not None]


class Counts:
    """Measures by dimension and value over a span."""

    def __init__(self, sums: dict[str, dict[str, Sums]]) -> None:
        self._sums = sums

    @property
    def total(self) -> Sums:
        """Over all calls."""
        return self._sums["total"].get("", NOTHING)

    def by(self, dimension: str) -> Mapping[str, Sums]:
        """By value of a dimension; only values that occur."""
        return self._sums[dimension]

    def quantiles(self, dimension: str, *shares: float) -> list[int | None]:
        """The smallest value that at least this share of all does not exceed; None without any."""
        counted = sorted((int(value), sums["calls"]) for value, sums in self._sums[dimension].items())
        return [_quantile(counted, share) for share in shares]


def _quantile(counted: list[tuple[int, int]], share: float) -> int | None:
    below, whole = 0, sum(number for _, number in counted)
    for value, number in counted:
        below += number
        if below >= share * whole:
            return value
    return None


def count(session: Session, span: Span, scope: Scope) -> Counts:
    """All measures of all dimensions over `span`."""
    sums = [func.sum(getattr(FigureRow, name)) for name in MEASURES]
    query = select(FigureRow.dimension, FigureRow.value, *sums).group_by(FigureRow.dimension, FigureRow.value)
    query = query.where(FigureRow.dimension.in_(DIMENSIONS), *scope.conditions())
    found: dict[str, dict[str, Sums]] = {dimension: {} for dimension in DIMENSIONS}
    for piece in pieces(span):  # one query each: SQLite would read the whole table for an OR of ranges
        for dimension, value, *numbers in session.execute(query.where(_within(piece))):
            before = found[dimension].get(value, NOTHING)
            added = zip(MEASURES, numbers, strict=True)
            found[dimension][value] = {name: before[name] + int(number) for name, number in added}
    return Counts(found)


def _within(piece: tuple[str, Span]) -> ColumnElement[bool]:
    grain, span = piece
    return and_(FigureRow.grain == grain, FigureRow.start >= span.since, FigureRow.start < span.until)


def pieces(span: Span) -> Iterator[tuple[str, Span]]:
    """`span` in whole months and the days before and behind them."""
    first = span.since if span.since.day == 1 else months_before(span.since.replace(day=1), -1)
    last = span.until.replace(day=1)
    if first >= last:
        yield "day", span
        return
    yield "month", Span(first, last)
    if span.since < first:
        yield "day", Span(span.since, first)
    if last < span.until:
        yield "day", Span(last, span.until)


def daily(session: Session, span: Span, scope: Scope) -> dict[date, Sums]:
    """Measures of every day of `span`, days without a call included."""
    sums = [func.sum(getattr(FigureRow, name)) for name in MEASURES]
    query = select(FigureRow.start, *sums).where(FigureRow.dimension == "total", _within(("day", span)))
    found = {row[0]: row[1:] for row in session.execute(query.where(*scope.conditions()).group_by(FigureRow.start))}
    days = [span.since + ONE * n for n in range(span.days)]
    return {day: dict(zip(MEASURES, map(int, found[day]), strict=True)) if day in found else NOTHING for day in days}
