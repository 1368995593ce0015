"""`make bench`: what the served release costs – start, memory, a request – beside the baseline in the same run."""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import onnxruntime
import psutil

from data.corpus import load_corpus
from data.records import Call
from model.fallback import Linear
from model.runtime import Encoder
from model.suggest import Suggester
from tests.serving.test_serve import first_keys, served
from training.material import parted

LENGTHS = (15, 60, 100, 400)
ROUNDS, WARM = 300, 10


def cut(said: str, length: int, count: int) -> list[str]:
    """`count` different calls of `length` characters each, cut out of `said`."""
    if len(said) < length * count:
        raise ValueError(f"{len(said)} characters, not {length * count}")
    return [said[start : start + length] for start in range(0, length * count, length)]


def milliseconds(work: Callable[[str], object], said: Sequence[str]) -> list[float]:
    """Sorted durations of `work` on each text, after the first `WARM`, which do not count."""
    found = []
    for text in said:
        begun = time.perf_counter()
        work(text)
        found.append((time.perf_counter() - begun) * 1e3)
    return sorted(found[WARM:])


def row(name: str, times: list[float]) -> str:
    """One line of the table: median, 99th percentile."""
    return f"| {name} | {statistics.median(times):.1f} | {times[int(len(times) * 0.99) - 1]:.1f} |"


def main() -> None:
    """Prints the hardware and a Markdown table."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"onnxruntime {onnxruntime.__version__}\n")  # fmt: skip
    spoken = "".join(turn.text for item in parted(load_corpus())["test"] for turn in item.as_turns())
    calls = {length: cut(spoken, length, ROUNDS + WARM) for length in LENGTHS}
    print("| milliseconds | p50 | p99 |\n| --- | --- | --- |")
    for name, suggester in {"model": Suggester(model=Encoder()), "baseline": Suggester(model=Linear())}.items():
        for length, said in calls.items():
            times = milliseconds(lambda text, suggester=suggester: suggester.suggest(Call(text=text)), said)  # type: ignore[misc]
            print(row(f"{name} in process, {length} characters", times))
    with tempfile.TemporaryDirectory() as state:
        begun = time.perf_counter()
        with served(Path(state)) as (address, process):
            ready = time.perf_counter() - begun
            headers = {"Authorization": f"Bearer {first_keys(Path(state))['operator']}"}
            with httpx.Client(base_url=address, headers=headers) as client:
                for length, said in calls.items():
                    times = milliseconds(lambda text: client.post("/v1/classify", json={"text": text}), said)
                    print(row(f"whole HTTP request, {length} characters", times))
            memory = psutil.Process(process.pid).memory_info().rss / 2**20
    print(f"\nready {ready:.1f} s after start (a new process), resident memory {memory:.0f} MiB after these requests")


if __name__ == "__main__":
    main()
