"""The contract's routes: right answers, and a problem that names the field for every wrong request."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from data.records import Suggestion
from serving.app import create_app
from serving.engine import Engine
from serving.keys import KeyRing, Role
from serving.settings import Settings
from tests.serving.conftest import Headers
from tests.texts import ANSWERED, REFUSED

TURN = {"speaker": "caller", "text": "楼上漏水"}
CONTRACT = {
    "call_id", "suggestion_id", "police", "category", "urgency", "destination", "linked", "action", "consent", "confident",
    "reasons", "evidence", "red_flags", "ask_next", "location", "degraded", "model_version", "policy_version", "elapsed_ms",
}  # fmt: skip


def problem(response: Any, status: int, kind: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"] == f"urn:yidiantong:problem:{kind}"
    assert body["status"] == status
    assert "Traceback" not in response.text
    return body


def fields(body: dict[str, Any]) -> list[str]:
    return [error["field"] for error in body["errors"]]


def test_classify(client: TestClient, operator: Headers) -> None:
    body = {"call_id": "c-7", "city": "shaoxing", "channel": "110", "partial": False, "turns": [
        {"speaker": "operator", "text": "110，请讲"}, {"speaker": "caller", "text": "诸暨牌头这边，楼上漏水，物业不管，想有人来"}]}  # fmt: skip
    response = client.post("/v1/classify", json=body, headers=operator)
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == CONTRACT
    assert answer["call_id"] == "c-7"
    assert answer["destination"]["unit"] == "牌头镇社会治理中心"
    assert answer["policy_version"].startswith("shaoxing-")
    Suggestion.model_validate_json(response.text)


def test_ids_are_made_when_absent(client: TestClient, operator: Headers) -> None:
    one, two = (client.post("/v1/classify", json={"text": "楼上漏水"}, headers=operator).json() for _ in range(2))
    assert one["call_id"] != two["call_id"]
    assert one["suggestion_id"] != two["suggestion_id"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "body"),
        ({"text": ""}, 422, "text"),
        ({"text": " \n\u3000"}, 422, "text"),
        ({"text": "\x00\x01\u200b"}, 422, "text"),
        ({"text": 7}, 422, "text"),
        ({"text": ["喂"]}, 422, "text"),
        ({"turns": {"0": TURN}}, 422, "turns"),
        ({"turns": []}, 422, "turns"),
        ({"turns": [{"speaker": "robot", "text": "喂"}]}, 422, "turns.0.speaker"),
        ({"turns": [TURN, {"speaker": "caller", "text": "喂", "tone": "loud"}]}, 422, "turns.1.tone"),
        ({"turns": [TURN], "text": "喂"}, 422, "body"),
        ({"text": "喂", "city": "atlantis"}, 422, "city"),
        ({"text": "喂", "city": 3}, 422, "city"),
        ({"text": "喂", "channel": "119"}, 422, "channel"),
        ({"text": "喂", "unknown": 1}, 422, "unknown"),
        ({"text": "喂", "call_id": "a b\r\nSet-Cookie: x"}, 422, "call_id"),
        ([], 422, "body"),
        ({"text": "啊" * 20_001}, 413, "text"),
        ({"turns": [TURN] * 401}, 413, "turns"),
    ],
)
def test_wrong_bodies_name_the_field(client: TestClient, operator: Headers, body: Any, status: int, field: str) -> None:
    found = problem(
        client.post("/v1/classify", json=body, headers=operator), status, "invalid" if status == 422 else "too-large"
    )
    assert fields(found)[0] == field


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"null", 422),
        ('{"text": "楼上漏水"}'.encode("gb18030"), 400),
        (b'{"text": "\xff\xfe"}', 400),
        (b'{"text": "\\ud800"}', 422),
        (b"[" * 100_000, 400),
        (b'{"text": NaN}', 422),
    ],
)
def test_unreadable_bodies(client: TestClient, operator: Headers, raw: bytes, status: int) -> None:
    response = client.post("/v1/classify", content=raw, headers=operator | {"Content-Type": "application/json"})
    problem(response, status, {400: "unreadable", 422: "invalid"}[status])


@pytest.mark.parametrize("name", ANSWERED)
def test_odd_texts_are_answered(client: TestClient, operator: Headers, name: str) -> None:
    assert client.post("/v1/classify", json={"text": ANSWERED[name]}, headers=operator).status_code == 200


@pytest.mark.parametrize("name", REFUSED)
def test_texts_that_are_no_call_are_refused(client: TestClient, operator: Headers, name: str) -> None:
    response = client.post("/v1/classify", json={"text": REFUSED[name]}, headers=operator)
    long = len(REFUSED[name]) > 20_000
    assert fields(problem(response, 413 if long else 422, "too-large" if long else "invalid")) == ["text"]


def test_a_body_over_the_limit_declared_or_streamed(client: TestClient, operator: Headers) -> None:
    problem(client.post("/v1/classify", content=b" " * (17 * 2**20), headers=operator), 413, "too-large")
    parts = iter([b" " * 2**20] * 17)
    problem(client.post("/v1/classify", content=parts, headers=operator), 413, "too-large")


def test_batch(client: TestClient, operator: Headers) -> None:
    calls = [{"call_id": f"c-{n}", "text": text} for n, text in enumerate(["被打了", "咨询身份证换领", "挪车"])]
    response = client.post("/v1/classify/batch", json={"calls": calls}, headers=operator)
    assert response.status_code == 200
    assert [s["call_id"] for s in response.json()["suggestions"]] == ["c-0", "c-1", "c-2"]


@pytest.mark.parametrize(
    ("calls", "status", "field"),
    [
        ([], 422, "calls"),
        ([{"text": "喂"}] * 257, 413, "calls"),
        ([{"text": "喂"}, {"text": ""}], 422, "calls.1.text"),
        ([{"text": "喂"}, {"text": "喂", "city": "atlantis"}], 422, "calls.1.city"),
        ({"text": "喂"}, 422, "calls"),
    ],
)
def test_wrong_batches(client: TestClient, operator: Headers, calls: Any, status: int, field: str) -> None:
    response = client.post("/v1/classify/batch", json={"calls": calls}, headers=operator)
    assert fields(problem(response, status, "invalid" if status == 422 else "too-large"))[0] == field


def test_taxonomy_and_policies(client: TestClient, keys: dict[Role, Headers]) -> None:
    for headers in keys.values():
        taxonomy = client.get("/v1/taxonomy", headers=headers).json()
        assert (len(taxonomy["categories"]), len(taxonomy["destinations"]), len(taxonomy["urgencies"])) == (65, 11, 4)
        policy = client.get("/v1/policies/ningbo", headers=headers).json()
        assert (policy["city"], len(policy["rules"])) == ("ningbo", 65)
    for city in ("atlantis", "..%2f..%2fetc", "x" * 64):
        problem(client.get(f"/v1/policies/{city}", headers=headers), 404, "not-found")


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/classify"), ("POST", "/v1/classify/batch"), ("GET", "/v1/taxonomy"),
                                              ("GET", "/v1/policies/hangzhou"), ("GET", "/metrics")])  # fmt: skip
def test_without_a_valid_key(client: TestClient, method: str, path: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Bearer "},
    ):
        response = client.request(method, path, json={"text": "喂"} if method == "POST" else None, headers=headers)
        problem(response, 401, "unauthenticated")
        assert response.headers["www-authenticate"] == "Bearer"


def test_roles(client: TestClient, keys: dict[Role, Headers]) -> None:
    for role, headers in keys.items():
        allowed = role in (Role.OPERATOR, Role.ADMIN)
        assert client.post("/v1/classify", json={"text": "喂，楼上漏水"}, headers=headers).status_code == (
            200 if allowed else 403
        )
        assert client.get("/metrics", headers=headers).status_code == (200 if role is Role.ADMIN else 403)


def test_health_readiness_and_metrics(client: TestClient, app: FastAPI, keys: dict[Role, Headers]) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    client.post("/v1/classify", json={"text": "私密的话不许出现在指标里"}, headers=keys[Role.OPERATOR])
    local = TestClient(app, client=("127.0.0.1", 5))
    metrics = local.get("/metrics").text
    assert "yidiantong_suggestions_total{" in metrics
    assert "私密" not in metrics


def test_unknown_paths_and_methods(client: TestClient, operator: Headers) -> None:
    problem(client.get("/v1/nothing", headers=operator), 404, "not-found")
    problem(client.get("/v1/classify", headers=operator), 405, "method-not-allowed")
    problem(client.get("/static/../app.py"), 404, "not-found")


@pytest.mark.parametrize("path", ["/v1/classify", "/v1/classify/batch"])
def test_who_would_wait_too_long_is_told(
    client: TestClient, app: FastAPI, operator: Headers, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine: Engine = app.state.engine
    monkeypatch.setattr(engine, "wait", lambda batch=False: 2.3)
    response = client.post(path, json={"text": "喂"}, headers=operator)
    problem(response, 429, "busy")
    assert response.headers["retry-after"] == "3"
    assert client.get("/healthz").status_code == 200


def test_a_crash_shows_no_stack(
    client: TestClient, app: FastAPI, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(app.state.engine.suggester, "suggest_many", crash)
    response = client.post("/v1/classify", json={"text": "喂"}, headers=operator)
    problem(response, 500, "internal")
    assert "secret" not in response.text


def test_a_broken_release_is_served_by_the_fallback(state_dir: Any, operator: Headers, tmp_path: Any) -> None:
    import shutil

    from model.release import BUNDLED, FILES

    shutil.copytree(BUNDLED, tmp_path / "release")
    with (tmp_path / "release" / FILES.encoder).open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\x00\x01\x02")
    with TestClient(create_app(Settings(state_dir=state_dir, release=tmp_path / "release"))) as client:
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "sha256" in json.dumps(ready.json()["problems"])
        answer = client.post("/v1/classify", json={"text": "称电瓶车被偷"}, headers=operator).json()
        assert (answer["degraded"], answer["category"]["code"]) == (["model"], "theft")
        assert "模型不可用" in client.get("/").text


def test_security_headers(client: TestClient) -> None:
    page = client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


def test_a_key_for_a_city_is_held_to_it(client: TestClient, state_dir: Path) -> None:
    secret = KeyRing(state_dir / "keys.json").create(Role.OPERATOR, city="ningbo")[1]
    headers = {"Authorization": f"Bearer {secret}"}
    found = client.post("/v1/classify", json={"text": "楼上漏水"}, headers=headers).json()
    assert found["policy_version"].startswith("ningbo-")
    batch = {"calls": [{"text": "楼上漏水"}, {"text": "楼上漏水", "city": "ningbo"}]}
    many = client.post("/v1/classify/batch", json=batch, headers=headers).json()["suggestions"]
    assert all(one["policy_version"].startswith("ningbo-") for one in many)
    other = {"text": "楼上漏水", "city": "hangzhou"}
    assert fields(problem(client.post("/v1/classify", json=other, headers=headers), 403, "forbidden")) == ["city"]
    refused = client.post("/v1/classify/batch", json={"calls": [other]}, headers=headers)
    assert fields(problem(refused, 403, "forbidden")) == ["calls.0.city"]
