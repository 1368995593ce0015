"""The figures of a small November, counted by hand, on both databases."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from serving.figures.counts import Scope
from serving.figures.periods import Period, custom, period
from serving.figures.records import Stats
from serving.figures.stats import stats
from serving.stats_api import counted
from serving.store.entries import Happened, Suggested
from serving.store.rollup import FigureRow, StaleRow, refresh
from serving.store.schema import Base, CallRow, DecisionRow, ReviewRow, SuggestionRow, TranscriptRow
from serving.store.store import Store
from tests.serving.store.made import ANNA, decided, reviewed, suggested

TODAY = date(2027, 3, 1)
NOVEMBER = period("month", date(2026, 11, 15), TODAY)
LEAK = {"category": "neighbour_dispute", "destination": "grassroots_platform"}
THEFT = {"category": "theft", "destination": "police_station"}
ASKING = {"category": "gov_consult", "destination": "hotline_12345"}
SILENT = {"category": "silent", "destination": "operator_closes"}


def at(day: str, time: str = "12:00:00") -> datetime:
    """Local time of Hangzhou."""
    return datetime.fromisoformat(f"{day}T{time}+08:00").astimezone(UTC)


def call(name: str, when: datetime, **changes: Any) -> Suggested:
    return suggested(name, at=when, **changes)


def late(shown: Suggested, seconds: float) -> datetime:
    return shown.at + timedelta(seconds=seconds)


@pytest.fixture
def november(store: Store) -> Store:
    """A store with these calls, to be changed."""
    return fill(store)


@pytest.fixture(scope="module")
def read_only(migrated: Store) -> Store:
    """The same, for all tests that change nothing; they stand first."""
    with migrated.writing() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
    return fill(migrated)


def fill(store: Store) -> Store:
    """Ten calls in November 2026, four in October, one in November 2025, and neighbours just outside of each."""
    gudang = {"location": {"text": "古荡", "district": "西湖区", "town": "古荡街道"}}
    paitou = {"location": {"text": "牌头", "district": "诸暨市", "town": "牌头镇"}}
    now = [
        call("n1", at("2026-11-01", "00:00:00"), **THEFT, **gudang),  # the first moment of the month
        call("n2", at("2026-11-30", "23:59:59"), **THEFT, confident=False),  # and its last
        call("n3", at("2026-11-10", "08:30:00"), **LEAK, **gudang),
        call("n4", at("2026-11-10", "08:59:59"), **LEAK, **gudang),
        call("n5", at("2026-11-10", "09:00:00"), **LEAK, **paitou),
        call("n6", at("2026-11-11"), **ASKING),
        call("n7", at("2026-11-11"), **ASKING),
        call("n8", at("2026-11-12"), **SILENT),
        call("n9", at("2026-11-13"), **LEAK, confident=False),
        call("n10", at("2026-11-14"), city="ningbo", **THEFT),
    ]
    others = [
        call("o0", at("2026-10-31", "23:59:59"), **THEFT),  # still October in Hangzhou, 15:59 UTC
        call("o1", at("2026-10-01"), **THEFT),
        call("o2", at("2026-10-02"), **THEFT),
        call("o3", at("2026-10-03"), **LEAK),
        call("y1", at("2025-11-30"), **THEFT),
        call("d1", at("2026-12-01", "00:00:00"), **THEFT),  # already December
        call("s1", at("2026-09-30", "23:59:59"), **THEFT),
        call("x1", at("2025-10-31"), **THEFT),
    ]
    by_name = {shown.call_id: shown for shown in now}
    store.apply([*now, *others])
    store.apply(
        [
            decided(by_name["n1"], at=late(by_name["n1"], 10)),
            # the caller refuses: the matter stays with the police and is not diverted
            decided(by_name["n3"], at=late(by_name["n3"], 20), consent="refused", destination="police_station"),
            decided(by_name["n4"], at=late(by_name["n4"], 30.9), consent="given"),
            decided(by_name["n5"], at=late(by_name["n5"], 40), consent="given", overrode=True, destination="department"),
            decided(by_name["n6"], at=late(by_name["n6"], 3725), consent="given"),
            decided(by_name["n8"], at=late(by_name["n8"], 5)),  # closed at the desk: nobody could return it
            Happened(by=ANNA, at=late(by_name["n5"], 90), call_id="n5", status="returned", owner="mediation_centre",
                     reason="不属职责"),
            # the reviewers: n3 and n4 were right, n9 was noise, which is the police's in Hangzhou
            reviewed("n3", category="neighbour_dispute", destination="police_station"),
            reviewed("n4", category="neighbour_dispute"),
            reviewed("n9", verdict="correct", category="noise", destination="police_station"),
            reviewed("n7", verdict="unusable", category=None, urgency=None, destination=None),
        ]
    )  # fmt: skip
    return store


def figures(store: Store, chosen: Period = NOVEMBER, city: str | None = None, channel: str | None = None) -> Stats:
    refresh(store)  # a busy machine may not get through in the time that a request takes for it
    return counted(store, chosen, Scope(city, channel))


def test_measures(read_only: Store) -> None:
    found = figures(read_only, city="hangzhou")
    expected = {
        "calls": 9,  # n1–n9; n10 is Ningbo's
        "effective": 3,  # n1, n2, and n9 since its review
        "invalid": 1,  # n8
        "non_police": 5,  # n3, n4, n5, n6, n7
        "diverted": 4,  # n4, n5, n6, n7; n3 refused
        "unsure": 2,  # n2, n9
        "decided": 6,  # n1, n3, n4, n5, n6, n8
        "overrode": 1,  # n5
        "handed_on": 5,  # the decided ones but n8
        "returned": 1,  # n5
        "asked": 4,
        "given": 3,
        "refused": 1,
        "again": 0,
    }
    assert {name: getattr(found.now, name) for name in expected} == expected
    assert found.now.diversion_rate == pytest.approx(4 / 9)
    assert found.now.override_rate == pytest.approx(1 / 6)
    assert found.now.return_rate == pytest.approx(1 / 5)
    assert found.now.refusal_rate == pytest.approx(1 / 4)
    assert found.now.unsure_rate == pytest.approx(2 / 9)


def test_compared(read_only: Store) -> None:
    found = figures(read_only, city="hangzhou")
    assert found.previous is not None
    assert (found.previous.calls, found.previous.effective, found.previous.diverted) == (4, 3, 1)
    assert (found.year_ago.calls, found.year_ago.effective, found.year_ago.diverted) == (1, 1, 0)
    assert found.change["calls"].model_dump() == {"previous": 1.25, "year_ago": 8.0}
    assert found.change["effective"].model_dump() == {"previous": 0.0, "year_ago": 2.0}
    assert found.change["diverted"].model_dump() == {"previous": 3.0, "year_ago": None}
    points = found.change["diversion_rate"]
    assert points.previous == pytest.approx(4 / 9 - 1 / 4)
    assert points.year_ago == pytest.approx(4 / 9)
    assert found.change["return_rate"].previous is None  # nothing was handed on in October
    assert found.sentence == (
        "杭州市2026年11月共接报有效警情3起，环比持平，同比上升200.0%；分流非警务4件，环比上升300.0%，"
        "同比不可比（基数为0），分流率44.4%，其中12345 政务热线2件、镇街基层治理四平台1件、职能部门直派1件。"
    )


def by(found: Stats, dimension: Any) -> dict[str, int]:
    return {part.value: part.calls for part in found.by[dimension] if part.calls}


def test_dimensions(read_only: Store) -> None:
    found = figures(read_only, city="hangzhou")
    # the best known: n9 counts as noise
    assert by(found, "category") == {"neighbour_dispute": 3, "gov_consult": 2, "theft": 2, "noise": 1, "silent": 1}
    assert by(found, "group") == {"dispute": 3, "consult": 2, "crime": 2, "public_order": 1, "invalid": 1}
    assert by(found, "destination") == {
        "police_station": 4, "hotline_12345": 2, "department": 1, "grassroots_platform": 1, "operator_closes": 1,
    }  # fmt: skip
    assert by(found, "track") == {"police": 4, "grassroots": 2, "hotline": 2, "close": 1}
    assert by(found, "town") == {"西湖区|古荡街道": 3, "诸暨市|牌头镇": 1, "|": 5}
    assert by(found, "hour") == {"0": 1, "8": 2, "9": 1, "12": 4, "23": 1}
    assert len(found.by["hour"]) == 24
    (theft,) = [part for part in found.by["category"] if part.value == "theft"]
    assert (theft.previous, theft.year_ago, theft.name, theft.within) == (3, 1, "盗窃", "刑事")
    town = found.by["town"][1]
    assert (town.name, town.within, town.diverted) == ("古荡街道", "西湖区", 1)
    for dimension, parts in found.by.items():
        for measure in ("calls", "effective", "diverted", "decided", "returned"):
            assert sum(getattr(part, measure) for part in parts) == getattr(found.now, measure), dimension


def test_course(read_only: Store) -> None:
    found = figures(read_only, city="hangzhou")
    assert found.step == "day"
    assert len(found.course) == 30
    assert {point.start.day: point.calls for point in found.course if point.calls} == {
        1: 1, 10: 3, 11: 2, 12: 1, 13: 1, 30: 1,
    }  # fmt: skip
    assert found.course[0].previous_effective == 1
    assert found.course[2].previous_diverted == 1
    year = figures(read_only, period("year", date(2026, 1, 1), TODAY))
    assert year.step == "month"
    assert {point.start.month: point.calls for point in year.course if point.calls} == {9: 1, 10: 4, 11: 10, 12: 1}


def test_times(read_only: Store) -> None:
    found = figures(read_only, city="hangzhou").times
    # 5, 10, 20, 30 (30.9 s), 40, 3700 (3725 to hundreds): half of six is reached by the third
    assert found.decision_seconds.model_dump() == {"median": 20, "p95": 3700}
    assert found.suggestion_ms.model_dump() == {"median": 6, "p95": 6}


def test_confusion(read_only: Store) -> None:
    found = figures(read_only).confusion
    assert (found.reviewed, found.agreed) == (3, 2)  # the unusable one says nothing of its category
    assert [(cell.suggested, cell.reviewed, cell.calls) for cell in found.cells] == [
        ("neighbour_dispute", "noise", 1),
        ("neighbour_dispute", "neighbour_dispute", 2),
    ]


def test_scope(read_only: Store) -> None:
    assert figures(read_only).now.calls == 10
    ningbo = figures(read_only, city="ningbo")
    assert (ningbo.now.calls, ningbo.now.effective) == (1, 1)
    assert ningbo.sentence == (
        "宁波市2026年11月共接报有效警情1起，环比无可比数据，同比无可比数据；分流非警务0件，分流率0.0%。"
    )
    assert figures(read_only, channel="12345").now.calls == 0
    assert figures(read_only, channel="110").now.calls == 10


@pytest.mark.parametrize(
    ("since", "to", "calls"),
    [
        (date(2026, 10, 31), date(2026, 11, 30), 11),  # a day and a whole month
        (date(2026, 11, 1), date(2026, 12, 1), 11),  # a whole month and a day
        (date(2026, 11, 2), date(2026, 11, 30), 9),
        (date(2026, 10, 3), date(2026, 11, 10), 6),
        (date(2026, 9, 30), date(2026, 12, 1), 16),
        (date(2026, 11, 10), date(2026, 11, 10), 3),
    ],
)
def test_spans_of_months_and_days(read_only: Store, since: date, to: date, calls: int) -> None:
    assert figures(read_only, custom(since, to, TODAY)).now.calls == calls


def test_a_call_that_stays_with_the_hotline_it_came_by_is_not_diverted(store: Store) -> None:
    asked, passed = call("h1", at("2026-11-05"), **ASKING), call("h2", at("2026-11-05"), **LEAK)
    store.apply([shown.model_copy(update={"channel": "12345"}) for shown in (asked, passed)])
    found = figures(store)
    assert (found.now.calls, found.now.non_police, found.now.diverted) == (2, 2, 1)


def test_nothing(store: Store) -> None:
    found = figures(store)
    assert found.now.calls == 0
    assert found.now.diversion_rate is None
    assert found.change["calls"].model_dump() == {"previous": None, "year_ago": None}
    assert found.times.decision_seconds.median is None
    assert found.sentence == "2026年11月未接报来电。"
    assert [len(parts) for name, parts in found.by.items() if name != "hour"] == [0, 0, 0, 0, 0]
    assert len(found.course) == 30


Change = Callable[[Any], None]


def purge(session: Any) -> None:
    session.execute(update(CallRow).values(purged_at=at("2027-02-01")))
    session.execute(delete(TranscriptRow))


def forget(session: Any) -> None:
    for table in (TranscriptRow, SuggestionRow, DecisionRow, ReviewRow):
        session.execute(delete(table).where(table.call_id == "n1"))
    session.execute(delete(CallRow).where(CallRow.id == "n1"))


def rename(session: Any) -> None:
    session.execute(update(CallRow).where(CallRow.id == "n1").values(final_category="robbery"))


def test_purged_calls_still_count(november: Store) -> None:
    with november.writing() as session:
        purge(session)
    assert figures(november).now.calls == 10


@pytest.mark.parametrize(("change", "theft"), [(forget, 2), (rename, 2)])
def test_whatever_changes_a_call_is_counted_anew(november: Store, change: Change, theft: int) -> None:
    assert by(figures(november), "category")["theft"] == 3
    with november.writing() as session:
        change(session)
    assert by(figures(november), "category")["theft"] == theft


def test_counting_twice_changes_nothing(november: Store) -> None:
    refresh(november)
    one = everything(november)
    with november.writing() as session:
        session.execute(update(CallRow).values(lottery=0.5))
    assert refresh(november)
    assert everything(november) == one


def everything(store: Store) -> list[Any]:
    with store.reading() as session:
        columns = FigureRow.__table__.columns
        return [tuple(row) for row in session.execute(select(*columns).order_by(*FigureRow.__table__.primary_key))]


def test_what_is_left_to_count_is_said(november: Store) -> None:
    assert not refresh(november, 0)
    with november.reading() as session:
        assert session.scalar(select(StaleRow.id).limit(1)) is not None
    with november.reading() as session:
        found = stats(session, NOVEMBER, Scope("hangzhou"))
    assert (found.pending, found.now.calls) == (6 + 4 + 1, 0)  # days with calls in Hangzhou, in all three months
    assert figures(november).pending == 0


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)  # SQLite lets one transaction write at a time
def test_two_writers_and_a_counter_at_once(november: Store) -> None:
    """A change that is under way while the day is counted is counted afterwards."""
    refresh(november)
    with november.writing() as one:
        one.execute(update(CallRow).where(CallRow.id == "n2").values(final_category="robbery"))
        one.flush()
        with november.writing() as two:
            two.execute(update(CallRow).where(CallRow.id == "n1").values(final_category="robbery"))
        refresh(november)
    assert by(figures(november), "category")["robbery"] == 2
