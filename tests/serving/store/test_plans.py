"""Which index SQLite takes: with many calls a wrong one reads all of them."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, func, select, text

from serving.store import queues
from serving.store.schema import QUEUE_ORDER, CallRow
from serving.store.store import Store
from tests.bench.reviews import fill


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('plans')}/calls.db")
    store.migrate()
    fill(store, 4_000)
    store.analyse()
    store.engine.dispose()
    return store


def plan(store: Store, query: Select[Any]) -> str:
    with store.reading() as session:
        words = query.compile(store.engine, compile_kwargs={"literal_binds": True})
        return str(session.execute(text(f"EXPLAIN QUERY PLAN {words}")).all()[0][3])


@pytest.mark.parametrize("queue", [queue for queue in QUEUE_ORDER if queue != "drift"])
@pytest.mark.parametrize("city", ["", "hangzhou"])
def test_a_queue_is_counted_by_its_own_index(filled: Store, queue: str, city: str) -> None:
    conditions = [*queues.waiting(queue, "reviewer", 0.02, ()), *([CallRow.city == city] if city else [])]
    query = select(func.count()).select_from(CallRow).where(*conditions)
    assert f"INDEX queue_{queue}" in plan(filled, query)


def test_analysing_is_nothing_to_do_while_there_are_no_tables(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/calls.db")
    store.analyse()
    store.close()
