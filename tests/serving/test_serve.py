"""The service as a process: first start, address, readiness, stop."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(state: Path, port: int = 0, /, **settings: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The running service's address and process; on a free port unless told which."""
    port = port or free_port()
    environment = os.environ | {"YIDIANTONG_STATE_DIR": str(state), "PYTHONUNBUFFERED": "1"} | settings
    command = [str(Path(sys.executable).parent / "yidiantong"), "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, process)
        yield address, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        if process.stdout:
            process.stdout.close()


def wait_until_ready(address: str, process: subprocess.Popen[str]) -> None:
    for _ in range(300):
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        try:
            httpx.get(f"{address}/healthz")
            return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("not ready after 30 s")


def first_keys(state: Path) -> dict[str, str]:
    lines = (state / "first-keys.txt").read_text().splitlines()
    return dict(line.split() for line in lines if not line.startswith("#"))


def test_first_start_says_where_the_keys_are(tmp_path: Path) -> None:
    with served(tmp_path / "state") as (address, process):
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(2)]
        assert "first-keys.txt" in said[0]
        key = said[1].strip().partition("#key=")[2]
        assert key == first_keys(tmp_path / "state")["operator"]
        headers = {"Authorization": f"Bearer {key}"}
        answer = httpx.post(f"{address}/v1/classify", json={"text": "楼上漏水"}, headers=headers)
        assert answer.status_code == 200
        assert httpx.get(f"{address}/metrics").status_code == 200
    with served(tmp_path / "state") as (address, process):
        assert process.stdout is not None
        assert "key" not in process.stdout.readline()


def test_only_this_machine_by_default(tmp_path: Path) -> None:
    import psutil

    with served(tmp_path) as (_, process):
        listening = [c.laddr.ip for c in psutil.Process(process.pid).net_connections() if c.status == "LISTEN"]
        assert listening == ["127.0.0.1"]


def test_a_broken_key_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("broken")
    command = [str(Path(sys.executable).parent / "yidiantong"), "serve", "--port", str(free_port())]
    done = subprocess.run(
        command, env=os.environ | {"YIDIANTONG_STATE_DIR": str(tmp_path)}, capture_output=True, timeout=60
    )
    assert done.returncode == 2
    assert b"is not a key file" in done.stderr
