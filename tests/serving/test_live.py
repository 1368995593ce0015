"""Live calls over the real application: the protocol, resuming, limits, close codes."""

from typing import Any

from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from tests.serving.conftest import Headers


def url(call_id: str) -> str:
    return f"/v1/calls/{call_id}/live"


def said(text: str, speaker: str = "caller", **fields: Any) -> dict[str, Any]:
    return {"speaker": speaker, "text": text, **fields}


def suggestion(socket: WebSocketTestSession, revision: int) -> dict[str, Any]:
    """The first suggestion that takes `revision` messages into account."""
    while True:
        message: dict[str, Any] = socket.receive_json()
        assert message["type"] == "suggestion", message
        if message["revision"] >= revision:
            return message


def closed(socket: WebSocketTestSession) -> tuple[int, str]:
    """Code and reason with which the server closes."""
    while True:
        try:
            socket.receive_json()
        except WebSocketDisconnect as ended:
            return ended.code, ended.reason


def test_a_call_from_the_first_word_to_the_end(client: TestClient, operator: Headers) -> None:
    with client.websocket_connect(url("whole"), headers=operator) as socket:
        ready = socket.receive_json()
        assert ready == {"type": "ready", "call_id": "whole", "city": "hangzhou", "channel": "110", "revision": 0,
                         "turns": [], "suggestion": None}  # fmt: skip
        socket.send_json({"type": "start", "city": "shaoxing", "channel": "110"})
        socket.send_json(said("您好，110。", "operator"))
        assert suggestion(socket, 1)["type"] == "suggestion"
        socket.send_json(said("牌头这边", turn=1, partial=True))
        socket.send_json(said("诸暨牌头这边，我停在菜场门口的电瓶车被偷了，下午就不见了", turn=1))
        found = suggestion(socket, 3)
        assert found["category"]["code"] == "theft"
        assert found["location"]["town"] == "牌头镇"
        assert found["call_id"] == "whole"
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
