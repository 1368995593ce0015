"""`make bench`: what the served release costs – start, memory, a request – beside the baseline in the same run."""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import onnxruntime
import psutil

from data.records import Call
from model.fallback import Linear
from model.runtime import Encoder
from model.suggest import Suggester
from tests.bench.calls import text
from tests.serving.test_serve import first_keys, served

LENGTHS = (15, 60, 100, 400)
ROUNDS = 300


def milliseconds(work: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Sorted durations of `rounds` calls of `work`, after ten that do not count."""
    for _ in range(10):
        work()
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        found.append((time.perf_counter() - begun) * 1e3)
    return sorted(found)


def row(name: str, times: list[float]) -> str:
    """One line of the table: median, 99th percentile."""
    return f"| {name} | {statistics.median(times):.1f} | {times[int(len(times) * 0.99) - 1]:.1f} |"


def main() -> None:
    """Prints the hardware and a Markdown table."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"onnxruntime {onnxruntime.__version__}\n")  # fmt: skip
    print("| milliseconds | p50 | p99 |\n| --- | --- | --- |")
    for name, suggester in {"model": Suggester(model=Encoder()), "baseline": Suggester(model=Linear())}.items():
        for length in LENGTHS:
            call = Call.model_validate({"text": text(length)})
            print(row(f"{name} in process, {length} characters", milliseconds(partial(suggester.suggest, call))))
    with tempfile.TemporaryDirectory() as state:
        begun = time.perf_counter()
        with served(Path(state)) as (address, process):
            ready = time.perf_counter() - begun
            headers = {"Authorization": f"Bearer {first_keys(Path(state))['operator']}"}
            with httpx.Client(base_url=address, headers=headers) as client:
                for length in LENGTHS:
                    times = milliseconds(partial(client.post, "/v1/classify", json={"text": text(length)}))
                    print(row(f"whole HTTP request, {length} characters", times))
            memory = psutil.Process(process.pid).memory_info().rss / 2**20
    print(f"\nready {ready:.1f} s after start (a new process), resident memory {memory:.0f} MiB after these requests")


if __name__ == "__main__":
    main()
