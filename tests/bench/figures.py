"""`python -m tests.bench.figures [CALLS] [SQLite|PostgreSQL]`: what the figures page costs at a million stored calls, on both databases.

Two years of calls of five cities up to today, a day's calls drawn from the same few thousand. Filled by SQL alone.
"""

import csv
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert, select, text

from data.policy import policies
from data.tables import DATA_DIR
from data.taxonomy import categories
from serving.figures.counts import Scope
from serving.figures.periods import custom, period
from serving.figures.records import Stats
from serving.figures.sheets import as_csv, as_xlsx
from serving.stats_api import counted
from serving.store.entries import Suggested
from serving.store.filters import CallFilter
from serving.store.queues import today
from serving.store.rollup import refresh
from serving.store.schema import CallRow
from serving.store.state import opened
from serving.store.store import Store
from tests import postgres
from tests.serving.store.made import ANNA, suggestion

DAYS, EVERY = 730, 5  # a template is a call of every fifth day
CITIES = ("hangzhou", "hangzhou", "hangzhou", "ningbo", "ningbo", "wenzhou", "wenzhou", "shaoxing", "jinhua")
KEPT = ("calls_by_day", "calls_by_category", "calls_recent", "calls_by_city")


def template(number: int, chance: random.Random, places: list[dict[str, str]], first: date) -> dict[str, Any]:
    """A call as it stands in its row, with everything that may have happened to it."""
    codes = list(categories())
    category = codes[min(int(chance.expovariate(1 / 12)), len(codes) - 1)]
    place = chance.choice(places) if chance.random() < 0.7 else {"district": None, "town": None}
    city = chance.choice(CITIES)
    rule = (policies().get(city) or policies()["hangzhou"]).rules[category]
    destination = rule.destination(categories()[category].default_urgency)
    started = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(seconds=chance.randrange(57_600))
    shown = suggestion(f"t{number}", category, destination=destination, confident=chance.random() < 0.8, location=place)
    row = opened(
        Suggested(by=ANNA, at=started, call_id=f"t{number}", city=city, channel="110", turns=(),
                  suggestion=shown)
    )  # fmt: skip
    row.elapsed_ms, row.again, row.returned = chance.gauss(9, 2), chance.random() < 0.05, chance.random() < 0.02
    if chance.random() < 0.95:
        row.decided_at, row.consent = started + timedelta(seconds=chance.lognormvariate(4, 0.6)), "not_asked"
        row.decided_destination, row.overrode = destination, chance.random() < 0.1
    if chance.random() < 0.04:
        row.review, row.reviewed_category = "done", category if chance.random() < 0.85 else chance.choice(codes)
    names = [attribute.key for attribute in CallRow.__mapper__.column_attrs]
    return {name: getattr(row, name) for name in names}


def fill(store: Store, calls: int) -> None:
    """`calls` of them in the two years up to today."""
    chance, first = random.Random(5), today() - timedelta(DAYS - 1)
    places = list(csv.DictReader((DATA_DIR / "places" / "zhejiang.csv").read_text(encoding="utf-8").splitlines()))
    places = [place for place in places if place["town"]]
    templates = [template(number, chance, places, first) for number in range(calls * EVERY // DAYS)]
    moved = {"id": "t.id || '-' || d.n", "day": "d.day"}
    for name in ("started_at", "last_at", "decided_at"):
        moved[name] = (f"strftime('%Y-%m-%d %H:%M:%f000', t.{name}, d.n || ' days')" if store.is_sqlite
                       else f"t.{name} + d.n * interval '1 day'")  # fmt: skip
    table: Any = CallRow.__table__
    columns = [column.name for column in table.columns]
    chosen = ", ".join(moved.get(name, f't."{name}"') for name in columns)
    quoted = ", ".join(f'"{name}"' for name in columns)
    with store.writing() as session:
        for index in table.indexes:  # the queues' are not the page's
            if index.name not in KEPT:
                session.execute(text(f"DROP INDEX {index.name}"))
        session.execute(insert(CallRow), templates)
        session.execute(text("CREATE TABLE bench_days (n integer, day date)"))
        days = [
            {"n": n, "day": str(first + timedelta(n)) if store.is_sqlite else first + timedelta(n)} for n in range(DAYS)
        ]
        session.execute(text("INSERT INTO bench_days VALUES (:n, :day)"), days)
        session.execute(
            text(f"INSERT INTO calls ({quoted}) SELECT {chosen} FROM calls t JOIN bench_days d "
                 f"ON (CAST(substr(t.id, 2) AS integer) + d.n) % {EVERY} = 0")
        )  # fmt: skip
        session.execute(text("DELETE FROM calls WHERE id NOT LIKE '%-%'"))
        session.execute(text("DROP TABLE bench_days"))
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def milliseconds(work: Callable[[], object], rounds: int = 7) -> str:
    """Median and slowest of some rounds, the first (cold) one apart; and this process's own work in each, which a busy
    machine stretches (SQLite works in it, PostgreSQL does not)."""
    found, worked = [], time.process_time()
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        found.append((time.perf_counter() - begun) * 1e3)
    own = (time.process_time() - worked) * 1e3 / rounds
    return f"{statistics.median(found[1:]):.0f} | {max(found[1:]):.0f} | {found[0]:.0f} | {own:.0f}"


def grouped(store: Store, since: date, until: date) -> int:
    """What one dimension of one period takes without the roll-up."""
    with store.reading() as session:
        query = text("SELECT final_category, count(*), sum(CASE WHEN final_police = 'police' THEN 1 ELSE 0 END) FROM calls "
                     "WHERE day >= :since AND day < :until GROUP BY final_category")  # fmt: skip
        bounds = {"since": str(since), "until": str(until)} if store.is_sqlite else {"since": since, "until": until}
        return len(session.execute(query, bounds).all())


def listed(store: Store, chosen: CallFilter) -> int:
    """A drill-down's first page."""
    query = select(CallRow).where(*chosen.conditions()).order_by(CallRow.started_at.desc(), CallRow.id.desc()).limit(51)
    with store.reading() as session:
        return len(session.scalars(query).all())


def touched(store: Store) -> None:
    """A change of some of today's calls, and counting them anew."""
    with store.writing() as session:
        day = str(today()) if store.is_sqlite else today()
        session.execute(text("UPDATE calls SET lottery = lottery WHERE day = :day AND hour = 9"), {"day": day})
    refresh(store)


def files(stats: Stats) -> None:
    """Both downloads."""
    as_csv(stats)
    as_xlsx(stats)


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Addresses of an empty one of each kind."""
    with tempfile.TemporaryDirectory() as folder, postgres.server() as server, postgres.database(server) as address:
        yield {"SQLite": f"sqlite:///{folder}/calls.db", "PostgreSQL": address}


def main() -> None:
    """Prints a Markdown table."""
    calls, day = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, today()
    print("| milliseconds | median | slowest | first | own CPU |\n| --- | --- | --- | --- | --- |")
    with databases() as addresses:
        for name in sys.argv[2:] or addresses:
            store = Store(addresses[name])
            store.migrate()
            begun = time.perf_counter()
            fill(store, calls)
            filled = time.perf_counter()
            refresh(store)
            built = time.perf_counter()
            spans = {kind: period(kind, day, day) for kind in ("day", "week", "month", "quarter", "year")}
            spans["two years"] = custom(day - timedelta(DAYS - 1), day, day)
            spans["59 days across months"] = custom(day - timedelta(58), day, day)
            for title, chosen in spans.items():
                print(f"| {name}, {title} | {milliseconds(partial(counted, store, chosen, Scope()))} |", flush=True)
            one = partial(counted, store, spans["year"], Scope("hangzhou", "110"))
            print(f"| {name}, year, one city and line | {milliseconds(one)} |")
            stats = counted(store, spans["two years"], Scope())
            print(f"| {name}, CSV and XLSX of two years | {milliseconds(partial(files, stats), 3)} |")
            print(f"| {name}, today's calls change, counted anew | {milliseconds(partial(touched, store))} |")
            cell = stats.confusion.cells[0]
            drill = CallFilter(suggested_category=cell.suggested, reviewed_category=cell.reviewed, review="done",
                               since=day - timedelta(364), to=day)  # fmt: skip
            print(f"| {name}, drill-down | {milliseconds(partial(listed, store, drill))} |")
            plain = partial(grouped, store, day - timedelta(364), day)
            print(f"| {name}, one dimension of a year grouped from the calls | {milliseconds(plain, 3)} |")
            print(f"\n{name}: {stats.now.calls:,} calls, filled in {filled - begun:.0f} s, all counted in "
                  f"{built - filled:.0f} s\n", flush=True)  # fmt: skip
            store.close()


if __name__ == "__main__":
    main()
