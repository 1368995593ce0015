"""How much the service takes, and what it does beyond: rates rise until the 99th percentile breaks, and go on.

    python -m tests.bench.load [--kinds single batch …] [--seconds 8] [--stored 20000] [--cores 1]

Kinds: single calls, batches of 32, review writing (a verdict and the queue behind it), live calls, all mixed. The service
has the last `cores` to itself and its default settings; the client, which sends whatever comes back, has the others.
There another process asks for health ten times a second throughout.
"""

import argparse
import asyncio
import math
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

import psutil

from data.corpus import load_corpus
from serving.store.store import Store
from tests.bench.client import Ask, Crowd, Tally
from tests.bench.health import watched
from tests.bench.live import dialogues
from tests.bench.live import load as live_load
from tests.bench.reviews import fill
from tests.serving.test_serve import first_keys, served
from training.material import parted

BATCH = 32
FIRST = {"single": 10.0, "batch": 0.5, "review": 10.0, "live": 10.0, "mixed": 6.0}  # a second; live: calls on line
STEP, BEYOND = 1.6, (2.0, 4.0)  # a rate over the one before; and how far beyond the last, to see that it stands
MOST_STEPS = 9
BREAKS_AT, FEWEST_ADMITTED = 1000.0, 0.98  # milliseconds of the 99th percentile; share of requests not refused
MIX = {"single": 0.7, "review": 0.25, "batch": 0.05}
LINES, EVERY = 2, 2.0  # live calls for each request a second of the mix; seconds between two turns


@dataclass
class Seen:
    """What one rate looked like."""

    kind: str
    rate: float
    tally: Tally = field(default_factory=Tally)
    health: Tally = field(default_factory=Tally)
    parts: dict[str, Tally] = field(default_factory=dict)  # of the mix, and live calls beside it
    cpu: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether nearly all were admitted and answered soon."""
        admitted = len(self.tally.seconds) / max(1, self.tally.sent)
        return admitted >= FEWEST_ADMITTED and self.tally.percentile(0.99) < BREAKS_AT

    def row(self, seconds: float) -> str:
        """A line of the table."""
        t, answered = self.tally, len(self.tally.seconds)
        refused = f"{len(t.refused) / max(1, t.sent):.0%}"
        return (f"| {self.kind} | {self.rate:.4g} | {answered / seconds:.1f} | {refused} | {t.percentile(0.5):.0f} | "
                f"{t.percentile(0.99):.0f} | {self.health.percentile(0.5):.0f} / {self.health.percentile(0.99):.0f} | "
                f"{t.lost + self.health.lost + t.unadvised} | {self.cpu / max(1, answered) * 1e3:.1f} |")  # fmt: skip

    def by_part(self) -> str:
        """How many of each kind of the mix were answered, and their 99th percentile; nothing for one kind alone."""
        return "".join(f"  {part}: {len(tally.seconds)}, p99 {tally.percentile(0.99):.0f} ms;"
                       for part, tally in self.parts.items())  # fmt: skip


HEAD = ("| kind | asked a second | answered a second | refused | p50 ms | p99 ms | health p50 / p99 ms | lost | CPU ms an "
        "answer |\n" + "| --- " * 9 + "|")  # fmt: skip


class Desk:
    """The requests of each kind. `keys` by role, `stored` calls named c0, c1, … wait for review."""

    def __init__(self, keys: dict[str, str], stored: int) -> None:
        self._keys = keys
        dialogues()  # now: reading them would hold up the clock of the first requests
        said = [{"turns": [turn.model_dump() for turn in item.turns]} if item.turns else {"text": item.text}
                for item in parted(load_corpus())["test"]]  # fmt: skip
        self._calls, self._reviews, self._verdict = cycle(said), cycle(range(max(1, stored))), count()

    def asks(self, kind: str) -> Iterator[Ask]:
        """Requests without end."""
        while True:
            if kind == "single":
                yield Ask("POST", "/v1/classify", self._keys["operator"], next(self._calls))
            elif kind == "batch":
                calls = [next(self._calls) for _ in range(BATCH)]
                yield Ask("POST", "/v1/classify/batch", self._keys["operator"], {"calls": calls})
            else:
                body = {"verdict": "approve", "queue": "least_confident", "id": f"v{next(self._verdict)}",
                        "ahead": {"queue": "least_confident", "limit": 1}}  # fmt: skip
                yield Ask("POST", f"/v1/reviews/c{next(self._reviews)}", self._keys["reviewer"], body)


async def step(
    desk: Desk, address: str, service: psutil.Process, key: str, kind: str, rate: float, seconds: float
) -> Seen:
    """One kind at one rate, and the CPU that `service` took for it."""
    seen, crowd, before = Seen(kind, rate), Crowd(address), service.cpu_times()
    async with watched(address, seen.health):
        if kind == "live":
            await _live(seen.tally, address, key, rate, seconds)
        elif kind == "mixed":
            seen.parts = {part: Tally() for part in ("live", *MIX)}
            crowds = [
                crowd.send(desk.asks(part), rate * share, seconds, seen.parts[part]) for part, share in MIX.items()
            ]
            lines = math.ceil(rate * LINES)
            await asyncio.gather(_live(seen.parts["live"], address, key, lines, seconds), *crowds)
            seen.tally = sum((seen.parts[part] for part in MIX), Tally())
            seen.tally.lost += seen.parts["live"].lost
        else:
            await crowd.send(desk.asks(kind), rate, seconds, seen.tally)
    crowd.connections.close()
    after = service.cpu_times()
    seen.cpu = after.user + after.system - before.user - before.system
    return seen


async def _live(tally: Tally, address: str, key: str, calls: float, seconds: float) -> None:
    found = await live_load(address, key, int(calls), seconds, EVERY)
    tally.seconds, tally.sent, tally.lost = found.seconds, found.sent + found.refused, found.lost
    tally.refused = [0.0] * found.refused


def climb(desk: Desk, address: str, service: psutil.Process, key: str, kind: str, seconds: float) -> None:
    """Prints a line for each rate: up until it does not hold, and beyond."""

    def run(rate: float) -> Seen:
        seen = asyncio.run(step(desk, address, service, key, kind, rate, seconds))
        print(seen.row(seconds) + seen.by_part(), flush=True)
        return seen

    rate, knee = FIRST[kind], 0.0
    for _ in range(MOST_STEPS):
        if not run(rate).holds:
            break
        knee, rate = rate, rate * STEP
    for times in BEYOND:
        run(rate * times)
    print(f"\n{kind}: holds at {knee:.4g}\n", flush=True)


def stored_calls(state: Path, calls: int, days: float = 90) -> None:
    """Fills the database that a service in `state` will find with calls of the last `days`."""
    store = Store(f"sqlite:///{state}/calls.db")
    store.migrate()
    fill(store, calls, days)
    store.close()


def main() -> None:
    """Starts a service and prints what it takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="*", choices=FIRST, default=list(FIRST))
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--stored", type=int, default=20_000)
    parser.add_argument("--cores", type=int, default=1)
    asked = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        stored_calls(state, asked.stored)
        os.sched_setaffinity(0, cores[-asked.cores :])
        with served(state) as (address, process):
            os.sched_setaffinity(0, cores[: -asked.cores] or cores)
            keys = first_keys(state)
            desk = Desk(keys, asked.stored)
            print(f"{asked.cores} of {len(cores)} cores, load average {os.getloadavg()[0]:.1f}\n\n{HEAD}")
            for kind in asked.kinds:
                climb(desk, address, psutil.Process(process.pid), keys["operator"], kind, asked.seconds)


if __name__ == "__main__":
    main()
