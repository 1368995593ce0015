"""A crowd that comes at once: some are answered, the rest told when to come again, nothing is lost, health is served."""

import asyncio
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from sqlalchemy import select

from serving.store.schema import CallRow
from serving.store.store import Store
from tests.bench.client import Ask, Crowd, Tally
from tests.serving.test_serve import first_keys, served

HEALTH = Ask("GET", "/healthz")


async def rush(address: str, asks: Sequence[Ask]) -> tuple[Tally, Tally]:
    """All of them at once; what became of them, and of health meanwhile."""
    crowd, tally, health, done = Crowd(address), Tally(), Tally(), asyncio.Event()
    watching = asyncio.create_task(crowd.watch(HEALTH, 0.02, health, done.is_set))
    await asyncio.gather(*(crowd.one(ask, tally, keep=True) for ask in asks))
    done.set()
    await watching
    crowd.connections.close()
    return tally, health


def test_a_crowd_is_answered_or_told_when_to_come_again(tmp_path: Path) -> None:
    settings = {"YIDIANTONG_QUEUE_SECONDS": "0.05", "YIDIANTONG_THREADS": "1", "YIDIANTONG_CONCURRENCY": "1"}
    with served(tmp_path, **settings) as (address, _):
        keys, number = first_keys(tmp_path), count()
        shown: list[str] = []

        def single() -> Ask:
            return Ask("POST", "/v1/classify", keys["operator"], {"text": f"楼上漏水，第{next(number)}位"})

        first, _ = asyncio.run(rush(address, [single()]))
        batch = Ask("POST", "/v1/classify/batch", keys["operator"], {"calls": [{"text": "路灯坏了"}] * 64})
        seen = Ask("GET", f"/v1/calls/{first.answers[0]['call_id']}", keys["reviewer"])
        for asks in ([single() for _ in range(300)], [batch] * 20, [seen] * 300):
            tally, health = asyncio.run(rush(address, asks))
            assert set(tally.statuses) == {200, 429}, tally.statuses
            assert (tally.lost, tally.unadvised) == (0, 0)
            assert tally.statuses.total() == len(asks)
            assert set(health.statuses) == {200}
            found = [s for answer in tally.answers for s in answer.get("suggestions", [answer])]
            shown += [suggestion["call_id"] for suggestion in found if "call_id" in suggestion]
        again, _ = asyncio.run(rush(address, [single()]))
        assert again.statuses == {200: 1}
    store = Store(f"sqlite:///{tmp_path}/calls.db")  # what was shown is written down, when the service has ended
    with store.reading() as session:
        assert set(shown) <= set(session.scalars(select(CallRow.id)))
    store.close()
