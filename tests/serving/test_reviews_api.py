"""Queues hold what they promise; verdicts count once, can be taken back, and two reviewers must agree."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.keys import KeyRing, Role
from serving.settings import Settings
from serving.store.entries import Happened, now
from serving.store.store import StoreAway
from tests.serving.conftest import Headers
from tests.serving.store.made import ANNA, decided, suggested
from tests.serving.test_api import fields, problem


@pytest.fixture(scope="module")
def app(state_dir: Path) -> FastAPI:
    return create_app(Settings(state_dir=state_dir, reviewers=1, audit_rate=1))


@pytest.fixture(scope="module")
def reviewers(state_dir: Path) -> list[Headers]:
    ring = KeyRing(state_dir / "keys.json")
    return [{"Authorization": f"Bearer {ring.create(Role.REVIEWER, f'审核{n}', 'hangzhou')[1]}"} for n in range(3)]


@pytest.fixture(scope="module")
def calls(app: FastAPI, client: TestClient) -> dict[str, str]:
    """One call for each queue, by the queue's name."""
    shown = {name: suggested(name, at=now()) for name in ("overridden", "returned", "plain")}
    shown["danger_under_called"] = suggested("danger_under_called", at=now(), category="fight", flags=["weapon"])
    shown["least_confident"] = suggested("least_confident", at=now(), confident=False, probability=0.2)
    shown["elsewhere"] = suggested("elsewhere", at=now(), city="ningbo", confident=False)
    app.state.recorder.write([
        *shown.values(),
        decided(shown["overridden"], overrode=True, destination="department"),
        decided(shown["returned"]),
        decided(shown["danger_under_called"], overrode=True, lowered=True, urgency="routine_onsite", reason="x"),
        Happened(by=ANNA, call_id="returned", status="returned", owner="department", reason="不属本单位"),
    ])  # fmt: skip
    return {name: name for name in shown}


def queue(client: TestClient, headers: Headers, name: str, **more: Any) -> list[str]:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        query: dict[str, Any] = {"queue": name, "limit": 2} | more | cursor
        answer = client.get("/v1/reviews", params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        found += [call["call_id"] for call in answer.json()["calls"]]
        if not answer.json()["next"]:
            return found
        cursor = {"cursor": answer.json()["next"]}


def judge(client: TestClient, headers: Headers, call_id: str, verdict: str = "approve", **more: Any) -> Any:
    return client.post(f"/v1/reviews/{call_id}", json={"verdict": verdict} | more, headers=headers)


def undo(client: TestClient, headers: Headers, batch: str) -> Any:
    return client.delete(f"/v1/review-batches/{batch}", headers=headers)


def test_queues(client: TestClient, reviewers: list[Headers], calls: dict[str, str]) -> None:
    me = reviewers[0]
    assert queue(client, me, "overridden") == ["danger_under_called", "overridden"]
    assert queue(client, me, "danger_under_called") == ["danger_under_called"]
    assert queue(client, me, "returned") == ["returned"]
    assert set(queue(client, me, "confident_contradicted")) == {"danger_under_called", "overridden", "returned"}
    assert queue(client, me, "least_confident") == ["least_confident"]
    assert set(queue(client, me, "random_audit")) == set(calls) - {"elsewhere"}
    for name in ("shadow", "suspected_label", "drift", "adjudication"):
        assert queue(client, me, name) == []
    counts = client.get("/v1/review-queues", headers=me).json()["counts"]
    assert counts == {
        "danger_under_called": 1, "overridden": 2, "returned": 1, "confident_contradicted": 3, "least_confident": 1,
        "shadow": 0, "suspected_label": 0, "random_audit": 5, "drift": 0, "adjudication": 0,
    }  # fmt: skip


def test_a_verdict_leaves_the_queue_and_undo_brings_it_back(
    client: TestClient, reviewers: list[Headers], calls: dict[str, str]
) -> None:
    me, other, _ = reviewers
    done = judge(client, me, "overridden", queue="overridden").json()
    assert done["destination"] == "department"  # what the operator decided is right
    assert "overridden" not in queue(client, me, "overridden")
    shown = client.get("/v1/calls/overridden", headers=me).json()
    assert shown["review"] == "done"
    assert shown["reviews"][0]["by"]["name"] == "审核0"
    problem(undo(client, other, done["batch"]), 403, "forbidden")
    assert undo(client, me, done["batch"]).json() == {"batch": done["batch"], "calls": 1}
    assert undo(client, me, done["batch"]).status_code == 200
    assert "overridden" in queue(client, me, "overridden")
    assert client.get("/v1/calls/overridden", headers=me).json()["reviews"][0]["undone"]
    problem(undo(client, me, "nothing"), 404, "not-found")


def test_correcting_follows_the_policy(client: TestClient, reviewers: list[Headers], calls: dict[str, str]) -> None:
    me = reviewers[0]
    done = judge(client, me, "plain", "correct", category="fight", urgency="emergency", reason="打起来了").json()
    assert done["destination"] == "police_station"
    shown = client.get("/v1/calls/plain", headers=me).json()
    assert (shown["final"]["category"], shown["police"]) == ("fight", "police")
    assert queue(client, me, "danger_under_called") == ["danger_under_called"]  # reviewed, so it waits no more
    undo(client, me, done["batch"])


def test_the_same_verdict_sent_twice_counts_once(
    client: TestClient, reviewers: list[Headers], calls: dict[str, str]
) -> None:
    me = reviewers[0]
    one, two = (judge(client, me, "plain", id="try-1").json() for _ in range(2))
    assert one == two
    assert len(client.get("/v1/calls/plain", headers=me).json()["reviews"]) == 2  # with the one undone above
    problem(judge(client, me, "plain", "unusable", id="try-1"), 409, "conflict")
    undo(client, me, one["batch"])


def test_a_verdict_on_what_has_gone_on_since_is_refused(
    client: TestClient, app: FastAPI, reviewers: list[Headers], calls: dict[str, str]
) -> None:
    me = reviewers[0]
    long_ago = now() - timedelta(40)
    shown = suggested("goes-on", at=long_ago)
    later = suggested("goes-on", at=long_ago + timedelta(minutes=1), category="fight", text="他拿刀出来了")
    app.state.recorder.write([shown, later])
    answer = judge(client, me, "goes-on", suggestion_id=shown.suggestion["suggestion_id"])
    assert "more has been said" in problem(answer, 409, "conflict")["detail"]
    problem(judge(client, me, "goes-on", suggestion_id="another"), 422, "invalid")
    seen = client.get("/v1/review-calls/goes-on", headers=me).json()["suggestions"][-1]["suggestion_id"]
    done = judge(client, me, "goes-on", suggestion_id=seen).json()
    assert done["category"] == "fight"
    app.state.recorder.write([suggested("goes-on", at=long_ago + timedelta(minutes=2), text="又走了")])
    assert client.get("/v1/calls/goes-on", headers=me).json()["review"] == "open"
    assert judge(client, me, "goes-on").status_code == 200


def test_unusable(client: TestClient, reviewers: list[Headers], calls: dict[str, str]) -> None:
    done = judge(client, reviewers[0], "least_confident", "unusable", reason="听不清").json()
    shown = client.get("/v1/calls/least_confident", headers=reviewers[0]).json()
    assert (shown["usable"], shown["review"]) == (False, "done")
    undo(client, reviewers[0], done["batch"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"verdict": "fine"}, "verdict"),
        ({"verdict": "correct"}, "verdict"),
        ({"verdict": "approve", "category": "fight"}, "verdict"),
        ({"verdict": "correct", "category": "murder"}, "category"),
        ({"verdict": "correct", "urgency": "soon"}, "urgency"),
        ({"verdict": "correct", "destination": "moon"}, "destination"),
        ({"verdict": "approve", "reason": "长" * 2001}, "reason"),
        ({"verdict": "approve", "queue": "mine"}, "queue"),
        ({"verdict": "approve", "id": "a b"}, "id"),
        ({}, "verdict"),
        ([], "body"),
    ],
)
def test_wrong_verdicts(
    client: TestClient, reviewers: list[Headers], calls: dict[str, str], body: Any, field: str
) -> None:
    answer = client.post("/v1/reviews/plain", json=body, headers=reviewers[0])
    assert fields(problem(answer, 422, "invalid"))[0] == field


def test_wrong_queues_and_calls(client: TestClient, reviewers: list[Headers], calls: dict[str, str]) -> None:
    me = reviewers[0]
    wrong: list[dict[str, str]] = [
        {"queue": "mine"}, {}, {"queue": "returned", "cursor": "x"}, {"queue": "returned", "limit": "0"},
    ]  # fmt: skip
    for query in wrong:
        problem(client.get("/v1/reviews", params=query, headers=me), 422, "invalid")
    problem(judge(client, me, "none"), 404, "not-found")
    problem(judge(client, me, "elsewhere"), 403, "forbidden")


def test_many_at_once(client: TestClient, reviewers: list[Headers], calls: dict[str, str]) -> None:
    me = reviewers[0]

    def many(**body: Any) -> Any:
        return client.post("/v1/review-batches", json={"verdict": "approve"} | body, headers=me)

    problem(many(queue="overridden", expected=7), 409, "conflict")
    problem(many(queue="overridden", expected=0), 422, "invalid")
    problem(many(filter={"category": "murder"}, expected=1), 422, "invalid")
    done = many(queue="overridden", filter={"suggested_category": "fight"}, expected=1).json()
    assert done["calls"] == 1
    assert queue(client, me, "overridden") == ["overridden"]
    undo(client, me, done["batch"])
    assert set(queue(client, me, "overridden")) == {"overridden", "danger_under_called"}
    day = now().date()
    everything = many(filter={"since": str(day - timedelta(1)), "to": str(day + timedelta(1))}, expected=5).json()
    assert queue(client, me, "random_audit") == []
    assert undo(client, me, everything["batch"]).json()["calls"] == 5
    assert len(queue(client, me, "random_audit")) == 5


def test_calls_come_whole_and_filtered(client: TestClient, reviewers: list[Headers], calls: dict[str, str]) -> None:
    def whole(**query: Any) -> Any:
        return client.get("/v1/review-calls", params=query, headers=reviewers[0])

    first = whole(queue="overridden", limit=1).json()
    assert (first["total"], [call["call_id"] for call in first["calls"]]) == (2, ["danger_under_called"])
    assert first["calls"][0]["turns"] == [{"speaker": "caller", "text": "楼上漏水"}]
    assert first["calls"][0]["decision"]["reason"] == "x"
    behind = whole(queue="overridden", limit=1, cursor=first["next"]).json()
    assert (behind["total"], behind["next"], behind["calls"][0]["call_id"]) == (None, None, "overridden")
    assert whole(queue="overridden", suggested_category="fight").json()["total"] == 1
    for query in ({"queue": "mine"}, {"queue": "drift", "limit": 21}, {"queue": "drift", "category": "x"}, {}):
        problem(whole(**query), 422, "invalid")
    problem(whole(queue="overridden", cursor="x"), 422, "invalid")


def test_a_verdict_is_answered_with_the_calls_behind(
    client: TestClient, reviewers: list[Headers], calls: dict[str, str]
) -> None:
    me = reviewers[0]
    first = client.get("/v1/review-calls", params={"queue": "overridden", "limit": 1}, headers=me).json()
    wanted = {"queue": "overridden", "limit": 5, "cursor": first["next"]}
    done = judge(client, me, first["calls"][0]["call_id"], queue="overridden", ahead=wanted).json()
    assert [call["call_id"] for call in done["ahead"]["calls"]] == ["overridden"]
    undo(client, me, done["batch"])
    problem(judge(client, me, "plain", ahead={"queue": "mine"}), 422, "invalid")
    done = judge(client, me, "plain").json()
    assert done["ahead"] is None
    undo(client, me, done["batch"])


def test_a_verdict_stands_when_the_database_goes_away_before_the_next_call(
    client: TestClient, app: FastAPI, reviewers: list[Headers], calls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise StoreAway("gone")

    with monkeypatch.context() as patched:
        patched.setattr("serving.reviews_api.ahead", gone)
        done = judge(client, reviewers[0], "plain", ahead={"queue": "overridden"})
    assert (done.status_code, done.json()["ahead"]) == (200, None)
    undo(client, reviewers[0], done.json()["batch"])


@pytest.fixture
def two(state_dir: Path, client: TestClient, app: FastAPI) -> Iterator[None]:
    kept = app.state.settings
    app.state.settings = kept.model_copy(update={"reviewers": 2})
    yield
    app.state.settings = kept


def test_two_reviewers(client: TestClient, reviewers: list[Headers], calls: dict[str, str], two: None) -> None:
    one, other, third = reviewers
    before = client.get("/v1/calls", params={"call_id": "plain"}, headers=other).json()["calls"][0]
    judge(client, one, "plain", "correct", category="noise")
    assert "plain" not in queue(client, one, "random_audit")
    assert "plain" in queue(client, other, "random_audit")
    assert client.get("/v1/review-calls/plain", headers=one).json()["reviews"][-1]["category"] == "noise"
    for path in ("/v1/review-calls/plain", "/v1/calls/plain"):
        assert client.get(path, headers=other).json()["reviews"] == []  # he judges for himself
    after = client.get("/v1/calls", params={"call_id": "plain"}, headers=other).json()["calls"][0]
    assert after == before | {"review": "second"}
    judge(client, other, "plain")
    assert {said["by"]["name"] for said in client.get("/v1/calls/plain", headers=other).json()["reviews"]} >= {
        "审核0",
        "审核1",
    }
    assert queue(client, one, "adjudication") == []
    assert queue(client, third, "adjudication") == ["plain"]
    assert len(client.get("/v1/review-calls/plain", headers=third).json()["reviews"]) >= 2
    judge(client, one, "returned")
    judge(client, other, "returned")
    agreement = client.get("/v1/review-agreement", headers=one).json()
    assert agreement["pairs"] == 2
    assert agreement["category"]["equal"] == 0.5
    everything = {"verdict": "approve", "queue": "adjudication", "expected": 1}
    at_once = client.post("/v1/review-batches", json=everything, headers=third).json()  # as good as one by one
    assert client.get("/v1/calls/plain", headers=one).json()["review"] == "done"
    undo(client, third, at_once["batch"])
    assert queue(client, third, "adjudication") == ["plain"]
    done = judge(client, third, "plain", "correct", category="noise").json()
    assert done["adjudicates"]
    shown = client.get("/v1/calls/plain", headers=one).json()
    assert (shown["review"], shown["final"]["category"]) == ("done", "noise")


def test_a_drifting_category_is_a_queue(client: TestClient, app: FastAPI, keys: dict[Role, Headers]) -> None:
    old, recent = now() - timedelta(20), now() - timedelta(2)
    app.state.recorder.write([
        *(suggested(f"old-{n}", at=old, city="wenzhou", category=("noise", "theft")[n % 2]) for n in range(60)),
        *(suggested(f"new-{n}", at=recent, city="wenzhou", category="noise" if n < 10 else "telecom_fraud") for n in range(50)),
    ])  # fmt: skip
    ring = KeyRing(app.state.keys.path)
    headers = {"Authorization": f"Bearer {ring.create(Role.REVIEWER, '', 'wenzhou')[1]}"}
    found = client.get("/v1/review-queues", headers=headers).json()
    assert found["drifting"] == ["telecom_fraud"]
    assert found["counts"]["drift"] == 40
    assert len(queue(client, headers, "drift")) == 40
