"""What the tests of live calls share: messages, and reading what the server says."""

from typing import Any

from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect


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


def problem(socket: WebSocketTestSession) -> dict[str, Any]:
    """The next problem; suggestions before it are passed over."""
    while True:
        message: dict[str, Any] = socket.receive_json()
        if message["type"] == "problem":
            return message
        assert message["type"] == "suggestion", message


def closed(socket: WebSocketTestSession, seen: list[dict[str, Any]] | None = None) -> tuple[int, str]:
    """Code and reason with which the server closes; what it says before goes to `seen`."""
    while True:
        try:
            message = socket.receive_json()
            if seen is not None:
                seen.append(message)
        except WebSocketDisconnect as ended:
            return ended.code, ended.reason
