"""Figures: calls, diverted and effective ones with their changes, by every dimension, and suggestion against review."""

import calendar
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from data.records import Record
from data.taxonomy import URGENCY_NAMES, categories, destinations
from serving.api import RecorderOf, StoreOf
from serving.auth import ReviewerOrScientist
from serving.calls_api import away
from serving.decisions import wrong
from serving.keys import Key, Role
from serving.problems import Problem, documented
from serving.store import figures
from serving.store.figures import Period
from serving.store.filters import Code, visible
from serving.store.queues import today
from serving.store.schema import CallRow
from serving.store.store import Store, StoreAway

router = APIRouter()
LONGEST_DAYS = 3700
Dimension = Literal["day", "hour", "category", "urgency", "destination", "district", "town", "channel"]
Label = Literal["category", "urgency", "destination"]
Day = Annotated[date | None, Query()]


class Measures(Record):
    """Figures of some calls. Rates are None where there is nothing to divide by.

    `effective`: 有效警情, police matters; `diverted`: 分流量, non-police calls to 110 that others took, and
    `diverted_rate` 分流率, their share of the calls to 110.
    """

    calls: int
    calls_110: int
    effective: int
    non_police: int
    invalid: int
    diverted: int
    decided: int
    overrode: int
    lowered: int
    returned: int
    asked: int
    refused: int
    unsure: int
    again: int
    reviewed: int
    diverted_rate: float | None
    overrode_rate: float | None
    returned_rate: float | None
    refused_rate: float | None
    unsure_rate: float | None
    again_rate: float | None
    suggestion_ms: float | None


class Range(Record):
    """Local days, both included."""

    since: date
    to: date


class Change(Record):
    """Relative change (0.05 is 5 % more) on the period before, 环比, and on the year before, 同比."""

    before: float | None
    year_ago: float | None


class Slice(Record):
    """One value of a dimension, with the period before beside it."""

    value: str
    name: str
    now: Measures
    before: Measures
    change: Change


class Stats(Record):
    """The figures of a period."""

    city: str | None
    period: Range
    before_period: Range
    year_ago_period: Range
    now: Measures
    before: Measures
    year_ago: Measures
    change: dict[str, Change]
    by: dict[Dimension, tuple[Slice, ...]]
    sentence: str


class Cell(Record):
    """How many reviewed calls were suggested as one label and reviewed as another."""

    suggested: str
    reviewed: str
    calls: int


class Confusion(Record):
    """Suggestion against review; `GET /v1/calls?review=done&suggested_…=…&reviewed_…=…` lists a cell's calls."""

    label: Label
    period: Range
    cells: tuple[Cell, ...]


def _measures(row: dict[str, float] | None) -> Measures:
    found = row or dict.fromkeys(figures.MEASURES, 0.0)

    def rate(part: str, whole: str) -> float | None:
        return found[part] / found[whole] if found[whole] else None

    return Measures(
        **{name: int(found[name]) for name in figures.MEASURES if name != "milliseconds"},
        diverted_rate=rate("diverted", "calls_110"),
        overrode_rate=rate("overrode", "decided"),
        returned_rate=rate("returned", "decided"),
        refused_rate=rate("refused", "asked"),
        unsure_rate=rate("unsure", "calls"),
        again_rate=rate("again", "calls"),
        suggestion_ms=rate("milliseconds", "calls"),
    )


def _relative(now: float, then: float) -> float | None:
    return (now - then) / then if then else None


def _name(dimension: str, value: str) -> str:
    if dimension == "category" and value in categories():
        return categories()[value].name
    if dimension == "destination" and value in destinations():
        return destinations()[value].name
    if dimension == "urgency":
        return {level.value: name for level, name in URGENCY_NAMES.items()}.get(value, value)
    return value or "未知"


def _slices(store: Store, dimension: str, period: Period, city: str | None) -> tuple[Slice, ...]:
    with store.reading() as session:
        now, before, year = (figures.sums(session, dimension, part, city)
                             for part in (period, period.before, period.year_ago))  # fmt: skip
    values = now if dimension == "day" else {**now, **before}
    found = []
    for value in values:
        one, other = _measures(now.get(value)), _measures(before.get(value))
        change = Change(
            before=_relative(one.calls, other.calls),
            year_ago=_relative(one.calls, _measures(year.get(value)).calls),
        )
        found.append(Slice(value=value, name=_name(dimension, value), now=one, before=other, change=change))
    by_value = dimension in ("day", "hour")
    return tuple(sorted(found, key=lambda s: (s.value.zfill(10),) if by_value else (-s.now.calls, s.value)))


def _period(since: date | None, to: date | None) -> Period:
    end = to or today()
    period = Period(since or end.replace(day=1), end)
    if not 0 <= (period.to - period.since).days <= LONGEST_DAYS or period.since.year < 2000:
        raise wrong("since", f"since is not after to, and at most {LONGEST_DAYS} days before it")
    return period


def _city(key: Key, asked: str | None) -> str | None:
    own = key.city if key.role is not Role.ADMIN else None
    if own and asked not in (None, own):
        raise Problem(403, "another city's figures")
    return own or asked


def _range(period: Period) -> Range:
    return Range(since=period.since, to=period.to)


@router.get("/v1/stats", responses=documented(401, 403, 422, 503))
def stats(
    recorder: RecorderOf,
    store: StoreOf,
    key: ReviewerOrScientist,
    since: Day = None,
    to: Day = None,
    city: Annotated[Code | None, Query()] = None,
    by: Annotated[list[Dimension], Query(max_length=8)] = [],  # noqa: B006 (FastAPI copies it)
) -> Stats:
    """Figures of a period – this month so far, unless it says otherwise – with 环比 and 同比, and by dimensions."""
    period, place = _period(since, to), _city(key, city)
    recorder.settled()
    try:
        store.refresh_figures()
        with store.reading() as session:
            parts = [figures.sums(session, "all", part, place).get("")
                     for part in (period, period.before, period.year_ago)]  # fmt: skip
        slices = {dimension: _slices(store, dimension, period, place) for dimension in dict.fromkeys(by)}
    except StoreAway as error:
        raise away() from error
    now, before, year_ago = map(_measures, parts)
    change = {
        name: Change(
            before=_relative(getattr(now, name), getattr(before, name)),
            year_ago=_relative(getattr(now, name), getattr(year_ago, name)),
        )
        for name in ("calls", "effective", "non_police", "invalid", "diverted", "again")
    }
    return Stats(
        city=place, period=_range(period), before_period=_range(period.before), year_ago_period=_range(period.year_ago),
        now=now, before=before, year_ago=year_ago, change=change, by=slices, sentence=sentence(period, now, change),
    )  # fmt: skip


@router.get("/v1/stats/confusion", responses=documented(401, 403, 422, 503))
def confusion(
    recorder: RecorderOf,
    store: StoreOf,
    key: ReviewerOrScientist,
    label: Label = "category",
    since: Day = None,
    to: Day = None,
    city: Annotated[Code | None, Query()] = None,
) -> Confusion:
    """Suggestion against review."""
    period, place = _period(since, to), _city(key, city)
    scope = [*visible(key), *([CallRow.city == place] if place else [])]
    recorder.settled()
    try:
        with store.reading() as session:
            found = figures.confusion(session, label, period, scope)
    except StoreAway as error:
        raise away() from error
    cells = (Cell(suggested=row[0], reviewed=row[1], calls=row[2]) for row in sorted(found, key=lambda r: -r[2]))
    return Confusion(label=label, period=_range(period), cells=tuple(cells))


def sentence(period: Period, now: Measures, change: dict[str, Change]) -> str:
    """What the leadership reads, ready to copy."""
    effective, diverted = change["effective"], change["diverted"]
    rate = "" if now.diverted_rate is None else f"，分流率{now.diverted_rate:.2%}"
    return (
        f"{_when(period)}共接报来电{now.calls}起，其中有效警情{now.effective}起"
        f"{_moved('环比', effective.before)}{_moved('同比', effective.year_ago)}；"
        f"分流非警务事项{now.diverted}起{rate}{_moved('分流量环比', diverted.before)}。"
    )


def _when(period: Period) -> str:
    one, two = period.since, period.to
    last = calendar.monthrange(two.year, two.month)[1]
    if (one.year, one.month, one.day, two.day) == (two.year, two.month, 1, last):
        return f"{one.year}年{one.month}月"
    return f"{one.year}年{one.month}月{one.day}日至{two.year}年{two.month}月{two.day}日"


def _moved(word: str, change: float | None) -> str:
    if change is None:
        return ""
    if change == 0:
        return f"，{word}持平"
    return f"，{word}{'上升' if change > 0 else '下降'}{abs(change):.2%}"
