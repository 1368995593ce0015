"""A client of the real application, with a key for each role."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Browser

from serving.app import create_app
from serving.keys import KeyRing, Role
from serving.settings import Settings
from tests.serving.browser import chromium

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module's tests; not for all, since playwright keeps an event loop running in this thread."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def site_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state directory of `site`."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="session")
def site(site_state: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Address and first keys of one running service for all tests of pages."""
    from tests.serving.test_serve import first_keys, served

    with served(site_state, YIDIANTONG_GLANCE_SECONDS="60") as (address, _):  # never glanced at, however busy the cores
        yield address, first_keys(site_state)
