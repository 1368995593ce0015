"""Figures over HTTP: what the leadership reads, and every wrong question."""

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serving.keys import KeyRing, Role
from tests.serving.conftest import Headers
from tests.serving.store.made import decided, reviewed, suggested
from tests.serving.test_api import fields, problem

OCTOBER, NOVEMBER = datetime(2025, 10, 5, 4, tzinfo=UTC), datetime(2025, 11, 5, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def reviewer(app: FastAPI, client: TestClient, keys: dict[Role, Headers]) -> Headers:
    entries: list[Any] = []
    for month, at, thefts, leaks in (("oct", OCTOBER, 8, 2), ("nov", NOVEMBER, 6, 4)):
        for number in range(thefts + leaks):
            theft = number < thefts
            shown = suggested(f"{month}-{number}", at=at, category="theft" if theft else "neighbour_dispute",
                              destination="police_station" if theft else "grassroots_platform")  # fmt: skip
            entries += [shown, decided(shown, consent="not_asked" if theft else "given")]
    entries.append(reviewed("nov-9", verdict="correct", category="noise"))
    app.state.recorder.write(entries)
    return keys[Role.REVIEWER]


def test_a_month(client: TestClient, reviewer: Headers) -> None:
    query: dict[str, Any] = {"since": "2025-11-01", "to": "2025-11-30", "by": ["category", "day", "town", "hour"]}
    found = client.get("/v1/stats", params=query, headers=reviewer).json()
    assert (found["now"]["calls"], found["before"]["calls"], found["year_ago"]["calls"]) == (10, 10, 0)
    assert found["now"]["effective"] == 7  # six thefts, and noise, which is the police's in Hangzhou
    assert found["change"]["effective"]["before"] == pytest.approx(-0.125)
    assert found["change"]["effective"]["year_ago"] is None
    assert found["now"]["diverted_rate"] == pytest.approx(0.3)
    by_category = {row["value"]: row for row in found["by"]["category"]}
    assert by_category["theft"]["now"]["calls"] == 6
    assert by_category["theft"]["name"] == "盗窃"
    assert [row["value"] for row in found["by"]["day"]] == ["2025-11-05"]
    assert [row["value"] for row in found["by"]["hour"]] == ["12"]
    assert found["by"]["town"][0]["name"] == "未知"
    assert found["sentence"] == (
        "2025年11月共接报来电10起，其中有效警情7起，环比下降12.50%；分流非警务事项3起，分流率30.00%，分流量环比上升50.00%。"
    )


def test_confusion_and_its_calls(client: TestClient, reviewer: Headers) -> None:
    query = {"since": "2025-11-01", "to": "2025-11-30"}
    (cell,) = client.get("/v1/stats/confusion", params=query, headers=reviewer).json()["cells"]
    assert cell == {"suggested": "neighbour_dispute", "reviewed": "noise", "calls": 1}
    drill = {"suggested_category": "neighbour_dispute", "reviewed_category": "noise", "review": "done"}
    assert [c["call_id"] for c in client.get("/v1/calls", params=drill, headers=reviewer).json()["calls"]] == ["nov-9"]


def test_cities(client: TestClient, reviewer: Headers, app: FastAPI) -> None:
    secret = KeyRing(app.state.keys.path).create(Role.REVIEWER, "", "ningbo")[1]
    ningbo = {"Authorization": f"Bearer {secret}"}
    query = {"since": "2025-11-01", "to": "2025-11-30"}
    assert client.get("/v1/stats", params=query, headers=ningbo).json()["now"]["calls"] == 0
    problem(client.get("/v1/stats", params=query | {"city": "hangzhou"}, headers=ningbo), 403, "forbidden")
    assert client.get("/v1/stats", params=query | {"city": "hangzhou"}, headers=reviewer).json()["now"]["calls"] == 10


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "2025-11-30", "to": "2025-11-01"}, "since"),
        ({"since": "1999-01-01", "to": "2025-11-01"}, "since"),
        ({"since": "0001-01-01", "to": "0001-01-02"}, "since"),
        ({"since": "soon"}, "query.since"),
        ({"by": "mood"}, "query.by.0"),
        ({"city": "a\x00"}, "query.city"),
    ],
)
def test_wrong_questions(client: TestClient, reviewer: Headers, query: dict[str, str], field: str) -> None:
    assert fields(problem(client.get("/v1/stats", params=query, headers=reviewer), 422, "invalid"))[0] == field
