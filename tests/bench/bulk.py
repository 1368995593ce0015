"""`python -m tests.bench.bulk [--calls 1000000] [--workers 1 2] [--style note]`: an archive suggested anew by Ray.

The calls are those of the corpus, of one style if it is named, again and again with other ids. After a run every call
must have been answered exactly once, whatever was killed meanwhile. Beside it, one process scores a sample of them before
the first run and after the last; each run is timed from its first piece on, when its workers have loaded the model. Prints
the calls a second of a worker, its share of the one process, and the core-hours of 100 million calls.
"""

import argparse
import itertools
import json
import math
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyarrow.dataset import dataset

from data.corpus import load_corpus
from data.records import Call
from model.suggest import Suggester
from serving.archive.run import Job, run
from serving.settings import Settings

SAMPLE, BATCH = 2_000, 256
FILE_CALLS = 1_000  # less than a piece
CALLS_COSTED = 100_000_000


def calls(count: int, style: str | None) -> Iterator[dict[str, Any]]:
    """So many calls of the corpus."""
    items = [item for item in load_corpus() if style in (None, item.style)]
    for number, item in enumerate(itertools.islice(itertools.cycle(items), count)):
        told = {"turns": [turn.model_dump() for turn in item.turns]} if item.turns else {"text": item.text}
        yield {"id": number} | told


def one_process(suggester: Suggester, sample: list[dict[str, Any]]) -> float:
    """Calls a second of this process, from the parsed line on."""
    begun = time.perf_counter()
    for at in range(0, len(sample), BATCH):
        suggester.suggest_many([Call.model_validate({k: v for k, v in row.items() if k != "id"})
                                for row in sample[at : at + BATCH]])  # fmt: skip
    return len(sample) / (time.perf_counter() - begun)


def by_ray(source: Path, target: Path, workers: int, count: int) -> tuple[float, float]:
    """Calls a second of all workers between the first finished piece and the last, and the seconds of the whole run."""
    ends: list[float] = []
    begun, pieces = time.perf_counter(), 0

    def progress(done: int, of: int) -> None:
        nonlocal pieces
        ends.append(time.perf_counter())
        pieces = of

    done = run(Job(Settings(), str(source), str(target), "hangzhou"), workers, progress)
    assert done.suggestions == count, done
    answered = dataset(target, format="parquet", exclude_invalid_files=True).to_table(["id"]).column("id")
    assert len(answered) == len(answered.unique()) == count, (len(answered), len(answered.unique()), count)
    skipped = workers  # the first piece of each worker has the loading of its model in it
    share = (pieces - skipped) / pieces
    return count * share / max(1e-9, ends[-1] - ends[skipped - 1]), time.perf_counter() - begun


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--style", choices=("dialogue", "speech", "note"))
    asked = parser.parse_args()
    if asked.calls <= FILE_CALLS * max(asked.workers):
        parser.error(f"--calls: more than {FILE_CALLS:,} for each worker, whose first piece does not count")
    os.environ.setdefault("RAY_worker_niceness", "0")  # workers as nice as the one process, or they cannot be compared
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "in"
        source.mkdir()
        rows = calls(asked.calls, asked.style)
        for number in range(math.ceil(asked.calls / FILE_CALLS)):
            with (source / f"{number:06d}.jsonl").open("w", encoding="utf-8") as file:
                for row in itertools.islice(rows, FILE_CALLS):
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
        sample = list(calls(min(SAMPLE, asked.calls), asked.style))
        suggester = Suggester(threads=1)
        one_process(suggester, sample[:100])
        alone = [one_process(suggester, sample)]
        found = [(n, *by_ray(source, Path(scratch) / f"out{n}", n, asked.calls)) for n in asked.workers]
        alone.append(one_process(suggester, sample))
    base = statistics.mean(alone)
    print(f"one process {base:.0f} calls/s (before {alone[0]:.0f}, after {alone[1]:.0f}), {asked.calls:,} calls\n")
    print("| workers | calls/s | of a worker | of the one process | seconds in all | core-hours of 100 million |")
    print("| --- " * 6 + "|")
    for workers, rate, seconds in found:
        hours = CALLS_COSTED / (rate / workers) / 3_600
        print(f"| {workers} | {rate:.0f} | {rate / workers:.0f} | {rate / workers / base:.0%} | {seconds:.0f} | {hours:.0f} |")  # fmt: skip


if __name__ == "__main__":
    main()
