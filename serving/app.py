"""The application: engine, keys, routes, page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from starlette.middleware.base import RequestResponseEndpoint
from starlette.staticfiles import StaticFiles

from serving import api, pages, problems
from serving.engine import Engine
from serving.keys import KeyRing
from serving.limits import BodyLimit
from serving.settings import Settings

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


def create_app(settings: Settings) -> FastAPI:
    """The service for these settings; the model loads when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.engine = Engine(settings)
        yield
        app.state.engine.close()

    app = FastAPI(
        title="Yidiantong 一电通",
        version=version("yidiantong"),
        description="Routes 110 and 12345 calls.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.keys = KeyRing(settings.state_dir / "keys.json")
    problems.install(app)
    app.include_router(api.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=pages.HERE / "static"), name="static")
    app.add_middleware(BodyLimit)

    @app.middleware("http")
    async def secure(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers.update(SECURITY_HEADERS)
        return response

    return app
