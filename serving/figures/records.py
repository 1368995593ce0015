"""The figures as the API gives them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from data.records import Record
from serving.figures.counts import Sums

Dimension = Literal["category", "group", "destination", "track", "town", "hour"]


class Range(Record):
    """Local days, both included."""

    since: date
    to: date


class Measures(Record):
    """Figures of some calls; a rate is None where there is nothing to divide by.

    effective 有效警情: police matters; invalid: nobody's matter. diverted 分流: non-police matters that went to
    somebody else than the police and than the line they came by; diversion_rate 分流率 is their share of all calls.
    again: the caller's second call within 72 hours. override_rate: of decided calls. handed_on: decided, for somebody
    to deal with; return_rate 退单率: returned ones of these. asked: for consent, which was given or refused.
    """

    calls: int
    effective: int
    non_police: int
    invalid: int
    diverted: int
    unsure: int
    again: int
    decided: int
    overrode: int
    handed_on: int
    returned: int
    asked: int
    given: int
    refused: int
    effective_rate: float | None
    diversion_rate: float | None
    unsure_rate: float | None
    again_rate: float | None
    override_rate: float | None
    return_rate: float | None
    refusal_rate: float | None


RATES = {
    "effective_rate": ("effective", "calls"), "diversion_rate": ("diverted", "calls"),
    "unsure_rate": ("unsure", "calls"), "again_rate": ("again", "calls"), "override_rate": ("overrode", "decided"),
    "return_rate": ("returned", "handed_on"), "refusal_rate": ("refused", "asked"),
}  # fmt: skip


def measures(sums: Sums) -> Measures:
    """The measures with what follows from them."""
    found = dict(sums) | {
        "non_police": sums["calls"] - sums["effective"] - sums["invalid"],
        "asked": sums["given"] + sums["refused"],
    }
    rates = {name: found[part] / found[whole] if found[whole] else None for name, (part, whole) in RATES.items()}
    return Measures.model_validate(found | rates)


class Change(Record):
    """Against the period before (环比) and the year before (同比): of a count the relative change (0.05 is 5 % more),
    of a rate the difference (0.05 is five points more). None where there is nothing to compare with."""

    previous: float | None
    year_ago: float | None


def change(name: str, now: Measures, others: Mapping[str, Measures]) -> Change:
    """How one measure moved."""

    def against(span: str) -> float | None:
        then = getattr(others[span], name) if span in others else None
        value = getattr(now, name)
        if then is None or value is None:
            return None
        if name in RATES:
            return float(value - then)
        return (value - then) / then if then else None

    return Change(previous=against("previous"), year_ago=against("year_ago"))


class Quantiles(Record):
    """Median and 95th percentile, None without any: exact below 200, to tens below 2,000, to hundreds above."""

    median: int | None
    p95: int | None


class Times(Record):
    """From the call's text to the suggestion (milliseconds); from the first suggestion to the decision (seconds)."""

    suggestion_ms: Quantiles
    decision_seconds: Quantiles


class Slice(Record):
    """One value of a dimension. `within` is a category's group, a town's district, a destination's track; `previous`
    and `year_ago` are the calls of these periods."""

    value: str
    name: str
    within: str
    calls: int
    effective: int
    diverted: int
    unsure: int
    decided: int
    overrode: int
    handed_on: int
    returned: int
    previous: int | None
    year_ago: int


class Point(Record):
    """One step of the course of the period, the same step of the period before beside it."""

    start: date
    calls: int
    effective: int
    diverted: int
    previous_effective: int | None
    previous_diverted: int | None


class Cell(Record):
    """How many reviewed calls were suggested as one category and reviewed as another, or the same."""

    suggested: str
    suggested_name: str
    reviewed: str
    reviewed_name: str
    calls: int


class Confusion(Record):
    """Suggestion against review, the largest confusions first, then what agreed.
    `GET /v1/calls?review=done&suggested_category=…&reviewed_category=…&since=…&to=…` lists a cell's calls."""

    reviewed: int
    agreed: int
    cells: tuple[Cell, ...]


class Stats(Record):
    """The figures of a period. While it is under way (`complete` false) all periods end on the same day of theirs.

    `pending`: days of it that are being counted anew at this moment; 0 when all figures are those of the calls.
    """

    period: str
    label: str
    span: Range
    previous_span: Range | None
    year_ago_span: Range
    complete: bool
    as_of: datetime
    pending: int
    city: str | None
    channel: str | None
    sentence: str
    now: Measures
    previous: Measures | None
    year_ago: Measures
    change: dict[str, Change]
    times: Times
    previous_times: Times | None
    by: dict[Dimension, tuple[Slice, ...]]
    step: Literal["day", "month"]
    course: tuple[Point, ...]
    confusion: Confusion
