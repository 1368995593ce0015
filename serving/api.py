"""The routes of the contract, version 1."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import FailFast, Field
from starlette.concurrency import run_in_threadpool

from data.policy import Policy, UnknownCity
from data.records import Call, Inbound, Record, Suggestion
from data.taxonomy import URGENCY_NAMES, Category, Destination, destinations
from serving.auth import AnyKey, LocalOrAdmin, Operator, city_for
from serving.engine import Engine
from serving.keys import Key
from serving.problems import FieldProblem, Problem, documented
from serving.store.recorder import Recorder, by
from serving.store.state import may_add
from serving.store.store import Store

MAX_BATCH = 256
router = APIRouter()


class Batch(Inbound):
    """Up to 256 calls."""

    calls: Annotated[tuple[Call, ...], FailFast(), Field(strict=False, min_length=1, max_length=MAX_BATCH)]


class BatchAnswer(Record):
    """One suggestion a call, in the order of the calls."""

    suggestions: tuple[Suggestion, ...]


class Taxonomy(Record):
    """Every code the API speaks in, with its name."""

    categories: tuple[Category, ...]
    destinations: tuple[Destination, ...]
    urgencies: dict[str, str]


class PolicyRules(Record):
    """A city's routing table."""

    city: str
    version: str
    rules: list[dict[str, Any]]


def engine(request: Request) -> Engine:
    """The application's engine."""
    found: Engine = request.app.state.engine
    return found


def recorder(request: Request) -> Recorder:
    """The application's recorder."""
    found: Recorder = request.app.state.recorder
    return found


def store(request: Request) -> Store:
    """The application's store."""
    found: Store = request.app.state.store
    return found


EngineOf = Annotated[Engine, Depends(engine)]
RecorderOf = Annotated[Recorder, Depends(recorder)]
StoreOf = Annotated[Store, Depends(store)]


def unknown_city(error: UnknownCity, field: str) -> Problem:
    """The problem that names the field with the unknown city."""
    return Problem(422, str(error), [FieldProblem(field=field, message=str(error))])


def of_city(call: Call, key: Key, field: str) -> Call:
    """The call as one of the key's city, where the key is for one.

    Raises:
        Problem: 403 for a call of another city.
    """
    city = city_for(call.city, key.city, field)
    return call if city == call.city else call.model_copy(update={"city": city})


async def refuse_others(named: Mapping[str, str | None], recorder: Recorder, key: Key) -> None:
    """Returns if the holder of `key` may add to all of these calls, each named by a field.

    Raises:
        Problem: 403 for another operator's.
    """
    ids = [call_id for call_id in named.values() if call_id]
    owners = await run_in_threadpool(recorder.owners, ids) if ids else {}
    for field, call_id in named.items():
        if call_id in owners and not may_add(by(key), owners[call_id]):
            raise Problem(403, "another operator's call", [FieldProblem(field=field, message="another operator's")])


@router.post("/v1/classify", responses=documented(400, 401, 403, 413, 422, 429))
async def classify(call: Call, engine: EngineOf, recorder: RecorderOf, key: Operator) -> Suggestion:
    """Recommends where one call should go, and writes it down."""
    call = of_city(call, key, "city")
    await refuse_others({"call_id": call.call_id}, recorder, key)
    try:
        suggestion = (await engine.suggest([call]))[0]
    except UnknownCity as error:
        raise unknown_city(error, "city") from error
    await run_in_threadpool(recorder.suggested, call, suggestion, key)
    engine.shadow.take(call, suggestion)
    return suggestion


@router.post("/v1/classify/batch", responses=documented(400, 401, 403, 413, 422, 429))
async def classify_batch(batch: Batch, engine: EngineOf, recorder: RecorderOf, key: Operator) -> BatchAnswer:
    """Recommends for up to 256 calls at once, and writes them down."""
    known = engine.suggester.policies
    calls = [of_city(call, key, f"calls.{number}.city") for number, call in enumerate(batch.calls)]
    for number, call in enumerate(calls):
        if call.city is not None and call.city not in known:
            raise unknown_city(UnknownCity(call.city, known), f"calls.{number}.city")
    await refuse_others({f"calls.{n}.call_id": call.call_id for n, call in enumerate(calls)}, recorder, key)
    suggestions = await engine.suggest(calls)
    shown = list(zip(calls, suggestions, strict=True))
    await run_in_threadpool(recorder.suggested_all, shown, key)
    for call, suggestion in shown:
        engine.shadow.take(call, suggestion)
    return BatchAnswer(suggestions=tuple(suggestions))


@router.get("/v1/taxonomy", responses=documented(401, 429))
async def taxonomy(engine: EngineOf, _: AnyKey) -> Taxonomy:
    """Categories of the release that answers, destinations and urgencies."""
    return Taxonomy(
        categories=tuple(engine.suggester.model.taxonomy.categories.values()),
        destinations=tuple(destinations().values()),
        urgencies={level.value: name for level, name in URGENCY_NAMES.items()},
    )


@router.get("/v1/policies/{city}", responses=documented(401, 404, 422, 429))
async def policy(city: Annotated[str, Path(max_length=64)], engine: EngineOf, _: AnyKey) -> PolicyRules:
    """The routing table of a city."""
    found: Policy | None = engine.suggester.policies.get(city)
    if found is None:
        raise Problem(404, f"no policy for {city!r}")
    rules = [rule.model_dump(mode="json") | {"owner": rule.owner} for rule in found.rules.values()]
    return PolicyRules(city=found.city, version=found.version, rules=rules)


@router.get("/healthz")
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "A degraded answer is all there is."}})
async def ready(engine: EngineOf, recorder: RecorderOf, response: Response) -> dict[str, Any]:
    """Whether the release answers: 503 with what is wrong while the fallback does.

    A database that is away is named too, but does not take the service out of rotation: it would take all at once.
    """
    suggester = engine.suggester
    response.status_code = 503 if suggester.problems else 200
    problems = [
        *suggester.problems,
        *filter(None, (engine.releases.problem, engine.policies.problem, recorder.problem)),
    ]
    return {"ready": not suggester.problems, "model_version": suggester.model.version, "problems": problems}


@router.get("/metrics", dependencies=[LocalOrAdmin], response_class=Response, responses=documented(401, 403))
async def metrics() -> Response:
    """Prometheus metrics; for this machine and for admins."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
