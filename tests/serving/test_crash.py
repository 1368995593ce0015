"""kill −9 of the server and of the database while fifty operators write: nothing confirmed is lost, nothing doubled."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from serving.keys import KeyRing, Role
from serving.store.schema import CallRow, DecisionRow, SuggestionRow
from serving.store.store import Store
from tests import postgres
from tests.serving.test_serve import served

OPERATORS = 50


class Desk:
    """Fifty operators who take calls and decide them, and remember what was confirmed to them."""

    def __init__(self, state: Path, address: str) -> None:
        ring = KeyRing(state / "keys.json")
        self.address = address
        self.shown: dict[str, str] = {}
        self.decided: dict[str, str] = {}
        self.degraded = 0
        self._stop = threading.Event()
        self._keys = [ring.create(Role.OPERATOR, f"坐席{n}")[1] for n in range(OPERATORS)]
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(OPERATORS)]

    def __enter__(self) -> "Desk":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        headers = {"Authorization": f"Bearer {self._keys[number]}"}
        with httpx.Client(headers=headers, timeout=60) as client:
            while not self._stop.is_set():
                try:
                    self._one(client, number)
                except httpx.TransportError:
                    self._stop.wait(0.2)  # the server is gone; a new one may come

    def _one(self, client: httpx.Client, number: int) -> None:
        answer = client.post(f"{self.address}/v1/classify", json={"text": f"楼上漏水，物业不管，第{number}位"})
        if answer.status_code != 200:
            assert answer.status_code == 429, answer.text
            self._stop.wait(0.1)
            return
        s = answer.json()
        self.shown[s["call_id"]] = s["suggestion_id"]
        self.degraded += "store" in s["degraded"]
        destination = ("department", "hotline_12345", "police_station")[number % 3]
        body = {"suggestion_id": s["suggestion_id"], "destination": destination, "consent": "not_asked"}
        answer = client.post(f"{self.address}/v1/calls/{s['call_id']}/decision", json=body)
        if answer.status_code == 200:
            self.decided[s["call_id"]] = destination
        else:
            assert answer.status_code == 503, answer.text

    def wait(self, done: Callable[[], bool]) -> None:
        for _ in range(1200):
            if done():
                return
            time.sleep(0.05)
        pytest.fail(f"nothing moves: {len(self.shown)} shown, {len(self.decided)} decided")


def wait_until_stored(url: str, address: str, desk: Desk) -> None:
    store = Store(url)
    missing: set[str] = set()
    for _ in range(600):
        with store.reading() as session:
            missing = set(desk.decided) - set(session.scalars(select(DecisionRow.call_id)))
            missing |= set(desk.shown) - set(session.scalars(select(CallRow.id)))
        if not missing and httpx.get(f"{address}/readyz", timeout=30).json()["problems"] == []:
            break
        time.sleep(0.1)
    assert not missing, f"{len(missing)} confirmed calls are lost"
    with store.reading() as session:
        destinations = {row.call_id: row.destination for row in session.scalars(select(DecisionRow))}
        assert {call: destinations[call] for call in desk.decided} == desk.decided
        rows: dict[str, Any] = {row.id: row for row in session.scalars(select(SuggestionRow))}
        assert {rows[suggestion].call_id for suggestion in desk.shown.values()} == set(desk.shown)
        for table in (SuggestionRow, DecisionRow):
            most = session.scalar(select(func.count()).select_from(table).group_by(table.call_id)
                                  .order_by(func.count().desc()).limit(1))  # fmt: skip
            assert most == 1, f"something stands twice in {table.__tablename__}"
    store.close()


def test_the_server_is_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    with served(tmp_path) as (address, process), Desk(tmp_path, address) as desk:
        desk.wait(lambda: len(desk.decided) > 60)
        process.kill()
        process.wait()
    before = len(desk.decided)
    with served(tmp_path) as (address, _):
        wait_until_stored(url, address, desk)
    assert before > 60
    assert not (tmp_path / "rejected.jsonl").exists()


@pytest.fixture
def own() -> Iterator[postgres.Postgres]:
    server = postgres.Postgres()
    server.start()
    yield server
    server.remove()


def test_the_database_is_killed_then_the_server_and_both_come_back(tmp_path: Path, own: postgres.Postgres) -> None:
    settings = {"YIDIANTONG_DATABASE_URL": own.url}
    with served(tmp_path, **settings) as (address, process), Desk(tmp_path, address) as desk:
        desk.wait(lambda: len(desk.decided) > 30)
        own.kill()
        desk.wait(lambda: desk.degraded > 20)  # suggestions go on and say so
        before = len(desk.decided)
        desk.wait(lambda: len(desk.decided) > before + 20)  # decisions go on
        ready = httpx.get(f"{address}/readyz", timeout=60)
        assert ready.status_code == 200
        assert ready.json()["problems"] == ["store: StoreAway"]
        assert "yidiantong_store_up 0.0" in httpx.get(f"{address}/metrics", timeout=60).text
        process.kill()
        process.wait()
    with served(tmp_path, **settings) as (address, _):
        assert httpx.get(f"{address}/healthz").status_code == 200  # it starts without a database
        own.start()
        wait_until_stored(own.url, address, desk)
    assert not (tmp_path / "rejected.jsonl").exists()
