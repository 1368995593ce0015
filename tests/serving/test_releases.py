"""A release takes the other's place while calls go on; where it fails, the other stays."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from model.registry import POINTERS, Registry
from model.release import BUNDLED, FILES, open_release
from serving.app import create_app
from serving.keys import KeyRing, Role
from serving.settings import Settings
from tests.releases import copied, truncated
from tests.serving.conftest import Headers
from tests.serving.test_serve import first_keys, served

BUNDLED_VERSION = open_release(BUNDLED, ()).version


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    found = Registry(tmp_path / "state" / "releases")
    for version in ("r1", "r2"):
        found.add(copied(tmp_path / version, version))
    return found


@pytest.fixture
def app(registry: Registry, tmp_path: Path) -> FastAPI:
    return create_app(Settings(state_dir=tmp_path / "state", release_poll_seconds=0.05))


@pytest.fixture
def admin(app: FastAPI, tmp_path: Path) -> Headers:
    return {"Authorization": f"Bearer {KeyRing(tmp_path / 'state' / 'keys.json').create(Role.ADMIN)[1]}"}


def version(client: TestClient, headers: Headers) -> str:
    answer = client.post("/v1/classify", json={"text": "楼上漏水"}, headers=headers)
    assert answer.status_code == 200
    return str(answer.json()["model_version"])


def eventually(client: TestClient, headers: Headers, expected: str) -> None:
    for _ in range(200):
        if version(client, headers) == expected:
            return
        time.sleep(0.05)
    pytest.fail(f"{expected} never served")


def test_promote_and_roll_back_over_http(app: FastAPI, admin: Headers) -> None:
    with TestClient(app) as client:
        assert version(client, admin) == BUNDLED_VERSION
        listed = client.get("/v1/releases", headers=admin).json()
        assert listed == {"serves": BUNDLED_VERSION, "problem": "", "versions": ["r1", "r2"],
                          "aliases": {"candidate": "r2"}}  # fmt: skip
        promoted = client.post("/v1/releases/promote", json={}, headers=admin).json()
        assert (promoted["serves"], promoted["aliases"]) == ("r2", {"live": "r2"})
        assert client.post("/v1/releases/promote", json={"version": "r1"}, headers=admin).json()["serves"] == "r1"
        assert version(client, admin) == "r1"
        assert client.post("/v1/releases/rollback", headers=admin).json()["serves"] == "r2"
        app.state.recorder.settled()
        actions = [entry["action"] for entry in client.get("/v1/audit", headers=admin).json()["entries"]]
        assert {"promoted", "rolled_back"} <= set(actions)


def test_what_cannot_be_promoted_changes_nothing(app: FastAPI, admin: Headers, registry: Registry) -> None:
    truncated(registry.path("r1"))
    with TestClient(app) as client:
        for wanted, status in (("r1", 409), ("r9", 409), ("../r2", 409), ("x" * 99, 422), (3, 422)):
            answer = client.post("/v1/releases/promote", json={"version": wanted}, headers=admin)
            assert answer.status_code == status, wanted
            assert answer.headers["content-type"] == "application/problem+json"
        assert client.post("/v1/releases/rollback", headers=admin).status_code == 409
        assert version(client, admin) == BUNDLED_VERSION
        assert registry.aliases() == {"candidate": "r2"}


def test_a_process_follows_what_another_promotes(app: FastAPI, admin: Headers, registry: Registry) -> None:
    with TestClient(app) as client:
        registry.promote("r2")
        eventually(client, admin, "r2")
        truncated(registry.path("r1"))
        registry.promote("r1")
        until = time.monotonic() + 20
        while not (state := client.get("/readyz").json())["problems"] and time.monotonic() < until:
            time.sleep(0.1)
        assert version(client, admin) == "r2", "the old one stays"
        assert state["ready"]
        assert "sha256" in state["problems"][0]
        assert "yidiantong_release_refused 1.0" in client.get("/metrics", headers=admin).text
        (registry.folder / POINTERS).write_text("{")
        time.sleep(0.5)
        assert version(client, admin) == "r2"
        assert client.get("/v1/releases", headers=admin).status_code == 409
        registry.folder.joinpath(POINTERS).write_text('{"live": "r2"}')
        for _ in range(100):
            if not client.get("/readyz").json()["problems"]:
                break
            time.sleep(0.05)
        assert client.get("/readyz").json()["problems"] == []
        assert "yidiantong_release_refused 0.0" in client.get("/metrics", headers=admin).text


def test_a_start_with_a_broken_live_release_serves_the_bundled_one(registry: Registry, tmp_path: Path) -> None:
    registry.promote("r1")
    truncated(registry.path("r1"))
    app = create_app(Settings(state_dir=tmp_path / "state"))
    assert app.state.engine.suggester.model.version == BUNDLED_VERSION
    assert not app.state.engine.suggester.problems
    assert "r1" not in app.state.engine.suggester.model.version
    assert app.state.engine.releases.problem


def test_a_file_replaced_under_the_serving_release_changes_no_answer(
    app: FastAPI, admin: Headers, registry: Registry
) -> None:
    with TestClient(app) as client:
        client.post("/v1/releases/promote", json={"version": "r2"}, headers=admin)
        before = client.post("/v1/classify", json={"text": "有人拿刀砍人"}, headers=admin).json()
        path = registry.path("r2") / FILES.encoder
        path.rename(path.with_suffix(".old"))
        path.write_bytes(b"something else")
        after = client.post("/v1/classify", json={"text": "有人拿刀砍人"}, headers=admin).json()
        assert after["category"] == before["category"]
        assert after["model_version"] == "r2"


def yidiantong(state: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).parent / "yidiantong"), "releases", *words]
    environment = os.environ | {"YIDIANTONG_STATE_DIR": str(state)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


def test_the_command_line(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert "bundled" in yidiantong(state, "list").stdout
    copied(tmp_path / "r1", "r1")
    assert yidiantong(state, "add", str(tmp_path / "r1")).stdout == "r1 is the candidate\n"
    assert yidiantong(state, "promote").stdout == "r1 is live\n"
    assert "r1  live" in yidiantong(state, "list").stdout
    assert yidiantong(state, "rollback").stdout == "the bundled release is live\n"
    for words in (("add", str(tmp_path / "nothing")), ("promote", "../x"), ("promote",), ("rollback",)):
        done = yidiantong(state, *words)
        assert done.returncode == 2, words
        assert done.stderr.startswith("error: ")


def ask_while(address: str, key: str, requests: int, change: Callable[[list[int]], Any]) -> tuple[list[int], set[str]]:
    """Four clients ask; once each is at it, `change` is called with the statuses so far, which grow. All statuses and the
    versions that answered."""
    statuses: list[int] = []
    versions: set[str] = set()
    begun = threading.Barrier(5)

    def ask() -> None:
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
            begun.wait()
            while len(statuses) < requests:
                answer = client.post("/v1/classify", json={"text": "楼下烧烤摊吵得睡不着"})
                statuses.append(answer.status_code)
                versions.add(answer.json().get("model_version", ""))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    begun.wait()
    change(statuses)
    for client in clients:
        client.join()
    return statuses, versions


def under_load(tmp_path: Path, requests: int) -> None:
    """Asks from four clients while releases change places; every request is answered, by both releases in turn."""
    state = tmp_path / "state"
    registry = Registry(state / "releases")
    for name in ("r1", "r2"):
        registry.add(copied(tmp_path / name, name))
    with served(state, YIDIANTONG_RELEASE_POLL_SECONDS="0.2") as (address, _):
        keys = first_keys(state)

        def change(statuses: list[int]) -> None:
            with httpx.Client(
                base_url=address, headers={"Authorization": f"Bearer {keys['admin']}"}, timeout=60
            ) as admin:
                for name in ("r1", "r2"):
                    while len(statuses) < requests // 3 and name == "r2":
                        time.sleep(0.05)
                    assert admin.post("/v1/releases/promote", json={"version": name}).json()["serves"] == name
                assert admin.post("/v1/releases/rollback").json()["serves"] == "r1"
            registry.promote("r2")  # by another process, as it were

        statuses, versions = ask_while(address, keys["operator"], requests, change)
    assert len(statuses) >= requests
    assert set(statuses) == {200}
    assert {"r1", "r2"} <= versions


def test_no_request_fails_while_releases_change_places(tmp_path: Path) -> None:
    under_load(tmp_path, 600)


@pytest.mark.soak
def test_no_request_of_five_thousand_fails(tmp_path: Path) -> None:
    under_load(tmp_path, 5_000)
