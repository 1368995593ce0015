"""Sessions: one shift, one browser, one origin; they end with the key, and guessing ends early."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serving.keys import Key, KeyRing, Role
from serving.live import PROTOCOL
from serving.sessions import COOKIE, FREE_TRIES, SESSION_SECONDS, TOKEN_COOKIE, Guard, Sessions
from tests.serving.test_api import fields, problem

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def holder(app: FastAPI, client: TestClient) -> tuple[Key, str]:
    app.state.guard = Guard()
    return KeyRing(app.state.keys.path).create(Role.OPERATOR, "安娜")


@pytest.fixture
def browser(app: FastAPI, client: TestClient, holder: tuple[Key, str]) -> Iterator[TestClient]:
    """Logged in; the application is started by `client`."""
    browser = TestClient(app, raise_server_exceptions=False)
    answer = browser.post("/v1/sessions", json={"key": holder[1]}, headers=OURS)
    assert answer.status_code == 201, answer.text
    yield browser
    browser.close()


def token(browser: TestClient) -> dict[str, str]:
    return {"X-CSRF-Token": browser.cookies[TOKEN_COOKIE]}


def classify(browser: TestClient, headers: dict[str, str]) -> Any:
    return browser.post("/v1/classify", json={"text": "楼上漏水"}, headers=headers)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    app: FastAPI, client: TestClient, holder: tuple[Key, str]
) -> None:
    answer = client.post("/v1/sessions", json={"key": f" {holder[1]} "}, headers=OURS | {"X-Forwarded-Proto": "https"})
    cookies = {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}
    for attribute in ("HttpOnly", "SameSite=strict", "Secure", "Path=/", f"Max-Age={SESSION_SECONDS}"[:12]):
        assert attribute in cookies[COOKIE]
    assert "HttpOnly" not in cookies[TOKEN_COOKIE]
    assert holder[1] not in answer.text
    assert answer.json()["name"] == "安娜"
    client.cookies.clear()


def test_a_session_is_who_its_key_is(browser: TestClient, holder: tuple[Key, str]) -> None:
    me = browser.get("/v1/sessions/me").json()
    assert me == {"id": holder[0].id, "role": "operator", "name": "安娜", "city": None}
    assert classify(browser, OURS | token(browser)).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
        {},
    ],
)
def test_other_sites_pages_do_nothing(browser: TestClient, holder: tuple[Key, str], origin: dict[str, str]) -> None:
    problem(classify(browser, token(browser) | origin), 403, "forbidden")
    problem(browser.delete("/v1/sessions", headers=token(browser) | origin), 403, "forbidden")
    problem(browser.post("/v1/sessions", json={"key": holder[1]}, headers=origin), 403, "forbidden")
    assert browser.get("/v1/sessions/me").status_code == 200


def test_our_origin_without_fetch_metadata(browser: TestClient) -> None:
    assert classify(browser, {"Origin": "http://testserver"} | token(browser)).status_code == 200


@pytest.mark.parametrize("wrong", [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "a" * 64}, {"X-CSRF-Token": "0"}])
def test_without_its_token_nothing_is_changed(browser: TestClient, wrong: dict[str, str]) -> None:
    problem(classify(browser, OURS | wrong), 403, "forbidden")


def test_a_revoked_key_ends_its_sessions_at_once(browser: TestClient, app: FastAPI, holder: tuple[Key, str]) -> None:
    KeyRing(app.state.keys.path).revoke(holder[0].id)  # by another process
    problem(browser.get("/v1/sessions/me"), 401, "unauthenticated")


def test_logging_out_ends_it_everywhere(browser: TestClient, app: FastAPI, tmp_path: Path) -> None:
    cookie = browser.cookies[COOKIE]
    elsewhere = Sessions(app.state.keys.path.parent, app.state.keys)
    assert elsewhere.holder(cookie)
    assert browser.delete("/v1/sessions", headers=OURS | token(browser)).status_code == 204
    assert elsewhere.holder(cookie) is None
    browser.cookies.set(COOKIE, cookie)
    problem(browser.get("/v1/sessions/me"), 401, "unauthenticated")


@pytest.mark.parametrize("part", range(4))
def test_a_changed_cookie_is_none(browser: TestClient, app: FastAPI, part: int) -> None:
    pieces = browser.cookies[COOKIE].split(".")
    pieces[part] = {1: str(int(pieces[1]) + 1)}.get(part, pieces[part][::-1])
    assert app.state.sessions.holder(".".join(pieces)) is None


@pytest.mark.parametrize("cookie", ["", ".", "...", "a.b.c.d", "a.1.b.é", "x" * 5000])
def test_no_cookie_of_ours(app: FastAPI, client: TestClient, cookie: str) -> None:
    assert app.state.sessions.holder(cookie) is None


def test_a_session_ends_after_a_shift(browser: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = browser.cookies[COOKIE]
    import time

    later = time.time() + SESSION_SECONDS + 1
    monkeypatch.setattr("serving.sessions.time.time", lambda: later)
    assert app.state.sessions.holder(cookie) is None


def test_guessing_is_locked_out(client: TestClient, app: FastAPI, holder: tuple[Key, str]) -> None:
    def guess(key: str) -> Any:
        return client.post("/v1/sessions", json={"key": key}, headers=OURS)

    for _ in range(FREE_TRIES):
        problem(guess("ydt_wrong"), 401, "unauthenticated")
    found = guess("ydt_wrong")
    problem(found, 429, "busy")
    assert 0 < int(found.headers["retry-after"]) <= 31
    assert guess(holder[1]).status_code == 201  # somebody else's guesses, behind the same proxy, keep nobody out
    app.state.guard = Guard()
    client.cookies.clear()


def test_each_further_guess_locks_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    guard, clock = Guard(), [0.0]
    monkeypatch.setattr("serving.sessions.time.monotonic", lambda: clock[0])
    waits = []
    for _ in range(FREE_TRIES + 8):
        guard.wrong("here")
        until = clock[0]
        while True:
            try:
                guard.check("here")
                break
            except Exception:
                clock[0] += 1
        waits.append(clock[0] - until)
    assert waits[: FREE_TRIES - 1] == [0] * (FREE_TRIES - 1)
    assert waits[FREE_TRIES - 1 :] == sorted(waits[FREE_TRIES - 1 :])
    assert max(waits) == 900
    guard.check("elsewhere")
    guard.right("here")
    guard.check("here")


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "key"), ({"key": ""}, "key"), ({"key": "k" * 201}, "key"), ({"key": 7}, "key"), ([], "body")],
)
def test_wrong_logins(client: TestClient, body: Any, field: str) -> None:
    assert fields(problem(client.post("/v1/sessions", json=body, headers=OURS), 422, "invalid"))[0] == field


def test_a_bearer_key_needs_no_origin_and_wins_over_a_cookie(browser: TestClient, app: FastAPI) -> None:
    _, secret = KeyRing(app.state.keys.path).create(Role.SCIENTIST)
    me = browser.get("/v1/sessions/me", headers={"Authorization": f"Bearer {secret}"}).json()
    assert me["role"] == "scientist"
    problem(browser.get("/v1/sessions/me", headers={"Authorization": "Bearer wrong"}), 401, "unauthenticated")


def test_a_live_call_by_session(browser: TestClient) -> None:
    with browser.websocket_connect("/v1/calls/ws-1/live", headers={"Origin": "http://testserver"}) as live:
        assert json.loads(live.receive_text())["type"] == "ready"
    with browser.websocket_connect("/v1/calls/ws-1/live", headers={"Origin": "http://evil.example"}) as live:
        assert live.receive()["code"] == 4401


def test_a_live_call_of_a_page_goes_on_in_nobody_elses_session(browser: TestClient) -> None:
    def opened(token: str) -> Any:
        return browser.websocket_connect(
            "/v1/calls/ws-2/live", subprotocols=[PROTOCOL, f"session.{token}"], headers={"Origin": "http://testserver"}
        )

    with opened(browser.cookies[TOKEN_COOKIE]) as live:
        assert live.accepted_subprotocol == PROTOCOL
        assert json.loads(live.receive_text())["type"] == "ready"
    with opened("0" * 64) as live:  # of the session that was there when the page opened
        assert live.receive()["code"] == 4401


def test_the_audit_trail_tells(browser: TestClient, app: FastAPI, holder: tuple[Key, str]) -> None:
    call = classify(browser, OURS | token(browser)).json()["call_id"]
    browser.get(f"/v1/calls/{call}")
    browser.delete("/v1/sessions", headers=OURS | token(browser))
    admin = {"Authorization": f"Bearer {KeyRing(app.state.keys.path).create(Role.ADMIN)[1]}"}

    def trail(**query: Any) -> Any:
        return browser.get("/v1/audit", params={"holder": holder[0].id} | query, headers=admin).json()

    entries = trail()["entries"]
    assert [entry["action"] for entry in entries] == ["logged_out", "read", "logged_in"]
    assert entries[1]["call_id"] == call
    assert entries[1]["name"] == "安娜"
    first = trail(limit=2)
    assert [entry["action"] for entry in trail(limit=2, cursor=first["next"])["entries"]] == ["logged_in"]
    assert [entry["action"] for entry in trail(call_id=call)["entries"]] == ["read"]
    assert trail(since="2999-01-01")["entries"] == []
    for wrong in ({"cursor": "none"}, {"limit": "0"}, {"since": "soon"}, {"holder": "a\x00"}, {"to": "9999-99-99"}):
        problem(browser.get("/v1/audit", params=wrong, headers=admin), 422, "invalid")
