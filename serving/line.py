"""Work that waits for one of a few threads: what is due first runs first, and how long new work would wait is known."""

import heapq
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")
FIRST_GUESS = 0.01  # seconds that a call takes, before any has been measured
RECENT = 0.05  # share of the newest measurement in the mean


class Pace:
    """How long one call takes, a running mean. Threads share it."""

    def __init__(self) -> None:
        self.seconds = FIRST_GUESS

    def took(self, seconds: float, calls: int = 1) -> None:
        """`calls` calls took that long together."""
        self.seconds += RECENT * (seconds / calls - self.seconds)


def _yield_cores(nice: int) -> None:
    """Has this thread let others go first, where the system has a priority for each (Linux) and lets it be set."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.nice(nice)


class Line:
    """At most `threads` pieces of work at a time, by threads that are `nice`r to others than the process is.

    Work that is due earlier goes before work that is due later, whenever it came: so what is urgent is let through and
    what is not is still never passed over for good.
    """

    def __init__(self, threads: int, nice: int = 0) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "suggest", partial(_yield_cores, nice))
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, int, int, Future[Any], Callable[[], Any]]] = []
        self._number = count()
        self._running = 0  # calls
        self._idle = threading.Event()
        self._idle.set()
        self.pace = Pace()

    def submit(self, work: Callable[[], T], within: float, calls: int = 1) -> "Future[T]":
        """Has `work` on that many calls done; it is due `within` seconds from now."""
        future: Future[T] = Future()
        with self._lock:
            heapq.heappush(self._waiting, (time.monotonic() + within, next(self._number), calls, future, work))
            self._idle.clear()
        self._pool.submit(self._next)
        return future

    def wait(self, within: float) -> float:
        """Seconds that work due `within` seconds from now would wait for what goes before it."""
        due = time.monotonic() + within
        with self._lock:
            before = sum(item[2] for item in self._waiting if item[0] <= due) + self._running / 2
        return before * self.pace.seconds / self._threads

    def _next(self) -> None:
        with self._lock:
            _, _, calls, future, work = heapq.heappop(self._waiting)
            if not future.set_running_or_notify_cancel():
                self._rest()
                return
            self._running += calls
        begun = time.perf_counter()
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        finally:
            self.pace.took(time.perf_counter() - begun, calls)
            with self._lock:
                self._running -= calls
                self._rest()

    def _rest(self) -> None:
        if not self._waiting and not self._running:
            self._idle.set()

    def give_way(self, most: float) -> None:
        """Waits until nothing is in this line, for at most so many seconds."""
        self._idle.wait(most)

    def close(self) -> None:
        """Lets what waits and runs finish."""
        self._pool.shutdown()
