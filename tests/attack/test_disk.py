"""The disk is full, cannot be written, or the clock goes back: suggestions go on, and what was confirmed is kept once."""

import errno
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.keys import KeyRing, Role
from serving.settings import Settings
from serving.store.spool import Spool
from tests.serving.test_serve import first_keys, served


def classify(client: Any, number: int) -> dict[str, Any]:
    answer = client.post("/v1/classify", json={"text": f"楼上漏水，物业不管，第{number}位"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def decide(client: Any, shown: dict[str, Any]) -> int:
    body = {"suggestion_id": shown["suggestion_id"], "destination": "department", "consent": "not_asked"}
    return int(client.post(f"/v1/calls/{shown['call_id']}/decision", json=body).status_code)


def test_a_full_disk(tmp_path: Path) -> None:
    with served(tmp_path) as (address, process):
        headers = {"Authorization": f"Bearer {first_keys(tmp_path)['operator']}"}
        with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
            before = classify(client, 1)
            assert decide(client, before) == 200
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, hard))  # no file may grow
            lost = [classify(client, number) for number in range(2, 6)]
            assert {decide(client, shown) for shown in lost} <= {404, 503}
            assert client.get("/healthz").status_code == 200
            assert "yidiantong_unrecorded_total 0.0" not in client.get("/metrics").text
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            after = classify(client, 7)
            assert decide(client, after) == 200
            for _ in range(200):
                if client.get("/readyz").json()["problems"] == []:
                    break
                time.sleep(0.1)
            kept = {call["call_id"]: call for call in client.get("/v1/calls").json()["calls"]}
            assert {before["call_id"], after["call_id"]} <= kept.keys()
            assert not kept.keys() & {shown["call_id"] for shown in lost if decide(client, shown) == 404}
    assert not (tmp_path / "rejected.jsonl").exists()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestClient]:
    key = KeyRing(tmp_path / "keys.json").create(Role.OPERATOR)[1]
    with TestClient(create_app(Settings(state_dir=tmp_path)), raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        client.app.state.recorder.settled()  # type: ignore[attr-defined]
        yield client


def test_a_disk_that_became_read_only(desk: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = classify(desk, 1)
    real = os.open

    def read_only(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and str(path).startswith(str(tmp_path)):
            raise OSError(errno.EROFS, "Read-only file system")
        return real(path, flags, *more, **named)

    desk.get(f"/v1/calls/{before['call_id']}")  # waits until it is stored: the next segment is to be opened
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", read_only)
        patched.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(errno.EROFS, "Read-only file system")))
        shown = classify(desk, 2)
        assert decide(desk, before) == 503
        assert desk.get("/healthz").status_code == 200
    assert decide(desk, before) == 200
    assert decide(desk, classify(desk, 3)) == 200
    assert decide(desk, shown) == 404


def test_a_state_folder_that_cannot_be_written_ends_the_start_with_a_sentence() -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [str(Path(sys.executable).parent / "yidiantong"), "serve", "--port", "8199"], capture_output=True, text=True, check=False,
        env=os.environ | {"YIDIANTONG_STATE_DIR": "/sys/yidiantong"}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_clock_that_is_set_back_changes_no_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for word, moment in ((b"first", time.time_ns()), (b"second", 1), (b"third", 1)):
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment)
        spool = Spool(tmp_path)
        spool.append([word])
        spool.close()
    found = [line.strip() for segment in Spool(tmp_path).seal()[0] for line in segment.lines()]
    assert found == [b"first", b"second", b"third"]


def test_calls_and_sessions_when_the_clock_goes_back(desk: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    app = desk.app
    assert isinstance(app, FastAPI)
    key, _ = KeyRing(app.state.keys.path).create(Role.OPERATOR)
    cookie, _ = app.state.sessions.begin(key)
    shown, past = classify(desk, 1), time.time() - 86_400
    monkeypatch.setattr(time, "time", lambda: past)
    monkeypatch.setattr(time, "time_ns", lambda: int(past * 1e9))
    assert app.state.sessions.holder(cookie) == key
    assert decide(desk, shown) == 200
    assert decide(desk, classify(desk, 2)) == 200
    assert {call["call_id"] for call in desk.get("/v1/calls").json()["calls"]} >= {shown["call_id"]}
