"""The suggester behind a bounded queue: inference runs beside the event loop, and a full queue says so at once."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from data.records import Call, Suggestion
from model.stability import Shown
from model.suggest import Advice, Suggester
from serving import metrics
from serving.following import Follower
from serving.policies import PolicyFiles
from serving.problems import Problem
from serving.releases import Releases
from serving.settings import Settings
from serving.shadow import Shadow

RETRY_AFTER = 1
AT_ONCE = 8  # calls of a batch


def nothing() -> tuple[str, ...]:
    """Nothing is missing."""
    return ()


class Engine:
    """Answers at most `concurrency` requests at a time and lets `queue` more wait.

    `missing` says what else than the model does not work (the store); every suggestion carries it.
    """

    def __init__(self, settings: Settings) -> None:
        self.policies = PolicyFiles(settings)
        self.releases = Releases(settings)
        self._follower = Follower(settings.release_poll_seconds, (self.releases.look, self.policies.look))
        self.shadow = Shadow(settings, self.releases)
        self.missing: Callable[[], tuple[str, ...]] = nothing
        self._pool = ThreadPoolExecutor(settings.concurrency, "suggest")
        self._places = settings.concurrency + settings.queue
        self._taken = 0
        metrics.degraded.set(len(self.suggester.degraded))

    async def suggest(self, calls: Sequence[Call]) -> list[Suggestion]:
        """Suggestions for `calls`, in their order.

        Raises:
            Problem: 429 when all places are taken.
            UnknownCity: no policy for a call's city.
        """
        if self._taken >= self._places:
            metrics.refused.inc()
            raise Problem(429, "the queue is full", retry_after=RETRY_AFTER)
        self._taken += 1
        try:
            loop = asyncio.get_running_loop()
            found: list[Suggestion] = []
            for at in range(0, len(calls), AT_ONCE):  # between two parts of a batch the others have their turn
                found += await loop.run_in_executor(self._pool, self._timed(calls[at : at + AT_ONCE]))
            return found
        finally:
            self._taken -= 1

    async def advise(self, newest: Callable[[], Call], shown: Shown | None) -> Advice:
        """Advice for a live call that shows `shown`; `newest` is asked for its transcript when its turn has come.

        A live call waits for one answer at a time, and places are given in the order of asking: so however fast one
        call's text comes, every other call that waits is served between two of its answers. They are bounded where
        they are accepted, not here.
        """
        queued = time.perf_counter()

        def work() -> Advice:
            begun = time.perf_counter()
            metrics.queueing.observe(begun - queued)
            advice = self.suggester.advise(newest(), shown)
            metrics.inference.observe(time.perf_counter() - begun)
            metrics.count(advice.suggestion)
            return replace(advice, suggestion=self._marked(advice.suggestion))

        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

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
        self._pool.shutdown()
