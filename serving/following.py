"""Looks now and then whether something on the disk has changed, off the way of any request."""

import threading
from collections.abc import Callable, Sequence

import structlog

log = structlog.get_logger()


class Follower:
    """Calls each of `looks` every `seconds` on a thread of its own, whatever becomes of the look before."""

    def __init__(self, seconds: float, looks: Sequence[Callable[[], None]]) -> None:
        self._seconds, self._looks = seconds, looks
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
        while not self._stop.wait(self._seconds):
            for look in self._looks:
                try:
                    look()
                except Exception as error:  # a look that fails must not end the others
                    log.error("look_failed", kind=type(error).__name__)
