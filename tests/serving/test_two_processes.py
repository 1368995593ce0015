"""Several processes on one database share nothing else: each sees what the other wrote, nothing is lost or doubled."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from serving.keys import KeyRing, Role
from serving.store.schema import CallRow, DecisionRow, SuggestionRow
from serving.store.store import Store
from tests import postgres
from tests.bench.client import Ask
from tests.serving.test_load import rush
from tests.serving.test_serve import served

CALLS = 40
QUICK = {"YIDIANTONG_RELEASE": "nowhere", "YIDIANTONG_QUEUE_SECONDS": "60"}  # the linear model: quick to start


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/calls.db"
        return
    with postgres.server() as server, postgres.database(server) as address:
        yield address


def test_two_processes_share_nothing_but_the_store(url: str, tmp_path: Path) -> None:
    states = [tmp_path / name for name in ("one", "two")]
    for state in states:
        state.mkdir()
    operator = KeyRing(states[0] / "keys.json").create(Role.OPERATOR, "坐席")[1]
    (states[1] / "keys.json").write_bytes((states[0] / "keys.json").read_bytes())
    with ExitStack() as stack:  # both start at once on an empty database, so they migrate at once, too
        services = [stack.enter_context(served(state, **QUICK, YIDIANTONG_DATABASE_URL=url)) for state in states]
        addresses = [address for address, _ in services]
        shown: dict[str, str] = {}

        async def both() -> None:
            asks = [Ask("POST", "/v1/classify", operator, {"text": f"楼上漏水，第{n}位"}) for n in range(CALLS)]
            for tally, _ in await asyncio.gather(*(rush(address, asks) for address in addresses)):
                assert tally.statuses == {200: CALLS}
                shown.update({answer["call_id"]: answer["suggestion_id"] for answer in tally.answers})

        asyncio.run(both())
        assert len(shown) == CALLS * 2
        with httpx.Client(headers={"Authorization": f"Bearer {operator}"}, timeout=60) as client:
            for address in addresses:  # what the one has written is there once it says that it has nothing to write
                assert client.get(f"{address}/v1/calls").status_code == 200
            for number, (call, suggestion) in enumerate(shown.items()):  # half are decided where they were not shown
                body = {
                    "suggestion_id": suggestion,
                    "destination": "department",
                    "consent": "not_asked",
                    "reason": "已核实",
                }
                answer = client.post(f"{addresses[number % 2]}/v1/calls/{call}/decision", json=body)
                assert answer.status_code == 200, answer.text
            for address in addresses:
                client.get(f"{address}/v1/calls")
                seen = {line["call_id"] for line in client.get(f"{address}/v1/calls?limit=500").json()["calls"]}
                assert seen == set(shown)
    store = Store(url)
    with store.reading() as session:
        for table in (CallRow, SuggestionRow, DecisionRow):
            assert session.scalar(select(func.count()).select_from(table)) == len(shown), table
    store.close()
    for state in states:
        assert not (state / "rejected.jsonl").exists()
