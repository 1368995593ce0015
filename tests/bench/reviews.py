"""Server time of a review with many stored calls: `python -m tests.bench.reviews [calls]`."""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import insert, inspect, select

from data.taxonomy import categories, destinations
from serving.app import create_app
from serving.keys import KeyRing, Role
from serving.settings import Settings
from serving.store import queues, state
from serving.store.entries import now
from serving.store.schema import CallRow, SuggestionRow, TranscriptRow
from serving.store.store import Store
from tests.bench.service import row
from tests.serving.store.made import decided, suggested

ROUNDS = 100


def fill(store: Store, calls: int, days: float = 90) -> None:
    """Stores calls of the last `days`, a seventh overridden, a fifth unsure: two thousand, and copies of them."""
    rng = random.Random(110)
    codes, places = list(categories()), list(destinations())
    templates = []
    for number in range(min(calls, 2000)):
        shown = suggested(
            f"t{number}", at=now() - timedelta(days=rng.random() * days), category=rng.choice(codes),
            destination=rng.choice(places), confident=rng.random() > 0.2, probability=rng.random(),
        )  # fmt: skip
        call = state.opened(shown)
        if rng.random() < 0.14:
            state.decided(call, decided(shown, overrode=True, lowered=rng.random() < 0.1))
        templates.append((values(call), values(state.suggestion_row(shown))))
    said = [turn.model_dump() for turn in shown.turns]
    for start in range(0, calls, 5000):
        rows: dict[type[Any], list[dict[str, Any]]] = {CallRow: [], TranscriptRow: [], SuggestionRow: []}
        for number in range(start, min(calls, start + 5000)):
            one, suggestion = templates[number % len(templates)]
            name = f"c{number}"
            rows[CallRow].append(one | {"id": name, "suggestion_id": name, "lottery": state.lottery(name)})
            rows[SuggestionRow].append(suggestion | {"id": name, "call_id": name})
            rows[TranscriptRow].append({"call_id": name, "turns": said})
        with store.writing() as session:
            for table, many in rows.items():
                session.execute(insert(table), many)


def values(one: Any) -> dict[str, Any]:
    """A row's columns."""
    mapper: Any = inspect(type(one))
    return {column.key: getattr(one, column.key) for column in mapper.column_attrs}


def times(work: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    """Sorted milliseconds of `rounds` calls, after three that do not count."""
    found = []
    for number in range(rounds + 3):
        begun = time.perf_counter()
        answer = work()
        assert answer.status_code == 200, answer.text
        if number >= 3:
            found.append((time.perf_counter() - begun) * 1e3)
    return sorted(found)


def main(calls: int) -> None:
    """Prints a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        app = create_app(Settings(state_dir=place))
        store: Store = app.state.store
        store.migrate()
        fill(store, calls)
        store.analyse()  # as a service that has run for a while has
        secret = KeyRing(place / "keys.json").create(Role.REVIEWER, "", "hangzhou")[1]
        with store.reading() as session:
            ids = iter(session.scalars(select(CallRow.id).where(CallRow.overrode).limit(ROUNDS * 4)).all())
        with TestClient(app, headers={"Authorization": f"Bearer {secret}"}) as client:
            print(f"{calls} calls stored\n\n| milliseconds | p50 | p99 |\n| --- | --- | --- |")
            approve = {"verdict": "approve", "queue": "overridden"}
            print(row("approve a call", times(lambda: client.post(f"/v1/reviews/{next(ids)}", json=approve))))
            print(row("approve, then the queue", times(lambda: (
                client.post(f"/v1/reviews/{next(ids)}", json=approve),
                client.get("/v1/reviews", params={"queue": "overridden", "limit": 20}))[1], ROUNDS // 2)))  # fmt: skip
            page = client.get("/v1/review-calls", params={"queue": "least_confident"}).json()
            ahead = {"queue": "least_confident", "cursor": page["next"], "limit": 1}
            print(row("approve, answered with the next call (the page's way)", times(lambda: client.post(
                f"/v1/reviews/{next(ids)}", json=approve | {"ahead": ahead}))))  # fmt: skip
            print(row("the first six calls of a queue, whole", times(lambda: client.get(
                "/v1/review-calls", params={"queue": "least_confident"}))))  # fmt: skip
            print(row("similar calls", times(lambda: client.get("/v1/review-calls/c7/similar"), ROUNDS // 5)))
            print(row("open a call", times(lambda: client.get("/v1/calls/c7"))))
            for queue in queues.QUEUES:
                query = {"queue": queue, "limit": 20}
                print(row(f"queue {queue}", times(lambda q=query: client.get("/v1/reviews", params=q))))  # type: ignore[misc]
            print(row("all counts", times(lambda: client.get("/v1/review-queues"))))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
