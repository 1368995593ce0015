"""A city's table is edited while calls go on: a good edit is in force within a look, nonsense changes nothing but the alarm."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from data.policy import FOLLOWED, POLICY_DIR
from serving.app import create_app
from serving.keys import KeyRing, Role
from serving.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield shutil.copytree(POLICY_DIR, tmp_path / "policies")
    FOLLOWED.read_from(POLICY_DIR)


def replace(path: Path, content: bytes) -> None:
    """In one step: a look between two would find half of it, and alarm."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)


def eventually(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        time.sleep(0.02)
    pytest.fail("never came")


def test_edits_while_serving(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = Settings(state_dir=tmp_path, policies=folder, release_poll_seconds=0.02)
    headers = {"Authorization": f"Bearer {KeyRing(tmp_path / 'keys.json').create(Role.ADMIN)[1]}"}
    with TestClient(create_app(settings)) as client:

        def version() -> str:
            answer = client.post("/v1/classify", json={"text": "楼上漏水"}, headers=headers)
            assert answer.status_code == 200
            return str(answer.json()["policy_version"])

        def metric() -> str:
            lines = client.get("/metrics", headers=headers).text.splitlines()
            return next(line for line in lines if line.startswith("yidiantong_policy_refused")).split()[-1]

        first, good = version(), (folder / "hangzhou.csv").read_bytes()
        replace(folder / "hangzhou.csv", good[:3_000])
        eventually(lambda: metric() == "1.0")
        assert version() == first
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["problems"][0][:8]) == (200, "policy: ")
        assert client.get("/v1/policies/hangzhou", headers=headers).json()["version"] == first
        replace(folder / "hangzhou.csv", good.replace(b",department,", b",hotline_12345,"))
        eventually(lambda: version() != first)
        eventually(lambda: metric() == "0.0")
        assert client.get("/readyz").json()["problems"] == []
    alarms = [line for line in capfd.readouterr().out.splitlines() if "policy_refused" in line]
    assert len(alarms) == 1, alarms
    assert "hangzhou.csv" in json.dumps(alarms)
