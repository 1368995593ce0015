"""What holds for every request: bounds on its size and on its waiting, and headers that tell browsers to be careful."""

import asyncio
import math
import time
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import metrics
from serving.line import Pace
from serving.problems import SECURITY_HEADERS, Problem, respond

# Bodies are read before the key is looked at, so they are not much larger than they have to be: one call of 20,000
# characters, each escaped as a surrogate pair, in 400 turns – and a batch.
MAX_BODY = 2**21
MAX_BODIES = {"/v1/classify/batch": 16 * 2**20}
# Requests that work with the store at a time: more threads do not make Python faster, only the clock slower.
TOGETHER = 3
Refusal = Callable[[bool], Problem | None]


class BodyLimit:
    """ASGI middleware: a body over `MAX_BODY` bytes – on some paths, over `MAX_BODIES` – ends with 413."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts while the body is read."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = MAX_BODIES.get(scope["path"], MAX_BODY)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await respond(Problem(413, f"at most {limit} bytes"))(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413)  # the one kind FastAPI lets through while it reads a body
            return message

        await self.app(scope, counted, send)


class SecurityHeaders:
    """ASGI middleware: adds `SECURITY_HEADERS` to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Watches for the start of the response."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self.app(scope, receive, marked)


class Admission:
    """ASGI middleware: a request that would wait longer than `patience` seconds ends with 429 before it is even read.

    `refusal` says so for requests for suggestions (argument: whether it is a batch), which wait in the engine. All
    other requests of the API wait here, at most `together` of them being worked on until their answer begins.
    Pages, health and decisions are never refused.
    """

    def __init__(self, app: ASGIApp, refusal: Refusal, patience: float, together: int = TOGETHER) -> None:
        self.app, self._refusal, self._patience, self._together = app, refusal, patience, together
        self._places = asyncio.Semaphore(together)
        self._waiting = 0
        self._pace = Pace()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses, or waits for a place."""
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith("/v1/classify"):
            refused = self._refusal(path.endswith("/batch"))
        elif path.startswith("/v1/"):
            # An operator's decision is never turned away; it waits.
            refused = None if path.endswith("/decision") else self._full()
        else:
            await self.app(scope, receive, send)
            return
        if refused:
            await respond(refused)(scope, receive, send)
        elif path.startswith("/v1/classify"):
            await self.app(scope, receive, send)
        else:
            await self._in_turn(scope, receive, send)

    def _full(self) -> Problem | None:
        wait = self._waiting * self._pace.seconds / self._together
        if wait <= self._patience:
            return None
        metrics.refused.inc()
        return Problem(429, "too many wait already", retry_after=math.ceil(wait))

    async def _in_turn(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        begun, held = time.perf_counter(), True

        def leave() -> None:
            nonlocal held
            if held:
                held = False
                self._places.release()
                self._pace.took(time.perf_counter() - begun)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                leave()  # what streams on, a download or the wall, takes no place
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            leave()
