"""Periods and what they are compared with. Days are local, spans half-open: `since` belongs to it, `until` does not."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Kind = Literal["day", "week", "month", "quarter", "year", "custom"]
ONE = timedelta(1)
LONGEST_DAYS = 3700
QUARTERS = "一二三四"
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


@dataclass(frozen=True)
class Span:
    """Days from `since` to before `until`."""

    since: date
    until: date

    @property
    def last(self) -> date:
        """Its last day."""
        return self.until - ONE

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until - self.since).days


@dataclass(frozen=True)
class Period:
    """What is looked at, and what with: `previous` (环比; a year has none) and `year_ago` (同比).

    `complete` is false while its last day is still to come or under way; then all three end on the same day of theirs.
    """

    kind: Kind
    span: Span
    previous: Span | None
    year_ago: Span
    complete: bool
    label: str


def window(text: str) -> Span:
    """`2026-09-01/2026-09-30`, both days included.

    Raises:
        ValueError: it is none, or ends before it begins.
    """
    since, _, to = text.partition("/")
    try:
        span = Span(date.fromisoformat(since), date.fromisoformat(to) + ONE)
    except (ValueError, OverflowError):
        raise ValueError("is no period like 2026-09-01/2026-09-30") from None
    if span.days <= 0:
        raise ValueError("ends before it begins")
    return span


def period(kind: Kind, day: date, today: date) -> Period:
    """The day, week (from Monday), month, quarter or year that `day` lies in, up to `today`."""
    whole = _whole(kind, day)
    before, year_ago = _before(kind, whole)
    complete = whole.until <= today
    if complete or whole.since > today:
        return Period(kind, whole, before, year_ago, complete, _label(kind, whole))
    span = Span(whole.since, today + ONE)
    if span.until < whole.until:
        before = before and _first_part(kind, whole, span, before)
        year_ago = _first_part(kind, whole, span, year_ago)
    label = _label(kind, whole) if span == whole else _from_to(span)
    return Period(kind, span, before, year_ago, False, label)


def custom(since: date, to: date, today: date) -> Period:
    """From `since` to `to`, both included; compared with as many days before it, and with the same dates a year ago.

    Raises:
        ValueError: it ends before it begins, or is longer than about ten years.
    """
    span = Span(since, to + ONE)
    if not 0 < span.days <= LONGEST_DAYS:
        raise ValueError(f"a period has 1 to {LONGEST_DAYS} days")
    before = Span(span.since - timedelta(span.days), span.since)
    year_ago = Span(months_before(since, 12), months_before(to, 12) + ONE)
    return Period("custom", span, before, year_ago, span.until <= today, _from_to(span))


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or its last where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _whole(kind: Kind, day: date) -> Span:
    if kind == "week":
        monday = day - timedelta(day.weekday())
        return Span(monday, monday + timedelta(7))
    if kind == "day":
        return Span(day, day + ONE)
    months = _MONTHS[kind]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    return Span(first, months_before(first, -months))


_MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}


def _before(kind: Kind, whole: Span) -> tuple[Span | None, Span]:
    """The period before and the one a year ago; a week's is 52 weeks ago, so that weekends meet weekends."""
    if kind in ("day", "week"):
        length = timedelta(whole.days)
        year_ago = whole.since - timedelta(364) if kind == "week" else months_before(whole.since, 12)
        return Span(whole.since - length, whole.since), Span(year_ago, year_ago + length)
    earlier: Callable[[int], Span] = lambda n: Span(months_before(whole.since, n), months_before(whole.until, n))  # noqa: E731
    return None if kind == "year" else earlier(_MONTHS[kind]), earlier(12)


def _first_part(kind: Kind, whole: Span, span: Span, other: Span) -> Span:
    """As much of `other` as has gone of `whole`: to the same weekday, or the same day of the same month of it."""
    if kind == "week":
        return Span(other.since, other.since + timedelta(span.days))
    months = (whole.since.year - other.since.year) * 12 + whole.since.month - other.since.month
    return Span(other.since, min(months_before(span.last, months) + ONE, other.until))


def _label(kind: Kind, whole: Span) -> str:
    first = whole.since
    if kind == "week":
        number = first.isocalendar()
        return f"{number.year}年第{number.week}周（{_day(first)}至{_day(whole.last, first)}）"
    if kind == "quarter":
        return f"{first.year}年第{QUARTERS[(first.month - 1) // 3]}季度"
    return {"day": f"{first.year}年{_day(first)}", "month": f"{first.year}年{first.month}月"}.get(
        kind, f"{first.year}年"
    )


def _from_to(span: Span) -> str:
    begin = f"{span.since.year}年{_day(span.since)}"
    if span.days == 1:
        return begin
    year = f"{span.last.year}年" if span.last.year != span.since.year else ""
    return f"{begin}至{year}{_day(span.last, None if year else span.since)}"


def _day(day: date, after: date | None = None) -> str:
    return f"{day.day}日" if after and after.month == day.month else f"{day.month}月{day.day}日"
