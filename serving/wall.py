"""The supervisor's wall: what is going on in the running calls, over server-sent events. Never what is said in them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from data.gazetteer import CITY_NAMES
from data.records import Record, Suggestion
from data.taxonomy import URGENCY_NAMES, PoliceLabel, Urgency
from serving.auth import Credentials, Reviewer, authenticated
from serving.pages import page
from serving.problems import Problem, documented
from serving.settings import Settings

HEARTBEAT = 15.0  # seconds
router = APIRouter()


class Named(Record):
    """A code with its name."""

    code: str
    name: str


class Card(Record):
    """What a wall shows of one call. `changed`: the destination is another than before; `began` in seconds UTC."""

    call_id: str
    city: str
    channel: str
    began: float
    label: PoliceLabel
    category: Named
    urgency: Urgency
    destination: Named
    unit: str | None
    confident: bool
    settled: bool
    changed: bool

    @classmethod
    def of(cls, suggestion: Suggestion, city: str, channel: str, began: float, settled: bool, changed: bool) -> "Card":
        """The card for a suggestion."""
        return cls(
            call_id=suggestion.call_id,
            city=city,
            channel=channel,
            began=round(began, 1),
            label=suggestion.police.label,
            category=Named(code=suggestion.category.code, name=suggestion.category.name),
            urgency=suggestion.urgency.level,
            destination=Named(code=suggestion.destination.code, name=suggestion.destination.name),
            unit=suggestion.destination.unit,
            confident=suggestion.confident,
            settled=settled,
            changed=changed,
        )


class Viewer:
    """One wall. What it has not been sent yet is kept by call, the newest only: a slow one costs no memory."""

    def __init__(self, city: str | None) -> None:
        self.city = city
        self.pending: dict[str, str] = {}
        self.news = asyncio.Event()

    def tell(self, call_id: str, event: str) -> None:
        """Queues an event in place of an older one of the same call."""
        self.pending[call_id] = event
        self.news.set()


class Wall:
    """The cards of the running calls, and who looks at them; at most `wall_viewers`."""

    def __init__(self, settings: Settings) -> None:
        self._most = settings.wall_viewers
        self._cards: dict[str, Card] = {}
        self._viewers: set[Viewer] = set()

    def show(self, card: Card) -> None:
        """Puts up a card, in place of the call's older one."""
        before = self._cards.get(card.call_id)
        if before is not None and before.model_copy(update={"changed": False}) == card:
            return  # nothing new on it
        self._cards[card.call_id] = card
        for viewer in self._viewers:
            if viewer.city in (None, card.city):
                viewer.tell(card.call_id, _event("call", card.model_dump_json()))

    def remove(self, call_id: str) -> None:
        """Takes a call's card down, if there is one."""
        card = self._cards.pop(call_id, None)
        for viewer in self._viewers if card else ():
            if card and viewer.city in (None, card.city):
                viewer.tell(call_id, _event("gone", Gone(call_id=call_id).model_dump_json()))

    @contextmanager
    def watched(self, city: str | None) -> Iterator[Viewer]:
        """A viewer of the calls of `city`, all for None, with what is up now to begin with.

        Raises:
            Problem: 429 when there are viewers enough.
        """
        if len(self._viewers) >= self._most:
            raise Problem(429, f"{self._most} walls are watching already", retry_after=int(HEARTBEAT))
        viewer = Viewer(city)
        for card in self._cards.values():
            if city in (None, card.city):
                viewer.tell(card.call_id, _event("call", card.model_copy(update={"changed": False}).model_dump_json()))
        self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


class Gone(Record):
    """A call that is no longer running."""

    call_id: str


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"


async def _stream(viewer: Viewer, may_still: Callable[[], bool]) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    while may_still():
        try:
            async with asyncio.timeout(HEARTBEAT):
                await viewer.news.wait()
        except TimeoutError:
            yield ": heartbeat\n\n"
            continue
        viewer.news.clear()
        waiting, viewer.pending = viewer.pending, {}
        for event in waiting.values():
            yield event


async def _watching(request: Request, key: Reviewer, credentials: Credentials) -> AsyncIterator[AsyncIterator[str]]:
    wall: Wall = request.app.state.wall

    def may_still() -> bool:
        try:
            return authenticated(request, credentials).id == key.id
        except Problem:
            return False

    with wall.watched(key.city) as viewer:
        yield _stream(viewer, may_still)


@router.get("/v1/live", response_class=EventStream, responses=documented(401, 403, 429))
async def live(events: Annotated[AsyncIterator[str], Depends(_watching)]) -> EventStream:
    """The running calls as server-sent events: `call` with a card, `gone` with a call id; a heartbeat in between."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventStream(events, headers=headers)


@router.get("/wall", include_in_schema=False)
async def wall() -> HTMLResponse:
    """The page. It holds nothing; the calls come by the events."""
    urgencies = [(level.value, name) for level, name in URGENCY_NAMES.items()]  # a list, for its order
    return page("wall.html", data={"urgencies": urgencies, "cities": dict(CITY_NAMES)})
