"""A client that sends at a given rate whatever comes back: what a crowd does, which waits for nobody."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

MOST_OPEN = 500  # requests at a time; those beyond are counted as lost by the client
PATIENCE = 60.0  # seconds until a request counts as lost
KEPT = 3.0  # seconds that an idle connection is used again; the service closes it after 5


@dataclass(frozen=True)
class Ask:
    """One request."""

    method: str
    path: str
    key: str = ""
    body: Any = None


@dataclass
class Tally:
    """What became of the requests of one kind; seconds of those that were answered with 2xx."""

    seconds: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    unadvised: int = 0  # refused without a Retry-After
    sent: int = 0
    lost: int = 0
    answers: list[Any] = field(default_factory=list)

    def __add__(self, other: "Tally") -> "Tally":
        """What became of the requests of both."""
        return Tally(self.seconds + other.seconds, self.refused + other.refused, self.statuses + other.statuses,
                     self.unadvised + other.unadvised, self.sent + other.sent, self.lost + other.lost,
                     self.answers + other.answers)  # fmt: skip

    def percentile(self, share: float) -> float:
        """Milliseconds; nan when nothing was answered."""
        found = sorted(self.seconds)
        return found[min(len(found) - 1, int(len(found) * share))] * 1e3 if found else float("nan")


class Connections:
    """Connections to one service that stay open and are used again."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, ask: Ask) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (names in lower case) and body."""
        reader, writer = self._kept() or await asyncio.open_connection(self._host, self._port)
        body = b"" if ask.body is None else json.dumps(ask.body, ensure_ascii=False).encode()
        head = (f"{ask.method} {ask.path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {ask.key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")  # fmt: skip
        try:
            writer.write(head.encode() + body)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
            found = await reader.readexactly(int(headers.get("content-length", 0)))
        except BaseException:
            writer.close()
            raise
        self._idle.append((time.monotonic(), reader, writer))
        return int(lines[0].split()[1]), headers, found

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The one used last, if that was a moment ago; otherwise all are old."""
        if self._idle and time.monotonic() - self._idle[-1][0] < KEPT:
            return self._idle.pop()[1:]
        self.close()
        return None

    def close(self) -> None:
        """Closes those that are idle."""
        for _, _, writer in self._idle:
            writer.close()
        self._idle.clear()


class Crowd:
    """Sends requests to a service and keeps count."""

    def __init__(self, address: str) -> None:
        self.connections = Connections(address)
        self._open: set[asyncio.Task[None]] = set()

    async def one(self, ask: Ask, tally: Tally, keep: bool = False) -> None:
        """Sends a request; with `keep` its answer is kept."""
        tally.sent += 1
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                status, headers, body = await self.connections.send(ask)
        except (OSError, EOFError, TimeoutError):
            tally.lost += 1
            return
        took = time.perf_counter() - begun
        tally.statuses[status] += 1
        if status == 429:
            tally.refused.append(took)
            tally.unadvised += not headers.get("retry-after", "").isdigit()
        elif status < 300:
            tally.seconds.append(took)
        if keep and status < 300:
            tally.answers.append(json.loads(body))

    async def send(self, asks: Iterator[Ask], rate: float, seconds: float, tally: Tally, keep: bool = False) -> None:
        """`rate` requests a second at random moments for so long, and waits for the last answer."""
        chance, begun, at = random.Random(110), time.monotonic(), 0.0
        mine: set[asyncio.Task[None]] = set()
        while at < seconds:  # the first at once
            await asyncio.sleep(max(0.0, begun + at - time.monotonic()))
            at += chance.expovariate(rate)
            if len(self._open) >= MOST_OPEN:
                tally.sent, tally.lost = tally.sent + 1, tally.lost + 1
                continue
            task = asyncio.create_task(self.one(next(asks), tally, keep))
            for group in (self._open, mine):
                group.add(task)
                task.add_done_callback(group.discard)
        if mine:
            await asyncio.wait(mine)

    async def watch(self, ask: Ask, every: float, tally: Tally, until: Callable[[], bool]) -> None:
        """The same request again and again."""
        while not until():
            await self.one(ask, tally)
            await asyncio.sleep(every)
