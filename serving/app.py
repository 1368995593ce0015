"""The application: engine, keys, store, routes, pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from threading import Thread

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from serving import (
    agreement_api,
    api,
    calls_api,
    console,
    exports_api,
    live,
    pages,
    problems,
    releases_api,
    review_page,
    review_queues,
    reviews_api,
    sessions_api,
    similar,
    stats_api,
    wall,
)
from serving.drift import Watch
from serving.engine import Engine
from serving.figures import page as figures_page
from serving.following import Follower
from serving.keys import KeyRing
from serving.limits import Admission, BodyLimit, SecurityHeaders
from serving.live_calls import LiveCalls
from serving.rehearsal import rehearse
from serving.related import Related, digests, fill_quietly
from serving.sessions import Guard, Sessions
from serving.settings import Settings
from serving.store.recorder import Recorder
from serving.store.rollup import Refresher
from serving.store.store import ANALYSED_FIRST, ANALYSED_FOR, Store
from serving.wall import Wall


def create_app(settings: Settings) -> FastAPI:
    """The service for these settings, its model loaded.

    Raises:
        DataError: a table or a city's policy is broken.
        UnknownCity: there is no policy for the default city.
    """
    engine = Engine(settings)
    store = Store(settings.store_url)
    recorder = Recorder(store, settings.state_dir, settings.city)
    engine.missing, engine.shadow.differs = recorder.missing, recorder.note
    refresher, drift = Refresher(store), Watch(settings, store).follower
    analysis = Follower(ANALYSED_FOR, (store.analyse,), ANALYSED_FIRST)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        recorder.start()
        engine.start()
        Thread(target=fill_quietly, args=(app.state.related, recorder), name="related", daemon=True).start()
        Thread(target=rehearse, args=(engine, app.state.related), name="rehearsal", daemon=True).start()
        refresher.start()
        drift.start()
        analysis.start()
        async with live_calls.kept():
            yield
        engine.close()
        drift.stop()
        analysis.stop()
        refresher.stop()
        recorder.stop()
        store.close()

    app = FastAPI(
        title="Yidiantong 一电通",
        version=version("yidiantong"),
        description="Routes 110 and 12345 calls.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    pages.samples()
    console.words()
    app.state.settings = settings
    app.state.engine = engine
    app.state.store = store
    app.state.recorder = recorder
    app.state.related = Related(engine.suggester.city, digests(settings.state_dir))
    app.state.keys = KeyRing(settings.state_dir / "keys.json")
    app.state.sessions = Sessions(settings.state_dir, app.state.keys)
    app.state.guard = Guard()
    app.state.wall = Wall(settings)
    app.state.live = live_calls = LiveCalls(settings, engine.suggester.city, app.state.wall)
    problems.install(app)
    app.include_router(live.router)  # first: a route is found by trying those before it
    app.include_router(api.router)
    for part in (
        calls_api,
        review_queues,
        reviews_api,
        agreement_api,
        similar,
        stats_api,
        sessions_api,
        exports_api,
        releases_api,
    ):
        app.include_router(part.router, responses=problems.documented(429))
    for page in (wall, pages, console, figures_page, review_page):
        app.include_router(page.router)
    app.mount("/static", StaticFiles(directory=pages.HERE / "static"), name="static")
    app.add_middleware(BodyLimit)
    app.add_middleware(Admission, refusal=engine.refusal, patience=settings.queue_seconds)
    app.add_middleware(SecurityHeaders)
    return app
