"""Replicas behind Ray Serve: what they refuse to start with, and one killed under load."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import select

from serving.keys import KeyRing, Role
from serving.ray_app import checked
from serving.settings import Settings
from serving.store.schema import CallRow
from serving.store.store import Store
from tests import postgres
from tests.serving.test_serve import free_port

SERVICE = """
import ray, sys, time
from ray import serve
from serving.ray_app import application
ray.init(num_cpus=2, include_dashboard=False)
serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
serve.run(application({"replicas": 2, "cores": 0.5}))
time.sleep(1_000)
"""
CALLS, TRIES = 60, 180


def test_replicas_want_postgresql_and_keys(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="keep calls in PostgreSQL"):
        checked(Settings(state_dir=tmp_path))
    settings = Settings(state_dir=tmp_path, database_url="postgresql://h/d")
    with pytest.raises(ValueError, match="no keys in"):
        checked(settings)
    KeyRing(tmp_path / "keys.json").create(Role.OPERATOR)
    assert checked(settings) is settings


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.server() as server, postgres.database(server) as address:
        yield address


@pytest.mark.soak
def test_a_replica_is_killed_under_load(url: str, tmp_path: Path) -> None:
    operator = KeyRing(tmp_path / "keys.json").create(Role.OPERATOR)[1]
    port = free_port()
    environment = os.environ | {"YIDIANTONG_STATE_DIR": str(tmp_path), "YIDIANTONG_DATABASE_URL": url,
                                "YIDIANTONG_THREADS": "1", "YIDIANTONG_QUEUE_SECONDS": "60",
                                "RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", SERVICE, str(port)], env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            headers = {"Authorization": f"Bearer {operator}"}

            def asked(number: int) -> int:
                """How often the call had to be sent; 0 if it was never answered."""
                body = {"call_id": f"c{number}", "text": f"楼上漏水，第{number}位"}
                for attempt in range(1, TRIES + 1):
                    try:
                        if client.post("/v1/classify", json=body, headers=headers).status_code == 200:
                            return attempt
                    except httpx.TransportError:
                        pass
                    time.sleep(1)
                return 0

            assert asked(0), "the service does not come up"
            with ThreadPoolExecutor(4) as crowd:
                answers = [crowd.submit(asked, number) for number in range(1, CALLS)]
                while sum(answer.done() for answer in answers) < CALLS // 4:
                    time.sleep(0.02)
                replicas = [child for child in psutil.Process(process.pid).children(recursive=True)
                            if "ServeReplica" in " ".join(child.cmdline())]  # fmt: skip
                assert len(replicas) == 2
                replicas[0].kill()
                assert all(answer.result() for answer in answers)
        wanted, store = {f"c{number}" for number in range(CALLS)}, Store(url)
        for _ in range(100):  # the other replica brings what the killed one had written down
            with store.reading() as session:
                kept = set(session.scalars(select(CallRow.id)))
            if kept == wanted:
                break
            time.sleep(0.2)
        store.close()
        assert kept == wanted
    finally:
        process.terminate()
        process.wait(30)
