"""The running calls: what was said in each so far, kept for a while after its connection is lost."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Protocol

from data.policy import policies
from data.records import MAX_CHARACTERS, MAX_TURNS, Call, Turn, is_blank
from model.stability import Shown
from serving import metrics
from serving.auth import city_for
from serving.keys import Key
from serving.live_messages import KnownTurn, LiveSuggestion, Ready, StartMessage, TurnMessage
from serving.problems import FieldProblem, Problem
from serving.settings import Settings
from serving.store.recorder import by
from serving.store.state import may_add
from serving.wall import Wall

SWEEP_SECONDS = 1.0


class Closed(Exception):
    """Ends a live connection with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Connection(Protocol):
    """What holds a call on line."""

    key: Key

    def close(self, closed: Closed) -> None:
        """Ends the connection soon."""

    def check(self) -> None:
        """Ends the connection when its key has been revoked."""


class LiveCall:
    """One call on line. `revision` counts the turn messages taken.

    `text_revision` is the last that changed a word, `caller_revision` the last that changed one of the caller's,
    `evaluated` the last that the whole model has read, `glanced` the last that at least the linear one has, `recorded`
    the last that has been written down; `held` is what the next advice is to hold on to.
    `turns` is replaced, never changed, so that a worker thread can read it at any time.
    """

    def __init__(self, call_id: str, city: str, owner: str) -> None:
        self.call_id, self.city, self.owner = call_id, city, owner
        self.channel: str = "110"
        self.turns: tuple[Turn, ...] = ()
        self.partial: list[bool] = []
        self.characters = self.revision = self.text_revision = self.caller_revision = 0
        self.shown: LiveSuggestion | None = None
        self.held: Shown | None = None
        self.evaluated = self.glanced = self.recorded = 0
        self._audible: tuple[Turn, ...] = ()
        self.began = time.time()
        self.ended = False
        self.connection: Connection | None = None
        self.parked_at = 0.0

    def start(self, message: StartMessage, bound_to: str | None) -> None:
        """Sets city and line, before the first turn.

        Raises:
            Problem: 422 for an unknown city or once turns have come; 403 for a city that the key is not for.
        """
        city, channel = message.city or self.city, message.channel or self.channel
        if city not in policies():
            raise _invalid("city", f"unknown city; known: {', '.join(policies())}")
        city_for(city, bound_to)
        if self.turns and (city, channel) != (self.city, self.channel):
            raise _invalid("type", "city and channel are set before the first turn")
        self.city, self.channel = city, channel

    def take(self, message: TurnMessage) -> None:
        """Adds or replaces a turn; a partial hypothesis of a turn that is final already is dropped.

        Raises:
            Problem: 422 for a turn that leaves a gap.
            Closed: the call would be longer than `data.records` allows.
        """
        number = self._number(message)
        if number > len(self.turns):
            raise _invalid("turn", f"turn {len(self.turns)} is the next; send what is missing first")
        new = number == len(self.turns)
        before = None if new else self.turns[number]
        characters = self.characters + len(message.text) - (len(before.text) if before else 0)
        if number >= MAX_TURNS or characters > MAX_CHARACTERS:
            raise Closed(4413, f"a call has at most {MAX_TURNS} turns and {MAX_CHARACTERS} characters")
        self.ended = False
        stale = before is not None and message.partial and not self.partial[number]
        turn = Turn(speaker=message.speaker, text=message.text)
        if not stale:
            self.partial[number : number + 1] = [message.partial]
        if not stale and turn != before:
            self.turns = (*self.turns[:number], turn, *self.turns[number + 1 :])
            self.characters = characters
            self.text_revision = self.revision + 1
            if "caller" in (turn.speaker, before.speaker if before else ""):
                self.caller_revision = self.text_revision
        if not self.silent:
            self._audible = self.turns
        self.revision += 1  # last: see `snapshot`

    def _number(self, message: TurnMessage) -> int:
        if message.turn is not None:
            return message.turn
        goes_on = bool(self.turns) and self.partial[-1] and self.turns[-1].speaker == message.speaker
        return len(self.turns) - goes_on

    @property
    def silent(self) -> bool:
        """Whether nothing has been said yet."""
        return all(is_blank(turn.text) for turn in self.turns)

    @property
    def has_evidence(self) -> bool:
        """Whether there is something that the whole model has not read and should."""
        return self.evaluated < self._evidence

    @property
    def is_news(self) -> bool:
        """Whether not even a glance has fallen on it."""
        return self.glanced < self._evidence

    @property
    def _evidence(self) -> int:
        """The last revision that brought any.

        What the operator says is none: it is read with the caller's next words, or when the call ends. Only while the
        caller has said nothing it is all there is.
        """
        return self.text_revision if self.ended or not self.caller_revision else self.caller_revision

    @property
    def answered(self) -> int:
        """The last revision that a suggestion took into account."""
        return self.shown.revision if self.shown else 0

    def snapshot(self) -> tuple[int, Call]:
        """The newest text as a call, and the revision it stands for. Words taken back stand until others come."""
        revision = self.revision  # first: so the turns may be newer than the number says, never older
        turns = self._audible
        fields = {"call_id": self.call_id, "city": self.city, "channel": self.channel}
        return revision, Call.model_validate(fields | {"partial": not self.ended, "turns": turns})

    def ready(self) -> Ready:
        """What a client is told first."""
        turns = [
            KnownTurn(speaker=turn.speaker, text=turn.text, turn=number, partial=partial)
            for number, (turn, partial) in enumerate(zip(self.turns, self.partial, strict=True))
        ]
        return Ready(call_id=self.call_id, city=self.city, channel=self.channel, revision=self.revision,
                     turns=tuple(turns), suggestion=self.shown)  # fmt: skip


def _invalid(field: str, message: str) -> Problem:
    return Problem(422, f"{field}: {message}", [FieldProblem(field=field, message=message)])


class LiveCalls:
    """Every call on line, and those whose connection was lost a moment ago; at most `lines` together."""

    def __init__(self, settings: Settings, city: str, wall: Wall) -> None:
        self.settings, self._city, self.wall = settings, city, wall
        self._calls: dict[str, LiveCall] = {}

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(self._calls.values())

    @contextlib.contextmanager
    def attached(self, call_id: str, connection: Connection, owner: str | None) -> Iterator[LiveCall]:
        """The call of that id, held by `connection`; a newer connection takes it over. A stored call has an `owner`.

        Raises:
            Closed: 4403 where it is another operator's, 4429 when no place is free.
        """
        call = self._calls.get(call_id)
        owner = call.owner if call else owner or connection.key.id
        if not may_add(by(connection.key), owner):
            raise Closed(4403, "another operator's call")
        call = call or self._new(call_id, connection.key.city, owner)
        if call.connection is not None:
            call.connection.close(Closed(4409, "a newer connection has taken over this call"))
        else:
            metrics.live_calls.inc()
        call.connection = connection
        try:
            yield call
        finally:
            if call.connection is connection:
                metrics.live_calls.dec()
                call.connection, call.parked_at = None, time.monotonic()
                if not call.turns:
                    self._forget(call_id)
                elif call.ended:
                    self.wall.remove(call_id)

    def _new(self, call_id: str, city: str | None, owner: str) -> LiveCall:
        if len(self._calls) >= self.settings.lines:
            parked = [call for call in self if call.connection is None]
            if not parked:
                raise Closed(4429, f"{self.settings.lines} calls are on line, no place is free")
            self._forget(min(parked, key=lambda call: call.parked_at).call_id)
        self._calls[call_id] = LiveCall(call_id, city or self._city, owner)
        return self._calls[call_id]

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While the service runs: forgets calls that nobody came back to and ends connections of revoked keys."""
        sweeper = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeper

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            oldest = time.monotonic() - self.settings.live_resume_seconds
            for call in list(self):
                if call.connection is not None:
                    call.connection.check()
                elif call.parked_at < oldest:
                    self._forget(call.call_id)

    def _forget(self, call_id: str) -> None:
        del self._calls[call_id]
        self.wall.remove(call_id)
