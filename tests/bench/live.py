"""Many live calls at once over loopback: time from a message to its suggestion, what was lost, memory.

    python -m tests.bench.live [--calls 200] [--seconds 60] [--every 2.0] [--ramp 15]

The calls are dialogues of the corpus' test split, one turn a message, a new call on the same line when one is over. The
lines begin over `ramp` seconds, about as long as a call goes on, so that at no time all calls are new. The client is a
process of its own and shares the cores with the service, as the measured figures say.
"""

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from data.corpus import load_corpus, split_groups
from tests.serving.test_serve import first_keys, served

FULL = 4429  # the close code when no place is free
PATIENCE = 10.0  # seconds that a suggestion may take before its message counts as lost


@dataclass
class Tally:
    """What all calls saw."""

    seconds: list[float] = field(default_factory=list)
    sent: int = 0
    lost: int = 0
    refused: int = 0  # connections


@cache
def dialogues() -> list[list[dict[str, str]]]:
    """The turns of each dialogue of the test split."""
    items = load_corpus()
    splits = split_groups(items)
    return [
        [turn.model_dump() for turn in item.turns]
        for item in items
        if splits[item.group] == "test" and item.style == "dialogue"
    ]


async def converse(
    url: str,
    key: str,
    name: str,
    calls: list[list[dict[str, str]]],
    until: float,
    every: float,
    ramp: float,
    tally: Tally,
) -> None:
    """One line: calls one after the other, a turn every `every` seconds, until `until`; it begins within `ramp` seconds."""
    await asyncio.sleep(random.random() * ramp)
    for number, turns in enumerate(cycle(calls)):
        if time.monotonic() >= until:
            return
        address, headers = f"{url}/v1/calls/{name}-{number}/live", {"Authorization": f"Bearer {key}"}
        async with connect(address, additional_headers=headers, compression=None, open_timeout=60) as socket:
            try:
                await socket.recv()
            except ConnectionClosed as closed:
                if closed.rcvd is None or closed.rcvd.code != FULL:
                    raise
                tally.refused += 1
                await asyncio.sleep(every)
                continue
            await _call(socket, turns, until, every, tally)


async def _call(
    socket: ClientConnection, turns: list[dict[str, str]], until: float, every: float, tally: Tally
) -> None:
    waiting: dict[int, float] = {}

    async def listen() -> None:
        async for message in socket:
            found: dict[str, Any] = json.loads(message)
            for revision in [number for number in waiting if number <= found.get("revision", 0)]:
                tally.seconds.append(time.perf_counter() - waiting.pop(revision))

    listener = asyncio.create_task(listen())
    for revision, turn in enumerate(turns, 1):
        if time.monotonic() >= until:
            break
        waiting[revision] = time.perf_counter()
        tally.sent += 1
        await socket.send(json.dumps(turn, ensure_ascii=False))
        await asyncio.sleep(every)
    give_up = time.monotonic() + PATIENCE
    while waiting and time.monotonic() < give_up:
        await asyncio.sleep(0.05)
    tally.lost += len(waiting)
    await socket.send('{"type": "end"}')
    await listener


async def load(address: str, key: str, calls: int, seconds: float, every: float, ramp: float | None = None) -> Tally:
    """All lines together; they begin within `ramp` seconds, by default within one turn."""
    tally, spoken = Tally(), dialogues()
    random.seed(110)
    until = time.monotonic() + seconds
    url, run = address.replace("http", "ws"), uuid.uuid4().hex[:8]  # calls of an earlier run may still be kept
    lines = [random.sample(spoken, 20) for _ in range(calls)]
    within = every if ramp is None else ramp
    talks = (converse(url, key, f"{run}-{n}", mine, until, every, within, tally) for n, mine in enumerate(lines))
    await asyncio.gather(*talks)
    return tally


def main() -> None:
    """Starts a service and prints what a run saw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", type=float, default=2.0)
    parser.add_argument("--ramp", type=float, default=15.0, help="seconds over which the lines begin")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as state, served(Path(state)) as (address, process):
        service = psutil.Process(process.pid)
        before = service.cpu_times()
        key = first_keys(Path(state))["operator"]
        tally = asyncio.run(load(address, key, asked.calls, asked.seconds, asked.every, asked.ramp))
        memory, after = service.memory_info().rss / 2**20, service.cpu_times()
    times = sorted(tally.seconds)
    cpu = (after.user + after.system - before.user - before.system) / max(1, tally.sent) * 1e3
    p50, p99 = (times[min(len(times) - 1, int(len(times) * share))] * 1e3 for share in (0.5, 0.99))
    print(f"{asked.calls} live calls, a turn every {asked.every:g} s, {asked.seconds:g} s, {os.cpu_count()} cores, "
          f"load average {os.getloadavg()[0]:.1f}")  # fmt: skip
    print("| messages | lost | p50 ms | p99 ms | worst ms | CPU ms a message | resident MiB |\n" + "| --- " * 7 + "|")
    print(f"| {tally.sent} | {tally.lost} | {p50:.0f} | {p99:.0f} | {times[-1] * 1e3:.0f} | {cpu:.1f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
