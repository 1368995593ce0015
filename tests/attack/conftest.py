"""The application as the service runs it, on a port of this process."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from serving.server import OPTIONS
from tests.serving.conftest import app, browser, keys, operator, state_dir

__all__ = ["app", "browser", "keys", "operator", "state_dir"]


@contextlib.contextmanager
def listening(app: Any) -> Iterator[str]:
    """Address of `app` while a thread serves it."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, **OPTIONS))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def address(app: FastAPI) -> Iterator[str]:
    with listening(app) as address:
        yield address
