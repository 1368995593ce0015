"""From counts to the figures of a period."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from sqlalchemy import distinct, func, or_, select
from sqlalchemy.orm import Session

from data.taxonomy import Track, destinations
from serving.figures.confusion import from_pairs
from serving.figures.counts import NOTHING, Counts, Scope, Sums, count, daily
from serving.figures.periods import Period, Span
from serving.figures.records import (
    Dimension,
    Point,
    Quantiles,
    Range,
    Slice,
    Stats,
    Times,
    change,
    measures,
)
from serving.figures.sentence import sentence
from serving.known import known_categories
from serving.store.entries import now
from serving.store.rollup import StaleRow

LONGEST_BY_DAY = 100
TRACK_NAMES = {
    Track.POLICE: "公安处警", Track.JOINT: "部门与公安联动", Track.GRASSROOTS: "基层到场办理",
    Track.HOTLINE: "12345 热线", Track.CLOSE: "坐席办结",
}  # fmt: skip
UNKNOWN = "未定位"
SLICED = ("calls", "effective", "diverted", "unsure", "decided", "overrode", "handed_on", "returned")
COMPARED = ("calls", "effective", "non_police", "invalid", "diverted", "again", "returned", "overrode", "refused",
            "effective_rate", "diversion_rate", "unsure_rate", "again_rate", "override_rate", "return_rate",
            "refusal_rate")  # fmt: skip


def stats(session: Session, period: Period, scope: Scope) -> Stats:
    """Everything the page shows, from some fifteen queries on the roll-up."""
    compared = {"previous": period.previous, "year_ago": period.year_ago}
    spans = {"now": period.span} | {name: span for name, span in compared.items() if span}
    counts = {name: count(session, span, scope) for name, span in spans.items()}
    totals = {name: measures(counted.total) for name, counted in counts.items()}
    step, course = _course(session, period, scope)
    return Stats(
        period=period.kind,
        label=period.label,
        span=_range(period.span),
        previous_span=_range(period.previous) if period.previous else None,
        year_ago_span=_range(period.year_ago),
        complete=period.complete,
        as_of=now(),
        pending=_pending(session, list(spans.values()), scope),
        city=scope.city,
        channel=scope.channel,
        sentence=sentence(period, scope.city, scope.channel, counts),
        now=totals["now"],
        previous=totals.get("previous"),
        year_ago=totals["year_ago"],
        change={name: change(name, totals["now"], totals) for name in COMPARED},
        times=_times(counts["now"]),
        previous_times=_times(counts["previous"]) if "previous" in counts else None,
        by=_by(counts),
        step="month" if step == "month" else "day",
        course=course,
        confusion=from_pairs("category", {pair: sums["calls"] for pair, sums in counts["now"].by("pair").items()}),
    )


def _range(span: Span) -> Range:
    return Range(since=span.since, to=span.last)


def _pending(session: Session, spans: Sequence[Span], scope: Scope) -> int:
    within = or_(*(StaleRow.day.between(span.since, span.last) for span in spans))
    city = [StaleRow.city == scope.city] if scope.city else []
    return session.scalar(select(func.count(distinct(StaleRow.day))).where(within, *city)) or 0


def _times(counts: Counts) -> Times:
    suggestion, decision = (counts.quantiles(name, 0.5, 0.95) for name in ("suggestion_ms", "decision_seconds"))
    return Times(
        suggestion_ms=Quantiles(median=suggestion[0], p95=suggestion[1]),
        decision_seconds=Quantiles(median=decision[0], p95=decision[1]),
    )


Named = Mapping[str, tuple[str, str]]  # value: its name, and what it lies within


def _by(counts: Mapping[str, Counts]) -> dict[Dimension, tuple[Slice, ...]]:
    categories = known_categories()
    group_of = {code: category.group for code, category in categories.items()}
    track_of = {code: destination.track.value for code, destination in destinations().items()}
    groups = {category.group: (category.group_name, "") for category in categories.values()}
    tracks = {track.value: (name, "") for track, name in TRACK_NAMES.items()}
    named_categories = {code: (category.name, category.group_name) for code, category in categories.items()}
    named_destinations = {code: (d.name, TRACK_NAMES[d.track]) for code, d in destinations().items()}
    by_hour = {str(hour): (f"{hour:02}:00–{hour:02}:59", "") for hour in range(24)}
    return {
        "category": _slices({n: c.by("category") for n, c in counts.items()}, named_categories),
        "group": _slices({n: _merged(c.by("category"), group_of) for n, c in counts.items()}, groups),
        "destination": _slices({n: c.by("destination") for n, c in counts.items()}, named_destinations),
        "track": _slices({n: _merged(c.by("destination"), track_of) for n, c in counts.items()}, tracks),
        "town": _slices({n: c.by("town") for n, c in counts.items()}, {}),
        "hour": _slices({n: c.by("hour") for n, c in counts.items()}, by_hour, every=True),
    }


def _merged(sums: Mapping[str, Sums], of: Mapping[str, str]) -> dict[str, Sums]:
    found: dict[str, dict[str, int]] = {}
    for value, numbers in sums.items():
        whole = found.setdefault(of.get(value, ""), dict.fromkeys(numbers, 0))
        for name, number in numbers.items():
            whole[name] += number
    return dict(found)


def _slices(sums: Mapping[str, Mapping[str, Sums]], names: Named, every: bool = False) -> tuple[Slice, ...]:
    """One slice a value, the most frequent first; with `every`, all that have a name, in their order."""
    now = sums["now"]
    values = list(names) if every else sorted(set(now).union(*sums.values()), key=_most_first(now))
    return tuple(_slice(value, sums, names.get(value) or _place(value)) for value in values)


def _most_first(now: Mapping[str, Sums]) -> Callable[[str], tuple[int, str]]:
    return lambda value: (-now.get(value, NOTHING)["calls"], value)


def _place(value: str) -> tuple[str, str]:
    """Name and district of a town; a code that no table knows any more is its own name."""
    district, bar, town = value.partition("|")
    if not bar:
        return value or "其他", ""
    return town or (f"{district}（未到镇街）" if district else UNKNOWN), district


def _slice(value: str, sums: Mapping[str, Mapping[str, Sums]], name: tuple[str, str]) -> Slice:
    found = sums["now"].get(value, NOTHING)
    kept = {measure: found[measure] for measure in SLICED}
    previous = sums["previous"].get(value, NOTHING)["calls"] if "previous" in sums else None
    year_ago = sums["year_ago"].get(value, NOTHING)["calls"]
    return Slice(value=value, name=name[0], within=name[1], **kept, previous=previous, year_ago=year_ago)


def _course(session: Session, period: Period, scope: Scope) -> tuple[str, tuple[Point, ...]]:
    """By day, or by month where the period is long. The period before is laid beside it from its beginning."""
    step = "day" if period.span.days <= LONGEST_BY_DAY else "month"
    now = _stepped(daily(session, period.span, scope), step)
    before = _stepped(daily(session, period.previous, scope), step) if period.previous else {}
    beside = list(before.values())
    points = []
    for number, (start, sums) in enumerate(now.items()):
        then = beside[number] if number < len(beside) else None
        points.append(
            Point(
                start=start,
                calls=sums["calls"],
                effective=sums["effective"],
                diverted=sums["diverted"],
                previous_effective=then["effective"] if then else None,
                previous_diverted=then["diverted"] if then else None,
            )
        )
    return step, tuple(points)


def _stepped(days: Mapping[date, Sums], step: str) -> dict[date, Sums]:
    if step == "day":
        return dict(days)
    found: dict[date, dict[str, int]] = {}
    for day, sums in days.items():
        month = found.setdefault(day.replace(day=1), dict.fromkeys(sums, 0))
        for name, number in sums.items():
            month[name] += number
    return dict(found)
