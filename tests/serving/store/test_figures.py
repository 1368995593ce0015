"""Figures are the sums of the calls, whatever changed; and periods are what 环比 and 同比 mean."""

import random
from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from data.taxonomy import categories, destinations
from serving.store.entries import AnyEntry, Happened
from serving.store.figures import MEASURES, PASSED_ON, Period, confusion, sums
from serving.store.schema import CallRow, FigureRow, StaleDay
from serving.store.store import Store
from tests.serving.store.made import ANNA, CLARA, NOON, decided, reviewed, suggested

YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))


def some(number: int, rng: random.Random) -> list[AnyEntry]:
    shown = suggested(
        f"c{number}", at=NOON + timedelta(hours=rng.randrange(200)), city=rng.choice(("hangzhou", "ningbo")),
        category=rng.choice(list(categories())), destination=rng.choice(list(destinations())),
        confident=rng.random() < 0.7,
        location={"text": "x", "district": "西湖区", "town": rng.choice(["古荡街道", None])},
    )  # fmt: skip
    entries: list[AnyEntry] = [shown]
    if rng.random() < 0.7:
        entries.append(decided(shown, consent=rng.choice(("given", "refused", "not_asked")),
                               overrode=rng.random() < 0.3, destination=rng.choice(list(destinations()))))  # fmt: skip
        if rng.random() < 0.2:
            entries.append(Happened(by=ANNA, call_id=shown.call_id, status="returned", owner="department"))
    if rng.random() < 0.3:
        entries.append(reviewed(shown.call_id, verdict="correct", category=rng.choice(list(categories()))))
    return entries


def by_hand(store: Store, city: str | None) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    with store.reading() as session:
        for row in session.scalars(select(CallRow)):
            if city not in (None, row.city):
                continue
            passed = destinations()[row.final_destination].track in PASSED_ON
            measures = {
                "calls": 1, "calls_110": row.channel == "110", "effective": row.final_police == "police",
                "non_police": row.final_police == "non_police", "invalid": row.final_police == "invalid",
                "diverted": row.final_police == "non_police" and passed, "decided": row.decided_at is not None,
                "overrode": row.overrode, "lowered": row.lowered, "returned": row.returned,
                "asked": row.consent in ("given", "refused"), "refused": row.consent == "refused",
                "unsure": not row.confident, "again": row.again, "reviewed": row.review == "done",
            }  # fmt: skip
            for key in (f"category {row.final_category}", f"hour {row.hour}", f"town {row.town or ''}", "all ",
                        f"day {row.day}"):  # fmt: skip
                found.setdefault(key, Counter()).update({name: int(value) for name, value in measures.items()})
    return found


def test_sums_are_those_of_the_calls(store: Store) -> None:
    rng = random.Random(7)
    for step in range(3):
        entries = [entry for number in range(60) for entry in some(60 * step + number, rng)]
        store.apply(entries)
        store.refresh_figures()
        for city in (None, "hangzhou"):
            expected = by_hand(store, city)
            with store.reading() as session:
                for dimension in ("all", "category", "hour", "town", "day"):
                    got = sums(session, dimension, YEAR, city)
                    assert {f"{dimension} {value}" for value in got} == {
                        k for k in expected if k.startswith(f"{dimension} ")
                    }
                    for value, measures in got.items():
                        for name in MEASURES[:-1]:
                            assert measures[name] == expected[f"{dimension} {value}"][name], (dimension, value, name)
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(StaleDay)) == 0


def test_a_late_change_is_counted_on_the_day_of_the_call(store: Store) -> None:
    shown = suggested("c1")
    store.apply([shown])
    store.refresh_figures()
    store.apply([decided(shown, at=NOON + timedelta(days=3), overrode=True, category="fight")])
    store.refresh_figures()
    with store.reading() as session:
        assert sums(session, "category", YEAR, None) == {"fight": sums(session, "all", YEAR, None)[""]}
        assert session.scalar(select(func.count(FigureRow.day.distinct()))) == 1


def test_repeat_calls(store: Store) -> None:
    hours = (0, 1, 74)
    store.apply([suggested(f"c{n}", at=NOON + timedelta(hours=h), numbers=("n1",)) for n, h in enumerate(hours)])
    store.apply([suggested("other", at=NOON + timedelta(hours=2), numbers=("n2",))])
    with store.reading() as session:
        again = session.scalars(select(CallRow.id).where(CallRow.again)).all()
    assert again == ["c1"]  # 73 hours after c1 is no repeat


def test_confusion(store: Store) -> None:
    store.apply([suggested("a"), suggested("b"), suggested("c"), suggested("d")])
    store.apply([reviewed("a"), reviewed("b", verdict="correct", category="noise"),
                 reviewed("c", by=CLARA, verdict="unusable", category=None, urgency=None, destination=None)])  # fmt: skip
    with store.reading() as session:
        assert sorted(confusion(session, "category", YEAR, [])) == [
            ("neighbour_dispute", "neighbour_dispute", 1), ("neighbour_dispute", "noise", 1)]  # fmt: skip


@pytest.mark.parametrize(
    ("since", "to", "before", "year_ago"),
    [
        ("2026-11-01", "2026-11-26", ("2026-10-01", "2026-10-26"), ("2025-11-01", "2025-11-26")),
        ("2026-03-01", "2026-03-31", ("2026-02-01", "2026-02-28"), ("2025-03-01", "2025-03-31")),
        ("2026-02-01", "2026-02-28", ("2026-01-01", "2026-01-31"), ("2025-02-01", "2025-02-28")),
        ("2026-03-01", "2026-03-30", ("2026-02-01", "2026-02-28"), ("2025-03-01", "2025-03-30")),
        ("2026-11-20", "2026-11-26", ("2026-11-13", "2026-11-19"), ("2025-11-20", "2025-11-26")),
        ("2028-02-29", "2028-02-29", ("2028-02-28", "2028-02-28"), ("2027-02-28", "2027-02-28")),
        ("2026-01-01", "2026-01-31", ("2025-12-01", "2025-12-31"), ("2025-01-01", "2025-01-31")),
    ],
)
def test_periods(since: str, to: str, before: tuple[str, str], year_ago: tuple[str, str]) -> None:
    period = Period(date.fromisoformat(since), date.fromisoformat(to))
    assert (str(period.before.since), str(period.before.to)) == before
    assert (str(period.year_ago.since), str(period.year_ago.to)) == year_ago
