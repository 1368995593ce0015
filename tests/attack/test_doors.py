"""Who has no valid key gets in nowhere, however he asks; what he sends ends up in no header and no line of the log."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serving import auth, keys, live, sessions
from serving.keys import KeyRing, Role
from serving.sessions import COOKIE, TOKEN_COOKIE
from tests.serving.conftest import Headers
from tests.serving.test_roles import EVERYBODY, ROUTES

CLOSED = [name for name, may in ROUTES.items() if may is not EVERYBODY]


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def attempts(app: FastAPI, client: TestClient) -> dict[str, Headers]:
    """Ways to ask without a valid key."""
    ring = KeyRing(app.state.keys.path)
    (gone, revoked), (holder, valid) = ring.create(Role.ADMIN), ring.create(Role.ADMIN)
    ended, _ = app.state.sessions.begin(holder)
    app.state.sessions.end(ended)
    stolen, _ = app.state.sessions.begin(gone)
    ring.revoke(gone.id)
    other = f"{holder.id}.9999999999.{'a' * 32}"
    bearer = {"a revoked key": revoked, "a key cut short": valid[:-1], "its hash": keys.digest(valid), "its id": holder.id,
              "nothing": "", "another case": valid.swapcase(), "a session": ended, "two": f"{valid} {valid}", "the list": "[]",
              "quotes": f'"{valid}"'}  # fmt: skip
    cookies = {"a session logged out": ended, "a stolen session of a revoked key": stolen, "a forged session": f"{other}.{'0' * 64}",
               "an unsigned session": other, "a key": valid, "the token": app.state.sessions.token(ended)}  # fmt: skip
    return (
        {name: {"Authorization": f"Bearer {secret}"} for name, secret in bearer.items()}
        | {name: {"Cookie": f"{COOKIE}={value}", "Sec-Fetch-Site": "same-origin"} for name, value in cookies.items()}
        | {"basic": {"Authorization": f"Basic {valid}"}, "no scheme": {"Authorization": valid}, "another header": {"X-Api-Key": valid},
           "the wrong cookie": {"Cookie": f"{TOKEN_COOKIE}={ended}"}, "as if from here": {"X-Forwarded-For": "127.0.0.1"}}
    )  # fmt: skip


@pytest.mark.parametrize("name", CLOSED)
def test_no_door_opens(client: TestClient, attempts: dict[str, Headers], name: str) -> None:
    method, _, path = name.partition(" ")
    for attempt, headers in attempts.items():
        client.cookies.clear()
        answer = client.request(method, re.sub(r"{\w+}", "none", path), headers=headers, params={"key": "x", "access_token": "x"},
                                json={} if method == "POST" else None)  # fmt: skip
        assert answer.status_code == 401, (name, attempt)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_no_live_call_either(client: TestClient, attempts: dict[str, Headers]) -> None:
    for attempt, headers in attempts.items():
        with client.websocket_connect("/v1/calls/x/live", headers=headers) as socket:
            assert socket.receive()["code"] == 4401, attempt


def test_secrets_are_never_compared_letter_by_letter() -> None:
    """Keys are looked up by their SHA-256, whose timing tells nothing of them; signatures go through `compare_digest`."""
    suspicious = re.compile("secret|signature|token|digest|password|cookie", re.IGNORECASE)
    for module in (auth, keys, sessions, live):
        assert module.__file__
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and not all(isinstance(side, ast.Constant) for side in node.comparators):
                assert not suspicious.search(ast.unparse(node)), f"{module.__name__}:{node.lineno} {ast.unparse(node)}"
    assert "self._by_digest.get(digest(secret))" in Path(str(keys.__file__)).read_text(encoding="utf-8")
    assert Path(str(auth.__file__)).read_text(encoding="utf-8").count("compare_digest") == 1
    assert Path(str(sessions.__file__)).read_text(encoding="utf-8").count("compare_digest") == 1


@pytest.mark.parametrize(
    "hostile",
    ["a\r\nSet-Cookie: x=1", "%0d%0aSet-Cookie:%20x=1", "a\nlevel=critical", "a\x00b", "\u2028{}", "../../etc/passwd"],
)
def test_nothing_sent_becomes_a_header_or_a_line(
    client: TestClient, keys: dict[Role, Headers], hostile: str, capfd: pytest.CaptureFixture[str]
) -> None:
    admin, lines = keys[Role.ADMIN], 0
    for answer in (
        client.post("/v1/classify", json={"text": "楼上漏水", "call_id": hostile}, headers=admin),
        client.post("/v1/classify", json={"text": "楼上漏水", "city": hostile}, headers=admin),
        client.get(
            "/v1/policies/" + hostile.replace("\n", "%0a").replace("\r", "%0d").replace("\x00", "%00"), headers=admin
        ),
        client.get("/v1/stats.csv", params={"city": hostile}, headers=admin),
        client.post("/v1/releases/promote", json={"version": hostile}, headers=admin),
    ):
        assert answer.status_code in (200, 404, 409, 422)
        assert "x=1" not in str(answer.headers.get("set-cookie"))
        assert not any("x=1" in value or "critical" in value for value in answer.headers.values())
        lines += 1
    out = capfd.readouterr()
    assert "critical" not in out.out + out.err
    assert lines == 5


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "..%2fx",
        "%2e%2e%2f%2e%2e%2fetc/passwd",
        "..\\x",
        "static/../../serving/app.py",
        "/etc/passwd",
        ".",
        "x\x00",
    ],
)
def test_no_path_leads_out(client: TestClient, keys: dict[Role, Headers], name: str) -> None:
    admin, quoted = keys[Role.ADMIN], name.replace("\x00", "%00")
    for answer in (
        client.get(f"/static/{quoted}"),
        client.get(f"/v1/policies/{quoted}", headers=admin),
        client.post("/v1/releases/promote", json={"version": name}, headers=admin),
    ):
        assert answer.status_code in (404, 405, 409, 422), (answer.url, answer.status_code)
        assert "root:" not in answer.text
        assert "import" not in answer.text
