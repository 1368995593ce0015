"""Figures of a period with 环比 and 同比: as JSON, and to take away as CSV or XLSX."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from data.records import Record
from serving.api import RecorderOf, StoreOf
from serving.auth import ReviewerOrScientist
from serving.calls_api import away
from serving.decisions import wrong
from serving.figures import sheets
from serving.figures.confusion import Label, confused
from serving.figures.counts import Scope
from serving.figures.periods import EARLIEST, LATEST, Kind, Period, custom, period
from serving.figures.records import Confusion, Stats
from serving.figures.stats import stats
from serving.keys import Key, Role
from serving.problems import Problem, documented
from serving.store.filters import Code
from serving.store.queues import today
from serving.store.rollup import refresh
from serving.store.schema import CallRow
from serving.store.store import Store, StoreAway

router = APIRouter()
REFRESH_SECONDS = 0.5  # what is not counted by then is counted in the background, and `pending` says so
Day = Annotated[date, Field(strict=False, ge=EARLIEST, lt=LATEST)]


class StatsQuery(Record):
    """Which period of whose calls: the one that `day` (today if absent) lies in, or `custom` from `since` to `to`."""

    period: Kind | None = None
    day: Day | None = None
    since: Day | None = None
    to: Day | None = None
    city: Code | None = None
    channel: Literal["110", "12345"] | None = None

    def span(self, today: date) -> Period:
        """The period asked for.

        Raises:
            Problem: 422 for dates that go with another kind, are missing, or end before they begin.
        """
        kind = self.period or ("custom" if self.since or self.to else "month")
        if kind != "custom":
            if self.since or self.to:
                raise wrong("since" if self.since else "to", "goes with period=custom alone")
            return period(kind, self.day or today, today)
        if self.day or not self.since or not self.to:
            raise wrong("day" if self.day else "to" if self.since else "since", "custom takes since and to, both")
        try:
            return custom(self.since, self.to, today)
        except ValueError as error:
            raise wrong("to", str(error)) from error


class ConfusionQuery(StatsQuery):
    """Which label is compared."""

    label: Label = "category"


def place(key: Key, asked: str | None) -> str | None:
    """The city whose figures the key sees; None is all of them.

    Raises:
        Problem: 403 for another city's than its own.
    """
    own = None if key.role is Role.ADMIN else key.city
    if own and asked not in (None, own):
        raise Problem(403, "another city's figures")
    return own or asked


def figures(
    query: Annotated[StatsQuery, Query()], recorder: RecorderOf, store: StoreOf, key: ReviewerOrScientist
) -> Stats:
    """The figures that a request asks for, everything that this process wrote included."""
    scope = Scope(place(key, query.city), query.channel)
    chosen = query.span(today())
    recorder.settled()
    try:
        return counted(store, chosen, scope)
    except StoreAway as error:
        raise away() from error


def counted(store: Store, chosen: Period, scope: Scope) -> Stats:
    """The figures, after what changed was counted anew.

    Raises:
        StoreAway: the database does not answer.
    """
    refresh(store, REFRESH_SECONDS)
    with store.reading() as session:
        return stats(session, chosen, scope)


FiguresOf = Annotated[Stats, Depends(figures)]
PROBLEMS = documented(401, 403, 422, 503)


@router.get("/v1/stats", responses=PROBLEMS)
def read_stats(found: FiguresOf) -> Stats:
    """Figures of a period – this month so far unless it says otherwise – with 环比 and 同比, by every dimension."""
    return found


@router.get("/v1/stats.csv", response_class=Response, responses=PROBLEMS)
def stats_csv(found: FiguresOf) -> Response:
    """The same as one table, for spreadsheets (UTF-8 with its mark)."""
    return _file(sheets.as_csv(found), "text/csv; charset=utf-8", found, "csv")


@router.get("/v1/stats.xlsx", response_class=Response, responses=PROBLEMS)
def stats_xlsx(found: FiguresOf) -> Response:
    """The same as a workbook, a sheet for each table."""
    return _file(sheets.as_xlsx(found), sheets.XLSX, found, "xlsx")


@router.get("/v1/stats/confusion", responses=PROBLEMS)
def confusion(
    query: Annotated[ConfusionQuery, Query()], recorder: RecorderOf, store: StoreOf, key: ReviewerOrScientist
) -> Confusion:
    """Suggestion against review by category, urgency or destination, from the reviewed calls themselves."""
    chosen, city = query.span(today()).span, place(key, query.city)
    scope = [CallRow.day >= chosen.since, CallRow.day < chosen.until]
    scope += [CallRow.city == city] if city else []
    scope += [CallRow.channel == query.channel] if query.channel else []
    recorder.settled()
    try:
        with store.reading() as session:
            return confused(session, query.label, scope)
    except StoreAway as error:
        raise away() from error


def _file(content: bytes, media_type: str, found: Stats, ending: str) -> Response:
    name = f"yidiantong-{found.span.since:%Y%m%d}-{found.span.to:%Y%m%d}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)
