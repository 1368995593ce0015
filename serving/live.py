"""Live calls: turns come in over a WebSocket while the caller talks, suggestions go out; the newest text wins."""

import asyncio
import re
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import structlog
from anyio import CancelScope
from fastapi import APIRouter, Path, WebSocket
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect, WebSocketState

from data.records import Call, Suggestion
from model.suggest import Advice
from serving import metrics
from serving.auth import has_token, offered, session_holder
from serving.engine import Engine
from serving.keys import Key, KeyFileError, KeyRing, Role
from serving.live_calls import Closed, LiveCall, LiveCalls
from serving.live_messages import EndMessage, LiveSuggestion, StartMessage, as_message, live_suggestion, notes, parse
from serving.problems import Problem
from serving.related import Related
from serving.sessions import same_origin
from serving.store.recorder import Recorder
from serving.wall import Card

PROTOCOL = "yidiantong.v1"
BEARER, SESSION = "bearer.", "session."
LARGEST_MESSAGE = 256 * 2**10  # bytes: 20,000 characters, each escaped as a surrogate pair, and some room
LARGEST_FRAME = 2**20  # bytes: beyond this the WebSocket layer itself closes (1009)
GRACE = 3  # seconds that open connections have when the service stops
MOST_PROBLEMS = 20
BURST, PER_SECOND = 100, 50  # messages of one connection; faster ones wait in its own pipe
CALL_ID = re.compile(r"[\w.:-]{1,64}")
router = APIRouter()


def offered_secret(websocket: WebSocket) -> str:
    """The key that a client offers by header or, as browsers must, by sub-protocol; empty if there is none."""
    scheme, _, secret = websocket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return secret.strip()
    return offered(websocket, BEARER)


@router.websocket("/v1/calls/{call_id}/live")
async def live(websocket: WebSocket, call_id: Annotated[str, Path()]) -> None:
    """One call: see docs/live.md for the messages and the close codes."""
    await websocket.accept(subprotocol=PROTOCOL if PROTOCOL in websocket.scope.get("subprotocols", []) else None)
    closed = Closed(1011, "the service failed; the operator's desk decides")
    try:
        await Session(websocket, call_id).run()
    except Closed as reason:
        closed = Closed(reason.code, reason.reason)  # anew: the one that was raised holds all that it came through
    except WebSocketDisconnect:
        return
    except Exception as error:
        structlog.get_logger().error("crash", path="live", kind=type(error).__name__)
    if websocket.application_state is WebSocketState.CONNECTED:
        try:
            await websocket.close(closed.code, closed.reason)
        except (RuntimeError, WebSocketDisconnect):
            return  # gone meanwhile


class Session:
    """One connection on one call.

    Raises (when made):
        Closed: 4401 without a valid key, 4403 for another role, 1008 for a call id that is none.
    """

    def __init__(self, websocket: WebSocket, call_id: str) -> None:
        self._websocket, self._call_id = websocket, call_id
        state = websocket.app.state
        self._ring: KeyRing = state.keys
        self._engine: Engine = state.engine
        self._calls: LiveCalls = state.live
        self._recorder: Recorder = state.recorder
        self._related: Related = state.related
        self._secret = offered_secret(websocket)
        self.key: Key = self._holder()
        if self.key.role not in (Role.OPERATOR, Role.ADMIN):
            raise Closed(4403, "needs the role operator")
        if not CALL_ID.fullmatch(call_id):
            raise Closed(1008, "a call id is 1-64 letters, digits or _ . : -")
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._news = asyncio.Event()
        self._evaluations: set[asyncio.Future[tuple[LiveSuggestion, float]]] = set()
        self._problems = self._sent = 0
        self._arrived = 0.0
        self._tokens, self._refilled = float(BURST), time.monotonic()

    def _holder(self) -> Key:
        key = self._ring.holder(self._secret) if self._secret else self._of_session()
        if key is None:
            raise Closed(4401, "a valid key is needed")
        return key

    def _of_session(self) -> Key | None:
        """A browser that logged in sends its cookie; other sites' pages would send it too, so their origin counts.

        A page that says by its token whose it is gets no other's session, though the cookie is the whole browser's.
        """
        token = offered(self._websocket, SESSION)
        if not same_origin(self._websocket) or (token and not has_token(self._websocket, token)):
            return None
        return session_holder(self._websocket)

    def check(self) -> None:
        """Ends the connection when its key has been revoked."""
        try:
            self._holder()
        except Closed as closed:
            self.close(closed)
        except KeyFileError:
            return  # a key file being mended ends no call

    def close(self, closed: Closed) -> None:
        """Ends the connection soon."""
        if not self._end.done():
            self._end.set_exception(closed)

    async def run(self) -> None:
        """Serves until one side ends it.

        Raises:
            Closed, WebSocketDisconnect: how it ended.
        """
        known = await run_in_threadpool(self._recorder.owners, [self._call_id])
        with self._calls.attached(self._call_id, self, known.get(self._call_id)) as call:
            self._sent = call.answered
            await self._websocket.send_text(call.ready().model_dump_json())
            if call.answered < call.revision or call.has_evidence:
                self._news.set()
            jobs = [asyncio.ensure_future(job) for job in (self._listen(call), self._answer(call), self._end)]
            try:
                await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
                await next(job for job in jobs if job.done())  # raises what ended it
            finally:
                with CancelScope(shield=True):  # the last words are kept though the server is shutting down
                    await self._wind_up(call, jobs)
                del jobs  # what was raised holds this frame and they hold that: only the collector would free the call

    async def _wind_up(self, call: LiveCall, jobs: Sequence[asyncio.Future[Any]]) -> None:
        for job in jobs:
            job.cancel()
        await asyncio.wait([*jobs, *self._evaluations])
        if call.shown and call.recorded < call.text_revision:  # a suggestion's words are kept as they were with it
            call.shown = call.shown.model_copy(update={"suggestion_id": uuid.uuid4().hex})
            revision, said = call.snapshot()
            await run_in_threadpool(self._record, said, call.shown)
            call.recorded = revision
        if call.shown and call.ended:
            await run_in_threadpool(self._recorder.ended, self._call_id, self.key)

    async def _listen(self, call: LiveCall) -> None:
        idle = self._calls.settings.live_idle_seconds
        while True:
            try:
                async with asyncio.timeout(idle):
                    message = await self._websocket.receive()
            except TimeoutError:
                raise Closed(4408, f"no message for {idle:g} seconds") from None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1006))
            self._holder()
            try:
                self._take(call, message)
            except Problem as problem:
                await self._complain(problem)
            await self._pace()

    def _take(self, call: LiveCall, message: Any) -> None:
        text: str | None = message.get("text")
        if text is None:
            raise Problem(400, "messages are text, not binary")
        if len(text) > LARGEST_MESSAGE or len(text.encode("utf-8", "surrogatepass")) > LARGEST_MESSAGE:
            raise Closed(4413, f"a message has at most {LARGEST_MESSAGE} bytes")
        said = parse(text)
        if isinstance(said, StartMessage):
            call.start(said, self.key.city)
        elif isinstance(said, EndMessage):
            call.ended = True
            self._news.set()
        else:
            call.take(said)
            self._arrived = time.perf_counter()
            self._news.set()

    async def _complain(self, problem: Problem) -> None:
        self._problems += 1
        if self._problems > MOST_PROBLEMS:
            raise Closed(4429, f"more than {MOST_PROBLEMS} bad messages")
        await self._websocket.send_text(as_message(problem))

    async def _pace(self) -> None:
        """Lets the others run; a connection that sends without pause is read no faster than `PER_SECOND`."""
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._refilled) * PER_SECOND) - 1
        self._refilled = now
        await asyncio.sleep(max(0.0, -self._tokens / PER_SECOND))

    async def _answer(self, call: LiveCall) -> None:
        """One evaluation at a time; what comes in meanwhile is in the next, and glanced at where that waits."""
        while True:
            await self._news.wait()
            self._news.clear()
            while not call.silent and call.has_evidence:
                evaluation = self._begin(call)
                while not evaluation.done():
                    if self._engine.crowded or not await self._news_within(self._engine.glance_seconds):
                        await self._at_once(call)
                        await self._news.wait()
                    self._news.clear()
                await self._show(call, *evaluation.result())
            if not call.silent:
                await self._at_once(call)
            if call.ended and (call.silent or (call.answered == call.revision and not call.has_evidence)):
                raise Closed(1000, "the call has ended")

    async def _news_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        return self._news.is_set()

    async def _at_once(self, call: LiveCall) -> None:
        """Answers what has come without the whole model: at a glance or, where it is no evidence, as before."""
        if call.is_news or call.shown is None:
            await self._show(call, *await asyncio.shield(self._begin(call, glance=True)))
        elif call.answered < call.revision:
            call.shown = call.shown.model_copy(update={"revision": call.revision, "changed": False})
            await self._show(call, call.shown, self._arrived)

    async def _show(self, call: LiveCall, shown: LiveSuggestion, arrived: float) -> None:
        """Sends what the call shows, if it is still that."""
        if shown is not call.shown:
            return
        metrics.live_superseded.inc(max(0, shown.revision - self._sent - 1))
        self._sent = shown.revision
        await self._websocket.send_text(shown.model_dump_json())
        metrics.live_seconds.observe(time.perf_counter() - arrived)
        told = {"settled": shown.settled, "changed": shown.changed}
        self._calls.wall.show(Card.of(shown, call.city, call.channel, call.began, **told))

    def _begin(self, call: LiveCall, glance: bool = False) -> asyncio.Future[tuple[LiveSuggestion, float]]:
        """An evaluation, whose end is news. A lost connection does not stop it: what it writes down is what the call
        shows when it is resumed."""
        evaluation = asyncio.ensure_future(self._evaluate(call, glance))
        self._evaluations.add(evaluation)
        evaluation.add_done_callback(self._evaluations.discard)
        evaluation.add_done_callback(lambda _: self._news.set())
        return evaluation

    async def _evaluate(self, call: LiveCall, glance: bool) -> tuple[LiveSuggestion, float]:
        """Makes of the newest text what the call shows, and keeps it first if it is a new suggestion; also when the
        newest text came."""
        revision, arrived = 0, 0.0

        def newest() -> Call:
            nonlocal revision, arrived
            arrived = self._arrived
            revision, snapshot = call.snapshot()
            return snapshot

        def write_down(advice: Advice) -> tuple[Advice, LiveSuggestion, int]:  # and the revision kept, 0 if none was
            before = call.shown
            shown = live_suggestion(advice, revision, before, call.ended)
            new = before is None or before.suggestion_id != shown.suggestion_id
            if glance and before is not None and not new:
                return advice, shown.model_copy(update={"related": before.related, "handover": before.handover}), 0
            said_until, said = call.snapshot()
            known = before.related if before else ()
            related = known if glance else tuple(self._related.find_and_keep(said, shown))
            shown = shown.model_copy(update={"related": related})
            if new:
                self._record(said, shown)
            shown = shown.model_copy(update={"handover": notes(said, advice, call.began)})
            return advice, shown, said_until if new else 0

        advice, shown, recorded = await self._engine.advise(newest, call.held, write_down, glance)
        # What took more into account stands: a later glance, the whole model's reading of the same words, or what
        # another connection that has taken over is ahead by.
        if revision >= call.answered and not (glance and revision == call.evaluated):
            call.recorded = recorded or call.recorded
            call.held, call.shown = advice.shown, shown
        call.glanced = max(call.glanced, revision)
        if not glance:
            call.evaluated = max(call.evaluated, revision)
        return shown, arrived

    def _record(self, said: Call, shown: LiveSuggestion) -> None:
        """Writes down what is shown, before it is, with what had been said; for a worker thread."""
        suggestion = Suggestion.model_validate({name: getattr(shown, name) for name in Suggestion.model_fields})
        self._recorder.suggested(said, suggestion, self.key)
