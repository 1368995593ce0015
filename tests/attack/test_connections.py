"""Clients that do not get on with it: they are let go, and others are served meanwhile."""

import contextlib
import resource
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from serving import server
from tests.attack.conftest import listening


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body and says how long it was; a stand-in for the application."""
    if scope["type"] != "http":
        return
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.5)
    with listening(plain) as address:
        yield address


def connect(address: str) -> socket.socket:
    place = urlsplit(address)
    found = socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=20)
    return found


def is_closed(client: socket.socket) -> bool:
    """Whether the server ends the connection; waits for it."""
    with contextlib.suppress(ConnectionError):
        while client.recv(65536):
            pass
    client.close()
    return True


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /healthz HT",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHos",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    ],
)
def test_a_request_that_does_not_come_is_not_waited_for(here: str, said: bytes) -> None:
    with connect(here) as client:
        client.sendall(said)
        assert is_closed(client)
    assert httpx.post(here, content=b"x" * 1_000).text == "1000"


def test_a_byte_now_and_then_gains_no_time(here: str) -> None:
    with connect(here) as client:
        drip = iter(b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 1_000)
        with contextlib.suppress(ConnectionError):
            while True:
                client.sendall(bytes([next(drip)]))
                time.sleep(0.05)


def test_a_slow_one_that_gets_there_is_answered(here: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 2)
    with httpx.Client() as client:
        for _ in range(3):  # one connection, longer together than one request may take
            time.sleep(0.7)
            assert client.post(here, content=iter([b"a" * 70_000, b"b"])).text == "70001"


@pytest.mark.parametrize("line", [b"X-A: " + b"a" * 200_000, b"X-A: b\r\n" * 20_000, b"GET /" + b"a" * 200_000])
def test_a_head_has_an_end(here: str, line: bytes) -> None:
    with connect(here) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(line if line.startswith(b"GET") else b"GET / HTTP/1.1\r\n" + line)
        assert is_closed(client)


@pytest.mark.parametrize(
    "said",
    [b"\x16\x03\x01\x02\x00\x01", b"\x00" * 4_096, b"GET / HTTP/1.1\nX: a\r\n b\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
     b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_http(here: str, said: bytes) -> None:
    with connect(here) as client:
        client.sendall(said)
        assert is_closed(client)
    assert httpx.get(here).status_code == 200


def half_open(address: str, number: int) -> None:
    clients = []
    try:
        for _ in range(number):
            client = connect(address)
            client.sendall(b"GET / HTTP/1.1\r\n")
            clients.append(client)
        assert httpx.get(address, timeout=20).status_code == 200
        assert all(is_closed(client) for client in clients)
        assert not server.Impatient.waiting
    finally:
        for client in clients:
            client.close()


def test_hundreds_of_half_open_connections(here: str) -> None:
    half_open(here, 500)


@pytest.mark.soak
def test_ten_thousand_half_open_connections(here: str) -> None:
    half_open(here, min(10_000, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500) // 2))


def test_with_more_connections_than_files_the_oldest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (40, 40))
    with listening(plain) as address:
        clients = [connect(address) for _ in range(60)]
        assert httpx.get(address, timeout=20).text == "0"
        assert all(is_closed(client) for client in clients[:30])
        for client in clients[50:]:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        for client in clients:
            client.close()
