"""How soon /healthz answers, asked by a process of its own as a watchdog would: `python -m tests.bench.health ADDRESS`.

It asks ten times a second until its standard input ends, then prints what it saw. The client that makes the load cannot
measure that: while it makes requests, it does not see answers.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.bench.client import Ask, Crowd, Tally

EVERY = 0.1  # seconds


async def _asked(address: str) -> Tally:
    tally, crowd = Tally(), Crowd(address)
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await crowd.watch(Ask("GET", "/healthz"), EVERY, tally, ended.done)
    crowd.connections.close()
    return tally


@asynccontextmanager
async def watched(address: str, into: Tally) -> AsyncIterator[None]:
    """While this lasts, health is asked; what was seen is in `into` afterwards."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, address, stdin=pipe, stdout=pipe)
    try:
        yield
    finally:
        said, _ = await process.communicate(b"")  # without input its standard input would stay open
    if process.returncode:
        raise RuntimeError(f"the process that asks for health ended with {process.returncode}")
    found = json.loads(said)
    into.seconds, into.lost, into.sent = found["seconds"], found["lost"], found["sent"]
    into.statuses.update({int(status): times for status, times in found["statuses"].items()})


if __name__ == "__main__":
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # where it waits for no core that the load keeps busy
    seen = asyncio.run(_asked(sys.argv[1]))
    print(json.dumps({"seconds": seen.seconds, "lost": seen.lost, "sent": seen.sent, "statuses": seen.statuses}))
