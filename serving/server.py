"""The HTTP server as it is run: uvicorn with bounds on how long, and how large, a request may be on its way."""

import asyncio
import contextlib
import ctypes
import resource
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.live import GRACE, LARGEST_FRAME

REQUEST_SECONDS = 20.0  # for a request to arrive whole, from the connection or its first byte on
LARGEST_HEAD = 64 * 2**10  # bytes
M_ARENA_MAX, HEAPS = -8, 2  # of glibc's malloc.h, and as many heaps as two threads that infer need


def share_heaps() -> None:
    """Has all threads allocate from `HEAPS` heaps; to be called before there are threads.

    glibc gives each thread a heap of its own, and each keeps what is free in it: memory grows for half an hour without
    anything being held. Where malloc is another nothing changes.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)


class Impatient(HttpToolsProtocol):
    """Closes connections whose request does not arrive, which uvicorn would hold for ever.

    HTTP takes half of the files that the process may have open. When these are used up, the connection that has kept
    the service waiting for longest makes room for a new one.
    """

    waiting: dict["Impatient", asyncio.TimerHandle] = {}  # noqa: RUF012 — one for all connections, oldest first
    head: int | None = None  # bytes of a head that goes on for more than one packet, None while there is none

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2:
            (next(iter(self.waiting), self)).transport.abort()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets it."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts the head while it is read."""
        before = self.head
        super().data_received(data)
        if before is not None and self.head is not None:
            self.head += len(data)
            if self.head > LARGEST_HEAD and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """A request begins."""
        self.head = 0
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is read."""
        self.head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """It has arrived."""
        self._arrived()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """It is a live call, which has bounds of its own."""
        self._arrived()
        super().handle_websocket_upgrade()

    def _wait(self) -> None:
        if self not in self.waiting and not self.transport.is_closing():
            self.waiting[self] = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _arrived(self) -> None:
        if timer := self.waiting.pop(self, None):
            timer.cancel()


OPTIONS: dict[str, Any] = {
    "http": Impatient,
    "log_level": "warning",
    "access_log": False,
    "proxy_headers": False,
    "server_header": False,
    "ws_max_size": LARGEST_FRAME,
    "ws_per_message_deflate": False,  # its buffers would cost more memory than all live calls together
    "timeout_graceful_shutdown": GRACE,  # a wall listens until it is cut off
}
