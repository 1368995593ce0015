"""Admission: a bounded wait for the routes that work with the store."""

import asyncio
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from serving.limits import Admission


class Slow:
    """An application that answers when it is let."""

    def __init__(self) -> None:
        self.gate, self.inside, self.most = asyncio.Event(), 0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.gate.wait()
        self.inside -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def ask(app: Admission, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.update(status=message["status"], headers=dict(message["headers"]))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app({"type": "http", "path": path, "headers": []}, receive, send)
    return found


def test_few_at_a_time_some_wait_the_rest_are_refused_and_health_is_served() -> None:
    async def run() -> None:
        slow = Slow()
        app = Admission(slow, lambda batch: None, patience=0.5, together=2)
        app._pace.seconds = 0.2
        asked = [asyncio.create_task(ask(app, "/v1/calls")) for _ in range(20)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        health = asyncio.create_task(ask(app, "/healthz"))
        refused = [task for task in asked if task.done()]
        assert len(refused) == 20 - 2 - 6  # two are worked on; six more are 0.6 s, so the seventh would wait too long
        assert {task.result()["status"] for task in refused} == {429}
        assert all(int(task.result()["headers"][b"retry-after"]) >= 1 for task in refused)
        slow.gate.set()
        answers = await asyncio.gather(*asked, health)
        assert sum(answer["status"] == 200 for answer in answers) == 9
        assert slow.most <= 3  # two, and health
        assert (await ask(app, "/v1/calls"))["status"] == 200  # the places are free again

    asyncio.run(run())


def test_suggestions_wait_in_the_engine() -> None:
    async def run() -> None:
        asked: list[bool] = []

        def refusal(batch: bool) -> None:
            asked.append(batch)

        slow = Slow()
        slow.gate.set()
        app = Admission(slow, refusal, patience=0.5, together=1)
        for path in ("/v1/classify", "/v1/classify/batch", "/v1/taxonomy"):
            assert (await ask(app, path))["status"] == 200
        assert asked == [False, True]

    asyncio.run(run())
