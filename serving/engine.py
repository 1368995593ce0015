"""The suggester behind a bounded line: inference runs beside the event loop; who would wait too long is told so."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from data.records import Call, Suggestion
from model.stability import Shown
from model.suggest import Advice, Suggester
from serving import metrics
from serving.following import Follower
from serving.line import Line
from serving.policies import PolicyFiles
from serving.problems import Problem
from serving.releases import Releases
from serving.settings import Settings
from serving.shadow import Shadow

T = TypeVar("T")
GIVES_WAY = 0.05  # seconds that a whole reading waits for glances at most, before it begins and before it is kept
AT_ONCE = 4  # calls of a batch: so many a live call may have to wait for
LIVE, SINGLE, BATCH = 0.0, 0.1, 1.0  # seconds within which a live answer, a single one, a batch is due


def nothing() -> tuple[str, ...]:
    """Nothing is missing."""
    return ()


class Engine:
    """Answers at most `places` requests at a time, and lets wait who will not wait longer than `queue_seconds`.

    `missing` says what else than the model does not work (the store); every suggestion carries it.
    """

    def __init__(self, settings: Settings) -> None:
        self.policies = PolicyFiles(settings)
        self.releases = Releases(settings)
        self._follower = Follower(settings.release_poll_seconds, (self.releases.look, self.policies.look))
        self.shadow = Shadow(settings, self.releases)
        self.missing: Callable[[], tuple[str, ...]] = nothing
        self._places, self._patience = settings.places, settings.queue_seconds
        self._line, self._glances = Line(self._places, nice=10), Line(1)
        self.glance_seconds = settings.glance_seconds
        self._to_come = 0  # calls of batches whose part has not been lined up yet
        metrics.degraded.set(len(self.suggester.degraded))

    def wait(self, batch: bool = False) -> float:
        """Seconds that a request which came now would wait; a batch waits for all batches before it."""
        behind = self._to_come * self._line.pace.seconds / self._places if batch else 0.0
        return self._line.wait(BATCH if batch else SINGLE) + behind

    def refusal(self, batch: bool = False) -> Problem | None:
        """The problem of a request that would wait too long, 429; None if it may come."""
        wait = self.wait(batch)
        metrics.expected_wait.set(wait)
        if wait <= self._patience:
            return None
        metrics.refused.inc()
        return Problem(429, "too many wait already", retry_after=math.ceil(wait))

    async def suggest(self, calls: Sequence[Call]) -> list[Suggestion]:
        """Suggestions for `calls`, in their order.

        Raises:
            Problem: 429 when they would wait too long.
            UnknownCity: no policy for a call's city.
        """
        if refused := self.refusal(len(calls) > 1):
            raise refused
        found: list[Suggestion] = []
        due, left = time.monotonic() + (BATCH if len(calls) > 1 else SINGLE), len(calls)
        self._to_come += left
        try:
            for at in range(0, len(calls), AT_ONCE):  # between two parts of a batch the others have their turn
                part = calls[at : at + AT_ONCE]
                left -= len(part)
                self._to_come -= len(part)
                within = max(SINGLE, due - time.monotonic())  # a batch is due as a whole, and never before single calls
                found += await asyncio.wrap_future(self._line.submit(self._timed(part), within, len(part)))
            return found
        finally:
            self._to_come -= left

    @property
    def crowded(self) -> bool:
        """Whether a live call that asks now would wait for its turn longer than `glance_seconds`."""
        return self._line.wait(LIVE) > self.glance_seconds

    async def advise(
        self, newest: Callable[[], Call], shown: Shown | None, then: Callable[[Advice], T], glance: bool = False
    ) -> T:
        """What `then` makes, in a worker thread, of the advice for a live call that shows `shown`.

        `newest` is asked for the call's transcript when its turn has come; a `glance` has a thread of its own.

        A live call waits for one answer at a time, and places are given in the order of asking: so however fast one
        call's text comes, every other call that waits is served between two of its answers. They are bounded where
        they are accepted, not here.
        """
        queued = time.perf_counter()

        def give_way() -> None:
            if not glance:
                self._glances.give_way(GIVES_WAY)

        def work() -> T:
            give_way()
            begun = time.perf_counter()
            advice = (self.suggester.glance if glance else self.suggester.advise)(newest(), shown)
            if glance:
                metrics.live_glances.inc()
            else:
                metrics.queueing.observe(begun - queued)
                metrics.inference.observe(time.perf_counter() - begun)
            metrics.count(advice.suggestion)
            give_way()
            return then(replace(advice, suggestion=self._marked(advice.suggestion)))

        return await asyncio.wrap_future((self._glances if glance else self._line).submit(work, LIVE))

    def _timed(self, calls: Sequence[Call]) -> Callable[[], list[Suggestion]]:
        queued = time.perf_counter()

        def work() -> list[Suggestion]:
            begun = time.perf_counter()
            metrics.queueing.observe(begun - queued)
            found = self.suggester.suggest_many(calls)
            metrics.inference.observe(time.perf_counter() - begun)
            for suggestion in found:
                metrics.count(suggestion)
            return [self._marked(suggestion) for suggestion in found]

        return work

    @property
    def suggester(self) -> Suggester:
        """What answers now; asked anew for every call, since releases change while calls go on."""
        return self.releases.suggester

    def _marked(self, suggestion: Suggestion) -> Suggestion:
        missing = self.missing()
        if not missing:
            return suggestion
        return suggestion.model_copy(update={"degraded": (*suggestion.degraded, *missing)})

    def start(self) -> None:
        """Begins to follow what changes on the disk, and to ask the candidate."""
        self._follower.start()
        self.shadow.start()

    def close(self) -> None:
        """Lets what runs finish."""
        self.shadow.stop()
        self._follower.stop()
        self._line.close()
        self._glances.close()
