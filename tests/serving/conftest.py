"""A client of the real application, with a key for each role."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.keys import KeyRing, Role
from serving.settings import Settings

Headers = dict[str, str]


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def keys(state_dir: Path) -> dict[Role, Headers]:
    ring = KeyRing(state_dir / "keys.json")
    return {role: {"Authorization": f"Bearer {ring.create(role)[1]}"} for role in Role}


@pytest.fixture(scope="module")
def app(state_dir: Path) -> FastAPI:
    return create_app(Settings(state_dir=state_dir))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def operator(keys: dict[Role, Headers]) -> Headers:
    return keys[Role.OPERATOR]
