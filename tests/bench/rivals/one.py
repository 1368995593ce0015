"""One rival in a process of its own, as JSON: `python -m tests.bench.rivals.one NAME FOLDER [--answers FILE…]`.

What only counting needs is imported where it is: it would be in the resident memory of every rival.
"""

import argparse
import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from tests.bench.calls import text
from tests.bench.rivals.runners import HTTP, RIVALS, Answer

LENGTHS = (15, 60, 120, 400)
ROUNDS, SECONDS, FEWEST = 200, 3.0, 10  # a length is measured until either is reached, but so often at least
CORPUS = "corpus"  # its test split


@contextmanager
def over_http() -> Iterator[tuple[Answer, psutil.Process]]:
    """The service, started for this, asked over one connection that stays open; and its process."""
    from tests.serving.test_serve import first_keys, served

    settings = {"YIDIANTONG_THREADS": "1", "YIDIANTONG_CONCURRENCY": "1"}
    with tempfile.TemporaryDirectory() as state, served(Path(state), **settings) as (address, process):
        connection = http.client.HTTPConnection(urlsplit(address).netloc)
        secret = first_keys(Path(state))["operator"]
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

        def ask(said: str) -> str:
            connection.request("POST", "/v1/classify", json.dumps({"text": said}), headers)
            return str(json.load(connection.getresponse())["category"]["code"])

        yield ask, psutil.Process(process.pid)
        connection.close()


@contextmanager
def loaded(name: str, folder: Path) -> Iterator[tuple[Answer, psutil.Process]]:
    """The rival ready to answer, and the process it does so in."""
    if name == HTTP:
        with over_http() as found:
            yield found
        return
    yield RIVALS[name].load(folder / RIVALS[name].made_of), psutil.Process()


def timed(answer: Answer, process: psutil.Process, said: str) -> dict[str, Any]:
    """Milliseconds of each call of `answer`, and what one takes of the process's CPU."""
    for _ in range(3):
        answer(said)
    spent, begun, found = _cpu(process), time.perf_counter(), list[float]()
    while len(found) < FEWEST or (len(found) < ROUNDS and time.perf_counter() - begun < SECONDS):
        since = time.perf_counter()
        answer(said)
        found.append((time.perf_counter() - since) * 1e3)
    return {"ms": found, "cpu": (_cpu(process) - spent) / len(found)}


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system) * 1e3


def right(answer: Answer, source: str) -> list[bool]:
    """Whether each category is the labelled one, of the corpus' test split or the calls of a file whose label is sure."""
    from data.corpus import load_corpus
    from model.text import render
    from training.evaluate import Case, read_cases
    from training.material import parted

    cases = list(map(Case.of, parted(load_corpus())["test"])) if source == CORPUS else read_cases(Path(source))
    return [answer(render(case.call().transcript).text) == case.category for case in cases]


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=RIVALS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--answers", nargs="*", default=())
    asked = parser.parse_args()
    begun = time.perf_counter()
    with loaded(asked.name, asked.folder) as (answer, process):
        answer(text(15))
        ready = time.perf_counter() - begun
        times = {str(length): timed(answer, process, text(length)) for length in LENGTHS}
        memory = process.memory_info().rss / 2**20
        answers = {source: right(answer, source) for source in asked.answers}
    print(json.dumps({"ready": ready, "times": times, "memory": memory, "answers": answers}))


if __name__ == "__main__":
    main()
