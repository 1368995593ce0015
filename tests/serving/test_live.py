"""Live calls over the real application: the protocol, resuming, limits, close codes. The quick model answers."""

import gc
import json
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import WebSocketTestSession

from data.records import MAX_CHARACTERS, MAX_TURNS, Call, Suggestion
from model.fallback import Linear
from model.stability import Shown
from model.suggest import Advice, Suggester
from serving import metrics
from serving.app import create_app
from serving.engine import AT_ONCE, Engine
from serving.keys import KeyRing, Role
from serving.live import BURST, LARGEST_MESSAGE, MOST_PROBLEMS, Session
from serving.settings import Settings
from serving.store.calls import Recent
from serving.store.recorder import Recorder
from tests.serving.conftest import Headers
from tests.serving.live_client import closed, problem, said, suggestion, url

THEFT = "诸暨牌头这边，我停在菜场门口的电瓶车被偷了，下午就不见了"


@pytest.fixture(scope="module")
def app(state_dir: Path, monkeypatch_module: pytest.MonkeyPatch) -> FastAPI:
    quick = Suggester(model=Linear())
    monkeypatch_module.setattr("serving.engine.Suggester", lambda *_: quick)
    return create_app(Settings(state_dir=state_dir, live_calls=40))


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(autouse=True)
def at_leisure(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, nothing is glanced at but where a test wants it."""
    monkeypatch.setattr(app.state.engine, "glance_seconds", 60)


@contextmanager
def set_to(app: FastAPI, **changes: Any) -> Iterator[None]:
    """Other settings for a while."""
    calls = app.state.live
    before = calls.settings
    calls.settings = before.model_copy(update=changes)
    try:
        yield
    finally:
        calls.settings = before


class Held:
    """An engine whose evaluations wait until they are let go; it keeps the texts that it was given."""

    def __init__(self, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        self.calls: list[str | None] = []
        self.go = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        plain = app.state.engine.suggester.advise

        def held(call: Call, shown: Shown | None) -> Advice:
            self.texts.append(call.transcript[-1].text)
            self.calls.append(call.call_id)
            self.begun.release()
            assert self.go.acquire(timeout=30)
            found: Advice = plain(call, shown)
            return found

        monkeypatch.setattr(app.state.engine.suggester, "advise", held)


def test_a_call_from_the_first_word_to_the_end(client: TestClient, operator: Headers) -> None:
    with client.websocket_connect(url("whole"), headers=operator) as socket:
        ready = socket.receive_json()
        assert ready == {"type": "ready", "call_id": "whole", "city": "hangzhou", "channel": "110", "revision": 0,
                         "turns": [], "suggestion": None}  # fmt: skip
        socket.send_json({"type": "start", "city": "shaoxing", "channel": "110"})
        socket.send_json(said("您好，110。", "operator"))
        assert suggestion(socket, 1)["settled"] is False
        socket.send_json(said("牌头这边", turn=1, partial=True))
        socket.send_json(said(THEFT, turn=1))
        found = suggestion(socket, 3)
        assert found["category"]["code"] == "theft"
        assert found["location"]["town"] == "牌头镇"
        assert found["call_id"] == "whole"
        assert found["settled"] is True
        assert {"address": True, "callback": False}.items() <= {
            check["field"]: check["answered"] for check in found["checklist"]
        }.items()
        socket.send_json({"type": "end"})
        assert closed(socket) == (1000, "the call has ended")


def test_a_browser_brings_its_key_as_a_sub_protocol(client: TestClient, operator: Headers) -> None:
    secret = operator["Authorization"].removeprefix("Bearer ")
    with client.websocket_connect(url("browser"), subprotocols=["yidiantong.v1", f"bearer.{secret}"]) as socket:
        assert socket.accepted_subprotocol == "yidiantong.v1"
        assert socket.receive_json()["type"] == "ready"


def test_newest_text_wins_and_what_it_replaced_is_never_evaluated(
    app: FastAPI, client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(app, monkeypatch)
    with client.websocket_connect(url("newest"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(said("我的车", turn=0, partial=True))
        assert held.begun.acquire(timeout=30)
        for end in range(4, len(THEFT)):
            socket.send_json(said(THEFT[:end], turn=0, partial=True))
        socket.send_json(said(THEFT, turn=0))
        socket.send_text("{")  # its problem is answered once all before it has been taken
        assert socket.receive_json()["type"] == "problem"
        for _ in range(2):
            held.go.release()
        assert suggestion(socket, 1)["revision"] == 1
        last = suggestion(socket, 2)
        assert last["revision"] == len(THEFT) - 2
        assert last["category"]["code"] == "theft"
    assert held.texts == ["我的车", THEFT]


def test_a_call_that_sends_without_pause_does_not_starve_the_others(
    app: FastAPI, client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(app, monkeypatch)
    with (
        client.websocket_connect(url("loud"), headers=operator) as loud,
        client.websocket_connect(url("quiet-1"), headers=operator) as first,
        client.websocket_connect(url("quiet-2"), headers=operator) as second,
    ):
        for number in range(BURST // 2):
            loud.send_json(said(THEFT + "啊" * number, turn=0, partial=True))
        assert held.begun.acquire(timeout=30)
        for socket in (first, second):
            socket.send_json(said(THEFT, turn=0))
        for _ in range(8):
            held.go.release()
        for socket in (first, second):
            socket.receive_json()
            suggestion(socket, 1)
        loud.receive_json()
        suggestion(loud, BURST // 2)
    assert held.calls.count("loud") <= 4
    assert max(held.calls.index("quiet-1"), held.calls.index("quiet-2")) <= 4


def test_who_would_have_to_wait_is_answered_at_a_glance_first(
    app: FastAPI, client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(app, monkeypatch)
    monkeypatch.setattr(Engine, "crowded", property(lambda _: True))
    glances = metrics.live_glances._value.get()
    with client.websocket_connect(url("crowded"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(said(THEFT))
        first = suggestion(socket, 1)  # though the whole model has not answered
        assert (first["category"]["code"], first["confident"]) == ("theft", False)
        assert held.begun.acquire(timeout=30)  # the whole model gave way to the glance
        socket.send_json(said("什么颜色的？", "operator"))
        second = suggestion(socket, 2)
        assert (second["suggestion_id"], second["changed"]) == (first["suggestion_id"], False)
        socket.send_json(said("红的，爱玛的"))
        third = suggestion(socket, 3)
        assert third["suggestion_id"] == first["suggestion_id"]
        assert held.texts == [THEFT]
        held.go.release()
        held.go.release()
        whole = suggestion(socket, 3)  # what it made of the first words alone is not sent
        assert whole["category"]["code"] == "theft"
        socket.send_json({"type": "end"})
        assert closed(socket)[0] == 1000
    assert held.texts == [THEFT, "红的，爱玛的"]
    assert metrics.live_glances._value.get() == glances + 2


def test_who_waits_longer_than_expected_is_answered_at_a_glance(
    app: FastAPI, client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(app, monkeypatch)
    monkeypatch.setattr(app.state.engine, "glance_seconds", 0.05)
    with client.websocket_connect(url("unexpected"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(said(THEFT))
        glance = suggestion(socket, 1)  # the whole model has begun, and does not end
        assert (glance["category"]["code"], glance["confident"]) == ("theft", False)
        held.go.release()
        assert suggestion(socket, 1)["category"]["code"] == "theft"


def test_the_whole_model_has_the_last_word(
    app: FastAPI, client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    suggester = app.state.engine.suggester
    plain = suggester.glance

    def mistaken(call: Call, shown: Shown | None) -> Advice:
        found: Advice = plain(Call(text="我想问一下身份证到期了要带什么材料去哪里换", call_id=call.call_id), shown)
        return found

    held = Held(app, monkeypatch)
    monkeypatch.setattr(suggester, "glance", mistaken)
    monkeypatch.setattr(Engine, "crowded", property(lambda _: True))
    with client.websocket_connect(url("last-word"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(said(THEFT))
        assert suggestion(socket, 1)["category"]["code"] == "gov_consult"
        held.go.release()
        whole = suggestion(socket, 1)
        assert (whole["category"]["code"], whole["changed"]) == ("theft", True)
    with client.websocket_connect(url("last-word"), headers=operator) as socket:
        assert socket.receive_json()["suggestion"]["category"]["code"] == "theft"


def test_a_batch_does_not_hold_up_a_live_call(
    app: FastAPI, client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    suggester = app.state.engine.suggester
    plain = suggester.suggest_many

    def counted(calls: Sequence[Call]) -> list[Suggestion]:
        sizes.append(len(calls))
        found: list[Suggestion] = plain(calls)
        return found

    monkeypatch.setattr(suggester, "suggest_many", counted)
    calls = [{"call_id": str(number), "text": THEFT} for number in range(20)]
    answer = client.post("/v1/classify/batch", json={"calls": calls}, headers=operator)
    assert [found["call_id"] for found in answer.json()["suggestions"]] == [call["call_id"] for call in calls]
    assert sizes == [AT_ONCE] * (20 // AT_ONCE)


def test_the_operators_words_are_no_evidence_but_the_end_reads_them(
    app: FastAPI, client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(app, monkeypatch)
    for _ in range(9):
        held.go.release()
    with client.websocket_connect(url("evidence"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(said(THEFT))
        first = suggestion(socket, 1)
        socket.send_json(said("什么颜色的？", "operator"))
        second = suggestion(socket, 2)
        assert (second["suggestion_id"], second["changed"]) == (first["suggestion_id"], False)
        assert len(held.texts) == 1
        socket.send_json({"type": "end"})
        assert suggestion(socket, 2)["category"]["code"] == "theft"
        assert closed(socket)[0] == 1000
    assert held.texts == [THEFT, "什么颜色的？"]


def test_turns_without_numbers_and_late_hypotheses(client: TestClient, operator: Headers) -> None:
    with client.websocket_connect(url("numbers"), headers=operator) as socket:
        socket.receive_json()
        for message in (
            said("我的", partial=True),
            said("我的车", partial=True),
            said("我的车被偷了"),
            said("什么车", "operator"),
            said("电瓶车", partial=True),
            said("我的猫", turn=0, partial=True),  # turn 0 is final: dropped
            said("我的车被偷了啊", turn=0),  # a final correction
        ):
            socket.send_json(message)
        suggestion(socket, 7)
    with client.websocket_connect(url("numbers"), headers=operator) as socket:
        ready = socket.receive_json()
    assert [(turn["turn"], turn["text"], turn["partial"]) for turn in ready["turns"]] == [
        (0, "我的车被偷了啊", False),
        (1, "什么车", False),
        (2, "电瓶车", True),
    ]
    assert ready["revision"] == 7
    assert ready["suggestion"]["revision"] == 7


def test_a_lost_connection_is_resumed_where_it_was(client: TestClient, operator: Headers) -> None:
    with client.websocket_connect(url("lost"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json({"type": "start", "city": "shaoxing"})
        socket.send_json(said(THEFT))
        before = suggestion(socket, 1)
    with client.websocket_connect(url("lost"), headers=operator) as socket:
        ready = socket.receive_json()
        assert (ready["city"], ready["turns"][0]["text"]) == ("shaoxing", THEFT)
        assert ready["suggestion"] == before
        socket.send_json(said("是红色的"))
        assert suggestion(socket, 2)["suggestion_id"] == before["suggestion_id"]  # it recommends the same


def test_what_was_being_written_down_as_the_connection_broke_is_shown_when_it_is_resumed(
    app: FastAPI, client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go, written = threading.Event(), threading.Event(), list[str]()
    plain = app.state.recorder.suggested

    def slow(call: Call, shown: Suggestion, by: object) -> None:
        begun.set()
        assert go.wait(30)
        plain(call, shown, by)
        written.append(shown.suggestion_id)

    monkeypatch.setattr(app.state.recorder, "suggested", slow)
    with client.websocket_connect(url("broken"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(said("有人拿刀砍人"))
        assert begun.wait(30)
        threading.Timer(0.3, go.set).start()
    with client.websocket_connect(url("broken"), headers=operator) as socket:
        shown = socket.receive_json()["suggestion"]
        assert (shown["revision"], shown["urgency"]["level"]) == (1, "emergency")
        assert written == [shown["suggestion_id"]]


def test_a_call_that_nobody_comes_back_to_is_forgotten(
    app: FastAPI, client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with set_to(app, live_resume_seconds=0.0):
        with client.websocket_connect(url("forgotten"), headers=operator) as socket:
            socket.receive_json()
            socket.send_json(said(THEFT))
            suggestion(socket, 1)
        for _ in range(100):
            if "forgotten" not in {call.call_id for call in app.state.live}:
                break
            time.sleep(0.1)
        with client.websocket_connect(url("forgotten"), headers=operator) as socket:
            assert socket.receive_json()["turns"] == []


@pytest.fixture(scope="module")
def stranger(state_dir: Path) -> Headers:
    return {"Authorization": f"Bearer {KeyRing(state_dir / 'keys.json').create(Role.OPERATOR)[1]}"}


def test_a_newer_connection_takes_over_and_another_operators_does_not(
    client: TestClient, operator: Headers, stranger: Headers, keys: dict[Role, Headers]
) -> None:
    with client.websocket_connect(url("twice"), headers=operator) as old:
        old.receive_json()
        old.send_json(said(THEFT))
        suggestion(old, 1)
        with client.websocket_connect(url("twice"), headers=stranger) as other:
            assert closed(other) == (4403, "another operator's call")
        with client.websocket_connect(url("twice"), headers=operator) as new:
            assert new.receive_json()["turns"][0]["text"] == THEFT
            assert closed(old) == (4409, "a newer connection has taken over this call")
            new.send_json(said("喂"))
            suggestion(new, 2)
            with client.websocket_connect(url("twice"), headers=keys[Role.ADMIN]) as admin:
                assert admin.receive_json()["revision"] == 2
                assert closed(new)[0] == 4409


def test_a_call_that_is_only_stored_is_its_operators_too(
    app: FastAPI, client: TestClient, operator: Headers, stranger: Headers, keys: dict[Role, Headers]
) -> None:
    with client.websocket_connect(url("stored"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(said(THEFT))
        suggestion(socket, 1)
    assert app.state.recorder.call("stored") is not None
    app.state.live._calls.pop("stored")  # as after a restart
    app.state.recorder._recent = Recent()
    with client.websocket_connect(url("stored"), headers=stranger) as socket:
        assert closed(socket) == (4403, "another operator's call")
    assert "stored" not in {call.call_id for call in app.state.live}
    for headers in (keys[Role.ADMIN], operator):  # where an admin has gone on the operator can, too
        with client.websocket_connect(url("stored"), headers=headers) as socket:
            known = len(socket.receive_json()["turns"])
            socket.send_json(said(f"{THEFT}，他拿刀出来了", turn=known))
            suggestion(socket, known + 1)
    line = client.get("/v1/calls/stored", headers=operator).json()
    assert "刀" in line["turns"][-1]["text"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, 4401), ({"Authorization": "Bearer wrong"}, 4401), ({"Authorization": "Basic abc"}, 4401), ("reviewer", 4403)],
)
def test_who_may_not(client: TestClient, keys: dict[Role, Headers], headers: Any, code: int) -> None:
    with client.websocket_connect(
        url("x"), headers=keys[Role.REVIEWER] if headers == "reviewer" else headers
    ) as socket:
        assert closed(socket)[0] == code


@pytest.mark.parametrize("call_id", ["a b", "ä" * 65, "x" * 65, "%00", "a;b"])
def test_a_call_id_that_is_none(client: TestClient, operator: Headers, call_id: str) -> None:
    with client.websocket_connect(url(call_id), headers=operator) as socket:
        assert closed(socket)[0] == 1008


def test_a_key_revoked_mid_call_ends_it(client: TestClient, state_dir: Path) -> None:
    ring = KeyRing(state_dir / "keys.json")
    talking, silent = ring.create(Role.OPERATOR), ring.create(Role.OPERATOR)
    with (
        client.websocket_connect(url("revoked-1"), headers={"Authorization": f"Bearer {talking[1]}"}) as first,
        client.websocket_connect(url("revoked-2"), headers={"Authorization": f"Bearer {silent[1]}"}) as second,
    ):
        first.receive_json()
        second.receive_json()
        for key, _ in (talking, silent):
            ring.revoke(key.id)
        first.send_json(said(THEFT))
        assert closed(first)[0] == 4401
        assert closed(second)[0] == 4401  # without a message


def test_a_key_of_a_city_is_for_that_city(client: TestClient, state_dir: Path) -> None:
    ring = KeyRing(state_dir / "keys.json")
    _, secret = ring.create(Role.OPERATOR, city="ningbo")
    bound = {"Authorization": f"Bearer {secret}"}
    with client.websocket_connect(url("bound"), headers=bound) as socket:
        assert socket.receive_json()["city"] == "ningbo"
        socket.send_json({"type": "start", "city": "hangzhou"})
        assert problem(socket)["status"] == 403
        socket.send_json(said(THEFT))
        suggestion(socket, 1)


@pytest.mark.parametrize(
    ("message", "status", "field"),
    [
        ("", 400, None),
        ("{", 400, None),
        ("[1, 2]", 400, None),
        ("null", 400, None),
        ("[" * 100_000, 400, None),
        ('{"a":' * 40_000, 400, None),
        ('{"speaker": "caller", "text": "a", "turn": NaN}', 400, None),
        ('{"speaker": "caller", "text": "a", "turn": -Infinity}', 400, None),
        ('{"speaker": "caller", "text": "a", "turn": 1' + "0" * 5000 + "}", 400, None),
        ('{"speaker": "caller", "text": "\\ud800"}', 422, "text"),
        ('{"speaker": "caller"}', 422, "text"),
        ('{"speaker": "caller", "text": 5}', 422, "text"),
        ('{"speaker": "caller", "text": null}', 422, "text"),
        ('{"speaker": "dog", "text": "wau"}', 422, "speaker"),
        ('{"speaker": "caller", "text": "a", "turn": -1}', 422, "turn"),
        ('{"speaker": "caller", "text": "a", "turn": 1.5}', 422, "turn"),
        ('{"speaker": "caller", "text": "a", "turn": "1"}', 422, "turn"),
        ('{"speaker": "caller", "text": "a", "turn": 7}', 422, "turn"),
        ('{"speaker": "caller", "text": "a", "turn": 400}', 422, "turn"),
        ('{"speaker": "caller", "text": "a", "partial": "yes"}', 422, "partial"),
        ('{"speaker": "caller", "text": "a", "colour": "red"}', 422, "colour"),
        ('{"type": "dance"}', 422, "type"),
        ('{"type": ["turn"]}', 422, "type"),
        ('{"type": "start", "city": "atlantis"}', 422, "city"),
        ('{"type": "start", "channel": "911"}', 422, "channel"),
        ('{"type": "end", "why": "tired"}', 422, "why"),
    ],
)
def test_a_bad_message_is_a_problem_and_the_connection_stays(
    client: TestClient, operator: Headers, message: str, status: int, field: str | None
) -> None:
    with client.websocket_connect(url("bad"), headers=operator) as socket:
        socket.receive_json()
        socket.send_text(message)
        found = socket.receive_json()
        assert (found["type"], found["status"]) == ("problem", status)
        assert found["problem"].startswith("urn:yidiantong:problem:")
        assert [error["field"] for error in found["errors"]] == ([field] if field else [])
        socket.send_bytes(b"\x00\xff")
        assert problem(socket)["status"] == 400
        socket.send_json({"type": "end"})
        assert closed(socket)[0] == 1000


def test_the_city_is_set_before_the_first_turn(client: TestClient, operator: Headers) -> None:
    with client.websocket_connect(url("late-start"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(said(THEFT))
        socket.send_json({"type": "start", "city": "hangzhou", "channel": "110"})  # as it is: a client that reconnects
        socket.send_json({"type": "start", "city": "ningbo"})
        assert problem(socket)["errors"][0]["field"] == "type"


def test_a_connection_that_is_over_is_freed_at_once(
    client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = weakref.WeakSet[Session]()
    plain = Session.__init__

    def known(line: Session, *given: Any) -> None:
        lines.add(line)
        plain(line, *given)

    monkeypatch.setattr(Session, "__init__", known)
    gc.disable()  # which walks all that is remembered, seldom, and stops everything while it does
    try:
        for number, end in enumerate(({"type": "end"}, None)):
            with client.websocket_connect(url(f"freed-{number}"), headers=operator) as socket:
                socket.receive_json()
                socket.send_json(said(THEFT))
                suggestion(socket, 1)
                if end:
                    socket.send_json(end)
                    assert closed(socket) == (1000, "the call has ended")
        until = time.monotonic() + 10
        while lines and time.monotonic() < until:
            time.sleep(0.02)
        assert not lines
    finally:
        gc.enable()


def test_too_many_bad_messages(client: TestClient, operator: Headers) -> None:
    with client.websocket_connect(url("hopeless"), headers=operator) as socket:
        for _ in range(MOST_PROBLEMS + 1):
            socket.send_text("{")
        assert closed(socket) == (4429, f"more than {MOST_PROBLEMS} bad messages")


def test_too_much(client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.live.BURST", 2 * MAX_TURNS)
    for number, messages in enumerate(
        (
            ["啊" * (LARGEST_MESSAGE // 3 + 1)],
            [json.dumps(said("啊" * MAX_CHARACTERS)), json.dumps(said("啊", "operator"))],
            [json.dumps(said("啊", turn=turn)) for turn in range(MAX_TURNS)] + [json.dumps(said("啊", "operator"))],
        )
    ):
        with client.websocket_connect(url(f"much-{number}"), headers=operator) as socket:
            for message in messages:
                socket.send_text(message)
            assert closed(socket)[0] == 4413
    with client.websocket_connect(url("much-1"), headers=operator) as socket:
        ready = socket.receive_json()
        assert len(ready["turns"]) == 1
        socket.send_json(said("短一点", turn=0))  # a shorter text for the turn fits
        suggestion(socket, ready["revision"] + 1)


def test_no_message_for_long(app: FastAPI, client: TestClient, operator: Headers) -> None:
    with set_to(app, live_idle_seconds=0.05), client.websocket_connect(url("idle"), headers=operator) as socket:
        assert closed(socket) == (4408, "no message for 0.05 seconds")


def test_places_are_bounded_and_those_that_wait_make_room(app: FastAPI, client: TestClient, operator: Headers) -> None:
    taken = len(list(app.state.live))
    with set_to(app, live_calls=taken + 1), client.websocket_connect(url("place-1"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(said(THEFT))
        suggestion(socket, 1)
        with set_to(app, live_calls=1), client.websocket_connect(url("place-2"), headers=operator) as second:
            parked = [call for call in app.state.live if call.connection is None]
            assert second.receive_json()["type"] == "ready" if parked else closed(second)[0] == 4429
    app.state.live._calls.clear()
    with set_to(app, live_calls=1), client.websocket_connect(url("place-3"), headers=operator) as socket:
        socket.receive_json()
        with client.websocket_connect(url("place-4"), headers=operator) as second:
            assert closed(second)[0] == 4429
        with client.websocket_connect(url("place-3"), headers=operator) as again:
            assert again.receive_json()["type"] == "ready"


def test_nothing_said_has_no_suggestion(client: TestClient, operator: Headers) -> None:
    with client.websocket_connect(url("nothing"), headers=operator) as socket:
        socket.receive_json()
        for text in ("", " ", "\u200b\n"):
            socket.send_json(said(text, turn=0, partial=True))
        socket.send_json({"type": "end"})
        assert closed(socket)[0] == 1000


def test_danger_is_shown_from_the_first_word(client: TestClient, operator: Headers) -> None:
    with client.websocket_connect(url("danger"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(said("咨询一下社保卡怎么补办，要带什么材料去哪里办"))
        assert suggestion(socket, 1)["urgency"]["level"] == "routine_remote"
        socket.send_json(said("等下，他拿刀", partial=True))
        found = suggestion(socket, 2)
        assert found["urgency"]["level"] == "emergency"
        assert found["changed"] is True
        assert found["red_flags"][0]["id"] == "weapon"


def test_each_suggestion_shown_is_recorded_once_and_the_last_words_too(
    app: FastAPI, client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder: Recorder = app.state.recorder
    kept: list[tuple[int, str]] = []
    plain = recorder.suggested

    def suggested(call: Call, suggestion: Any, by: Any) -> None:
        kept.append((len(call.transcript), suggestion.suggestion_id))
        plain(call, suggestion, by)

    monkeypatch.setattr(recorder, "suggested", suggested)
    shown = []
    with client.websocket_connect(url("kept"), headers=operator) as socket:
        socket.receive_json()
        for number, text in enumerate((THEFT, "红色的", "他现在拿着刀要砍人"), 1):
            socket.send_json(said(text))
            shown.append(suggestion(socket, number)["suggestion_id"])
        socket.send_json(said("好的，马上来", "operator"))
        suggestion(socket, 4)
    deadline = time.monotonic() + 10
    while len(kept) < 3 and time.monotonic() < deadline:  # the last words are written down once the connection is gone
        time.sleep(0.02)
    assert shown[0] == shown[1] != shown[2]
    assert [number for number, _ in kept] == [1, 3, 4]
    assert [which for _, which in kept][:2] == [shown[0], shown[2]]
    record = recorder.call("kept")
    assert record is not None
    assert len(record.turns or ()) == 4


def test_reviewers_get_a_call_once_it_has_ended(
    app: FastAPI, client: TestClient, operator: Headers, keys: dict[Role, Headers]
) -> None:
    def waits() -> bool:
        page = client.get("/v1/reviews?queue=least_confident&limit=500", headers=keys[Role.REVIEWER]).json()
        return any(call["call_id"] == "unsure" for call in page["calls"])

    for ends in (False, True):
        with client.websocket_connect(url("unsure"), headers=operator) as socket:
            socket.receive_json()
            if ends:
                socket.send_json({"type": "end"})  # and not a word more
                assert closed(socket)[0] == 1000
            else:
                socket.send_json(said("我要说个事情"))
                assert suggestion(socket, 1)["confident"] is False
        if not ends:
            assert app.state.recorder.call("unsure") is not None
            assert not waits()
    until = time.monotonic() + 10
    while not waits():  # written down once the connection is gone
        assert time.monotonic() < until


def test_many_calls_at_once(app: FastAPI, client: TestClient, operator: Headers) -> None:
    app.state.live._calls.clear()
    sockets: list[WebSocketTestSession] = []
    with ExitStack() as stack:
        for number in range(30):
            socket = stack.enter_context(client.websocket_connect(url(f"many-{number}"), headers=operator))
            sockets.append(socket)
        for turn in range(5):
            for number, socket in enumerate(sockets):
                socket.send_json(said(f"{THEFT}，我的号码是{number}，第{turn}次说", turn=turn))
        for number, socket in enumerate(sockets):
            ready = socket.receive_json()
            assert ready["call_id"] == f"many-{number}"
            assert suggestion(socket, 5)["call_id"] == f"many-{number}"


messages = st.one_of(
    st.builds(
        said,
        st.text(st.sampled_from("我车刀偷救命楼漏水，。 "), max_size=12),
        st.sampled_from(["caller", "operator"]),
        turn=st.one_of(st.integers(0, 4)),
        partial=st.booleans(),
    ),
    st.builds(said, st.text(st.sampled_from("我车刀偷"), max_size=6)),
    st.just({"type": "start"}),
    st.sampled_from([{"type": "start", "city": "ningbo"}, {"speaker": "caller"}, {"type": 5}]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(messages, st.just("reconnect")), max_size=20))
def test_any_sequence_of_messages_leaves_what_a_simple_model_says(
    app: FastAPI, client: TestClient, operator: Headers, sequence: list[Any]
) -> None:
    """Turns as a dictionary would keep them, revisions counted, and the last suggestion takes all into account."""
    app.state.live._calls.pop("any", None)
    turns: dict[int, dict[str, Any]] = {}
    revision = problems = 0
    seen: list[dict[str, Any]] = []
    with ExitStack() as stack:
        socket = stack.enter_context(client.websocket_connect(url("any"), headers=operator))
        socket.receive_json()
        for message in sequence:
            if message == "reconnect":
                stack.close()
                socket = stack.enter_context(client.websocket_connect(url("any"), headers=operator))
                socket.receive_json()
                continue
            socket.send_json(message)
            if "text" not in message:
                problems += message != {"type": "start"} and not (message.get("type") == "start" and not turns)
                continue
            last = turns.get(len(turns) - 1)
            goes_on = last is not None and last["partial"] and last["speaker"] == message["speaker"]
            number = message.get("turn", len(turns) - goes_on)
            partial = message.get("partial", False)
            if number > len(turns):
                problems += 1
                continue
            revision += 1
            if not (partial and number in turns and not turns[number]["partial"]):
                turns[number] = {
                    "speaker": message["speaker"], "text": message["text"], "turn": number, "partial": partial
                }  # fmt: skip
        socket.send_json({"type": "end"})
        assert closed(socket, seen)[0] == 1000
    with client.websocket_connect(url("any"), headers=operator) as again:
        ready = again.receive_json()
    assert ready["turns"] == [turns[number] for number in sorted(turns)]
    assert ready["revision"] == revision
    if any(turn["text"].strip() for turn in turns.values()):
        assert ready["suggestion"]["revision"] == revision
    assert len([message for message in seen if message["type"] == "problem"]) <= problems


def test_another_call_of_the_same_matter_is_pointed_out(client: TestClient, operator: Headers) -> None:
    for call_id, expected in (("matter-1", []), ("matter-2", ["matter-1"])):
        with client.websocket_connect(url(call_id), headers=operator) as socket:
            socket.receive_json()
            socket.send_json(said("上城彭埠建华苑的电瓶车棚起火了，电话13857189961"))
            assert [related["call_id"] for related in suggestion(socket, 1)["related"]] == expected
            socket.send_json({"type": "end"})
            closed(socket)


def test_a_glance_leaves_the_related_calls_that_are_known(
    app: FastAPI, client: TestClient, operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    matter = said("拱墅祥符桥新苑的井盖没了，坑有一米深，电话13857189962")
    with client.websocket_connect(url("matter-3"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(matter)
        suggestion(socket, 1)
    with client.websocket_connect(url("matter-4"), headers=operator) as socket:
        socket.receive_json()
        socket.send_json(matter)
        first = suggestion(socket, 1)
        assert [related["call_id"] for related in first["related"]] == ["matter-3"]
        held = Held(app, monkeypatch)
        monkeypatch.setattr(Engine, "crowded", property(lambda _: True))
        socket.send_json(said("哎呀一个小孩掉下去了，在里面哭"))
        glance = suggestion(socket, 2)
        assert glance["suggestion_id"] != first["suggestion_id"]
        assert glance["related"] == first["related"]
        held.go.release()
