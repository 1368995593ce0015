"""Live calls of the service as a process: the wall's events, the example clients, a restart in the middle of a call."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from serving.keys import KeyRing, Role
from tests.serving.test_serve import first_keys, free_port, served

ROOT = Path(__file__).parents[2]
THEFT = "我停在菜场门口的电瓶车被偷了，下午去买菜回来就不见了"
CLIENTS = {
    "python": [sys.executable, "examples/live_client.py"],
    "node": ["node", "--experimental-websocket", "examples/live_client.mjs"],
}
QUICK = {"YIDIANTONG_RELEASE": "nowhere", "YIDIANTONG_WALL_VIEWERS": "2"}  # the linear model: quick to start


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def address(state: Path) -> Iterator[str]:
    with served(state, **QUICK) as (address, _):
        yield address


def headers(state: Path, role: Role) -> dict[str, str]:
    return {"Authorization": f"Bearer {first_keys(state)[role]}"}


@contextmanager
def on_line(address: str, state: Path, call_id: str, key: str = "") -> Iterator[ClientConnection]:
    who = {"Authorization": f"Bearer {key}"} if key else headers(state, Role.OPERATOR)
    with connect(f"{address.replace('http', 'ws')}/v1/calls/{call_id}/live", additional_headers=who) as socket:
        assert json.loads(socket.recv(timeout=30))["type"] == "ready"
        yield socket


def say(socket: ClientConnection, text: str, **fields: Any) -> dict[str, Any]:
    """Sends a turn of the caller; the suggestion for it."""
    socket.send(json.dumps({"speaker": "caller", "text": text, **fields}))
    found: dict[str, Any] = json.loads(socket.recv(timeout=30))
    return found


@contextmanager
def watching(address: str, who: dict[str, str]) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of the wall, heartbeats and the like left out."""

    def events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
        name = ""
        for line in lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))

    with httpx.stream("GET", f"{address}/v1/live", headers=who, timeout=30) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield events(response.iter_lines())


def test_the_wall_sees_a_call_come_change_and_go_but_no_word_of_it(address: str, state: Path) -> None:
    with on_line(address, state, "w-1") as socket:
        say(socket, THEFT)
        with watching(address, headers(state, Role.REVIEWER)) as events:
            name, card = next(events)
            assert (name, card["call_id"], card["category"]["code"]) == ("call", "w-1", "theft")
            assert set(card) == {"call_id", "city", "channel", "began", "label", "category", "urgency", "destination",
                                 "unit", "confident", "settled", "changed"}  # fmt: skip
            say(socket, "不对，他拿刀出来了，要砍人")
            name, worse = next(events)
            assert (name, worse["urgency"]) == ("call", "emergency")
            socket.send('{"type": "end"}')
            assert next(events) == ("gone", {"call_id": "w-1"})
    assert not any(text in json.dumps([card, worse], ensure_ascii=False) for text in ("电瓶车", "刀", "菜场"))


def test_the_wall_of_a_city_and_who_may_look(address: str, state: Path) -> None:
    assert httpx.get(f"{address}/v1/live").status_code == 401
    assert httpx.get(f"{address}/v1/live", headers=headers(state, Role.OPERATOR)).status_code == 403
    ring = KeyRing(state / "keys.json")
    bound = {"Authorization": f"Bearer {ring.create(Role.REVIEWER, city='ningbo')[1]}"}
    _, there = ring.create(Role.OPERATOR, city="ningbo")
    with (
        watching(address, bound) as own,
        on_line(address, state, "w-2") as socket,
        on_line(address, state, "w-3", there) as other,
    ):
        say(socket, THEFT)
        say(other, THEFT)
        assert next(own)[1]["call_id"] == "w-3"
        with watching(address, headers(state, Role.ADMIN)) as everything:
            assert {next(everything)[1]["call_id"] for _ in range(2)} == {"w-2", "w-3"}
            refused = httpx.get(f"{address}/v1/live", headers=headers(state, Role.REVIEWER))
            assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")


def test_a_wall_ends_with_its_key(address: str, state: Path) -> None:
    ring = KeyRing(state / "keys.json")
    key, secret = ring.create(Role.REVIEWER, city="wenzhou")
    _, there = ring.create(Role.OPERATOR, city="wenzhou")
    with on_line(address, state, "w-4", there) as socket:
        with watching(address, {"Authorization": f"Bearer {secret}"}) as events:
            say(socket, THEFT)
            assert next(events)[1]["call_id"] == "w-4"
            ring.revoke(key.id)
            say(socket, "他拿刀出来了，要砍人")
            assert [card["urgency"] for _, card in events] in ([], ["emergency"])  # and then the stream ends
        assert httpx.get(f"{address}/v1/live", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def turns(*texts: str) -> str:
    return "".join(json.dumps({"speaker": "caller", "text": text}, ensure_ascii=False) + "\n" for text in texts)


@pytest.mark.parametrize("name", CLIENTS)
def test_the_clients_show_suggestions_and_end(address: str, state: Path, name: str) -> None:
    server, key = address.replace("http", "ws"), first_keys(state)["operator"]
    command = [*CLIENTS[name], server, f"client-{name}", key]
    done = subprocess.run(command, input=turns(THEFT, "红色的"), capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert messages[0]["type"] == "ready"
    assert (messages[-1]["revision"], messages[-1]["category"]["code"]) == (2, "theft")
    refused = subprocess.run([*command[:-1], "wrong"], input="", capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert refused.returncode == 1, refused.stderr


class Client:
    """A running client, and what it prints."""

    def __init__(self, name: str, address: str, call_id: str, key: str) -> None:
        command = [*CLIENTS[name], address.replace("http", "ws"), call_id, key]
        self._process = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.said: Queue[dict[str, Any]] = Queue()
        self._reader = threading.Thread(target=self._read)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.said.put(json.loads(line))

    def __enter__(self) -> "Client":
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._reader.join(60)
        self._process.communicate()

    def hear(self, text: str, last: bool = False) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(turns(text))
        self._process.stdin.flush()
        if last:
            self._process.stdin.close()
            self._process.stdin = None

    def wait(self) -> int:
        code = self._process.wait(60)
        self._reader.join(60)
        return code


@pytest.mark.parametrize("name", CLIENTS)
def test_a_restart_in_the_middle_of_a_call(tmp_path: Path, name: str) -> None:
    port = free_port()
    with ExitStack() as stack:
        with served(tmp_path, port, **QUICK) as (address, _):
            client = stack.enter_context(Client(name, address, "restarted", first_keys(tmp_path)["operator"]))
            assert client.said.get(timeout=60)["type"] == "ready"
            client.hear("我要报案")
            assert client.said.get(timeout=60)["revision"] == 1
        stack.enter_context(served(tmp_path, port, **QUICK))
        client.hear(THEFT, last=True)
        while (again := client.said.get(timeout=60))["type"] != "ready":
            assert again["revision"] == 1, "the whole reading after the glance"
        assert (again["type"], again["turns"]) == ("ready", [])  # the service remembers nothing, the client everything
        assert client.wait() == 0
        last = client.said.queue[-1]
        assert (last["revision"], last["category"]["code"]) == (2, "theft")


@pytest.mark.parametrize("name", CLIENTS)
def test_the_clients_are_short(name: str) -> None:
    assert len((ROOT / CLIENTS[name][-1]).read_text(encoding="utf-8").splitlines()) <= 60


def test_frames_that_the_protocol_itself_refuses(address: str, state: Path) -> None:
    with on_line(address, state, "frames") as socket:
        socket.send("x" * (2**20 + 1))
        with pytest.raises(ConnectionClosed) as ended:
            socket.recv(timeout=30)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1009
