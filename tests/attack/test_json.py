"""JSON that is meant to break its reader, at every door that reads JSON: refused or answered, never a crash."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.keys import Role
from tests.serving.conftest import Headers
from tests.serving.live_client import problem, url

DOORS = ("/v1/classify", "/v1/classify/batch", "/v1/calls/none/decision", "/v1/calls/none/outcome", "/v1/reviews/none", "/v1/review-batches",
         "/v1/releases/promote", "/v1/sessions")  # fmt: skip
BOMBS: dict[str, bytes] = {
    "deep lists": b"[" * 1_000_000,
    "deep objects": b'{"text":' * 500_000,
    "deep and closed": b'{"text":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "deep within a field": b'{"turns":[' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"]}",
    "NaN": b'{"text": NaN}',
    "infinity as a number of turns": b'{"turns": [Infinity]}',
    "a number with a million digits": b'{"text": ' + b"9" * 1_000_000 + b"}",
    "a huge exponent": b'{"text": 1e999999999}',
    "lone surrogate": b'{"text": "\\ud800"}',
    "lone surrogate as a key": b'{"text": "a", "\\udfff": 1}',
    "lone surrogate as a code": b'{"text": "a", "city": "\\udfff", "destination": "\\udfff", "category": "\\udfff", "version": "\\udfff"}',
    "objects for codes": b'{"destination": {"a": 1}, "category": [1], "city": {}, "version": {}, "key": {}, "ahead": {"destination": {}}}',
    "not UTF-8": b'{"text": "\xff\xfe"}',
    "null": b"null",
    "a string": b'"text"',
    "nothing": b"",
    "a NUL": b'{"text": "\x00"}',
    "a hundred thousand keys": json.dumps({str(n): n for n in range(100_000)}).encode(),
    "a hundred thousand wrong turns": b'{"turns": [' + b"1," * 99_999 + b"1]}",
    "prototype": b'{"__proto__": {"role": "admin"}, "constructor": {}, "text": 1}',
}


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def check(answer: Any) -> None:
    assert answer.status_code in (400, 401, 403, 404, 409, 413, 422), answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 20_000
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_bombs(client: TestClient, keys: dict[Role, Headers], bomb: bytes) -> None:
    for door in DOORS:
        check(client.post(door, content=bomb, headers=keys[Role.ADMIN] | {"content-type": "application/json"}))


def test_of_a_key_twice_the_last_is_read_and_kept(client: TestClient, keys: dict[Role, Headers]) -> None:
    body = '{"text": "有人拿刀砍人", "text": "想问一下社保怎么转", "call_id": "x", "call_id": "twice"}'
    answer = client.post(
        "/v1/classify", content=body, headers=keys[Role.OPERATOR] | {"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["call_id"], answer.json()["red_flags"]) == (200, "twice", [])
    kept = client.get("/v1/calls/twice", headers=keys[Role.OPERATOR]).json()
    assert [turn["text"] for turn in kept["turns"]] == ["想问一下社保怎么转"]


@pytest.mark.parametrize(
    "bomb", [b for b in BOMBS.values() if len(b) < 200_000], ids=[n for n, b in BOMBS.items() if len(b) < 200_000]
)
def test_bombs_on_a_live_call(client: TestClient, operator: Headers, bomb: bytes) -> None:
    with client.websocket_connect(url("bombs"), headers=operator) as live:
        assert live.receive_json()["type"] == "ready"
        live.send_text(bomb.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode())
        assert problem(live)["status"] in (400, 422)
        live.send_bytes(bomb)
        assert problem(live)["status"] == 400


ANYTHING: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
FIELDS = (
    "text",
    "turns",
    "city",
    "channel",
    "call_id",
    "partial",
    "speaker",
    "destination",
    "suggestion_id",
    "consent",
    "ahead",
    "verdict",
    "id",
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=5), st.sampled_from(DOORS))
def test_any_values_in_known_fields(client: TestClient, keys: dict[Role, Headers], body: Any, door: str) -> None:
    answer = client.post(
        door, content=json.dumps(body), headers=keys[Role.ADMIN] | {"content-type": "application/json"}
    )
    if answer.status_code != 200:
        check(answer)
