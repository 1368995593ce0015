"""All kinds of requests for a long time: memory, threads and open files must not grow.

    taskset -c 1 python -m tests.bench.soak [--warm 8] [--minutes 30] [--rate 6] [--stored 25000] [--samples FILE.csv]

The stored calls are of the last three days, so that the window of related calls is as full at the start as it can be.
Warming up at four times the rate fills what the service remembers of calls and texts (`serving.store.calls.REMEMBERED`,
`data.remember.MOST`) and does not count. Samples every ten seconds; exit code 1 when something grows.
"""

import argparse
import asyncio
import csv
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
from scipy.stats import linregress

from serving.related_window import WINDOW_HOURS
from tests.bench.load import HEAD, Desk, Seen, step, stored_calls
from tests.serving.test_serve import first_keys, served

EVERY = 10.0  # seconds
DAYS = WINDOW_HOURS / 24
WARMER = 4  # times the rate
TOLERATED = 0.01  # growth over the whole time, as a share of the mean: less is noise of the allocator
KINDS = ("resident MiB", "threads", "open files")


def sample(process: psutil.Process) -> tuple[float, ...]:
    """Resident memory, threads, open files."""
    with process.oneshot():
        return process.memory_info().rss / 2**20, process.num_threads(), process.num_fds()


async def watch(process: psutil.Process, found: list[tuple[float, ...]]) -> None:
    """Samples until it is cancelled: seconds, and what `sample` says."""
    begun = time.monotonic()
    while True:
        found.append((time.monotonic() - begun, *sample(process)))
        await asyncio.sleep(EVERY)


def report(samples: Sequence[tuple[float, ...]], warm: float) -> tuple[str, bool]:
    """A table, and whether something grows after `warm` seconds: its slope surely above 0, more than noise over the time."""
    counted = np.array([taken for taken in samples if taken[0] >= warm])
    hours, lines, grows = counted[:, 0] / 3600, [], False
    for number, kind in enumerate(KINDS, 1):
        values = counted[:, number]
        fitted = linregress(hours, values)
        low, high = fitted.slope - 1.96 * fitted.stderr, fitted.slope + 1.96 * fitted.stderr
        grown = fitted.slope * (hours[-1] - hours[0]) > TOLERATED * values.mean() and low > 0
        grows |= bool(grown)
        lines.append(f"| {kind} | {samples[0][number]:.0f} | {values[0]:.0f} | {values[-1]:.0f} | {values.max():.0f} | "
                     f"{fitted.slope:+.2f} ({low:+.2f} – {high:+.2f}) | {'grows' if grown else 'steady'} |")  # fmt: skip
    head = "| | at the start | warm | at the end | most | an hour (95 % interval) | |\n" + "| --- " * 7 + "|"
    return "\n".join([head, *lines]), grows


async def soak(desk: Desk, address: str, key: str, process: psutil.Process, rate: float, warm: float, seconds: float
               ) -> tuple[Seen, list[tuple[float, ...]]]:  # fmt: skip
    """The mix at that rate for so long, after it was warmed up; what was seen of it, and the samples of both."""
    samples: list[tuple[float, ...]] = []
    watching = asyncio.create_task(watch(process, samples))
    await step(desk, address, process, key, "mixed", rate * WARMER, warm)
    seen = await step(desk, address, process, key, "mixed", rate, seconds)
    watching.cancel()
    return seen, samples


def main() -> None:
    """Starts a service, prints the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warm", type=float, default=8)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=6)
    parser.add_argument("--stored", type=int, default=25_000)
    parser.add_argument("--samples", type=Path)
    asked = parser.parse_args()
    warm, seconds = asked.warm * 60, asked.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        stored_calls(state, asked.stored, DAYS)
        with served(state) as (address, started):
            keys, process = first_keys(state), psutil.Process(started.pid)
            desk = Desk(keys, asked.stored)
            seen, samples = asyncio.run(soak(desk, address, keys["operator"], process, asked.rate, warm, seconds))
    if asked.samples:
        with asked.samples.open("w", newline="") as file:
            csv.writer(file).writerows([("seconds", *KINDS), *samples])
    table, grows = report(samples, warm)
    print(f"{asked.warm:g} and {asked.minutes:g} minutes, {len(samples)} samples, "
          f"load average {os.getloadavg()[0]:.1f}\n\n{table}\n")  # fmt: skip
    print(f"{HEAD}\n{seen.row(seconds)}\n\n{seen.by_part()} "
          f"statuses {dict(seen.tally.statuses)}, health {dict(seen.health.statuses)}")  # fmt: skip
    sys.exit(grows)


if __name__ == "__main__":
    main()
