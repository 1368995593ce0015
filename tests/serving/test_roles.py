"""Every role × every route: who may is said here once, and checked at the door."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route

from serving.keys import Role
from serving.settings import Settings
from serving.wall import Wall
from tests.serving.conftest import Headers

O, R, S = Role.OPERATOR, Role.REVIEWER, Role.SCIENTIST  # noqa: E741
EVERYBODY: set[Role] | None = None  # without a key, too
ANY_KEY = {O, R, S}
ROUTES: dict[str, set[Role] | None] = {
    "GET /": EVERYBODY,
    "GET /console": EVERYBODY,
    "GET /figures": EVERYBODY,
    "GET /review": EVERYBODY,
    "GET /login": EVERYBODY,
    "GET /wall": EVERYBODY,
    "GET /v1/live": {R},
    "GET /openapi.json": EVERYBODY,
    "GET /healthz": EVERYBODY,
    "GET /readyz": EVERYBODY,
    "GET /metrics": set(),
    "POST /v1/sessions": EVERYBODY,
    "DELETE /v1/sessions": ANY_KEY,
    "GET /v1/sessions/me": ANY_KEY,
    "GET /v1/taxonomy": ANY_KEY,
    "GET /v1/policies/{city}": ANY_KEY,
    "POST /v1/classify": {O},
    "POST /v1/classify/batch": {O},
    "POST /v1/calls/{call_id}/decision": {O},
    "POST /v1/calls/{call_id}/outcome": {O, R},
    "GET /v1/calls/{call_id}": {O, R},
    "GET /v1/calls": {O, R},
    "GET /v1/review-queues": {R},
    "GET /v1/reviews": {R},
    "GET /v1/review-calls": {R},
    "GET /v1/review-calls/{call_id}": {R},
    "GET /v1/review-calls/{call_id}/similar": {R},
    "POST /v1/reviews/{call_id}": {R},
    "POST /v1/review-batches": {R},
    "DELETE /v1/review-batches/{batch}": {R},
    "GET /v1/review-agreement": {R},
    "GET /v1/stats": {R, S},
    "GET /v1/stats.csv": {R, S},
    "GET /v1/stats.xlsx": {R, S},
    "GET /v1/stats/confusion": {R, S},
    "GET /v1/exports/reviews": {S},
    "GET /v1/audit": set(),
    "GET /v1/releases": {S},
    "POST /v1/releases/promote": set(),
    "POST /v1/releases/rollback": set(),
}


def doors(routes: Iterable[Any]) -> Iterator[str]:
    """Every door but the files, as `METHOD path`; included routers are walked too."""
    for route in routes:
        if isinstance(route, Mount):
            assert route.path == "/static"
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from doors(router.routes)
        elif isinstance(route, APIWebSocketRoute):
            yield f"WS {route.path}"
        else:
            assert isinstance(route, Route | APIRoute)
            yield from (f"{method} {route.path}" for method in (route.methods or set()) - {"HEAD"})


def test_every_route_is_in_the_table(app: FastAPI) -> None:
    assert set(doors(app.routes)) == {*ROUTES, "WS /v1/calls/{call_id}/live"}


@pytest.mark.parametrize("name", ROUTES)
def test_who_may(app: FastAPI, client: TestClient, keys: dict[Role, Headers], name: str) -> None:
    method, _, path = name.partition(" ")
    address = re.sub(r"{\w+}", "none", path)
    may = ROUTES[name]
    app.state.wall = Wall(Settings(wall_viewers=0))  # a stream that began would not end
    for role in (None, *Role):
        headers = keys[role] if role else {}
        status = client.request(method, address, headers=headers, json={} if method == "POST" else None).status_code
        if may is None:
            assert status not in (401,), (name, role)
        elif role is None:
            assert status == 401, name
        elif may is not None:
            assert (status == 403) == (role not in may and role is not Role.ADMIN), (name, role, status)
            assert status != 401


def test_live_calls_are_for_operators(client: TestClient, keys: dict[Role, Headers]) -> None:
    for role in (None, *Role):
        with client.websocket_connect("/v1/calls/roles-1/live", headers=keys[role] if role else {}) as live:
            first = live.receive()
            if role in (Role.OPERATOR, Role.ADMIN):
                assert '"ready"' in first["text"]
            else:
                assert first["code"] == (4403 if role else 4401)
