"""Looks now and then at something, off the way of any request."""

import threading
from collections.abc import Callable, Sequence

import structlog

log = structlog.get_logger()


class Follower:
    """Calls each of `looks` every `seconds`, the first time after `first` or as many, on a thread of its own, whatever
    becomes of the look before."""

    def __init__(self, seconds: float, looks: Sequence[Callable[[], None]], first: float | None = None) -> None:
        self._seconds, self._looks = seconds, looks
        self._first = seconds if first is None else first
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _follow(self) -> None:
        wait = self._first
        while not self._stop.wait(wait):
            wait = self._seconds
            for look in self._looks:
                try:
                    look()
                except Exception as error:  # a look that fails must not end the others
                    log.error("look_failed", kind=type(error).__name__)
