"""The routes of the contract, version 1."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import Field

from data.policy import Policy, UnknownCity
from data.records import Call, Record, Suggestion
from data.taxonomy import URGENCY_NAMES, Category, Destination, categories, destinations
from serving.auth import AnyKey, LocalOrAdmin, Operator
from serving.engine import Engine
from serving.problems import FieldProblem, Problem, documented

MAX_BATCH = 256
router = APIRouter()


class Batch(Record):
    """Up to 256 calls."""

    calls: Annotated[tuple[Call, ...], Field(strict=False, min_length=1, max_length=MAX_BATCH)]


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


EngineOf = Annotated[Engine, Depends(engine)]


def unknown_city(error: UnknownCity, field: str) -> Problem:
    """The problem that names the field with the unknown city."""
    return Problem(422, str(error), [FieldProblem(field=field, message=str(error))])


@router.post("/v1/classify", responses=documented(400, 401, 403, 413, 422, 429))
async def classify(call: Call, engine: EngineOf, _: Operator) -> Suggestion:
    """Recommends where one call should go."""
    try:
        return (await engine.suggest([call]))[0]
    except UnknownCity as error:
        raise unknown_city(error, "city") from error


@router.post("/v1/classify/batch", responses=documented(400, 401, 403, 413, 422, 429))
async def classify_batch(batch: Batch, engine: EngineOf, _: Operator) -> BatchAnswer:
    """Recommends for up to 256 calls at once."""
    known = engine.suggester.policies
    for number, call in enumerate(batch.calls):
        if call.city is not None and call.city not in known:
            raise unknown_city(UnknownCity(call.city, known), f"calls.{number}.city")
    return BatchAnswer(suggestions=tuple(await engine.suggest(batch.calls)))


@router.get("/v1/taxonomy", responses=documented(401))
async def taxonomy(_: AnyKey) -> Taxonomy:
    """Categories, destinations and urgencies."""
    return Taxonomy(
        categories=tuple(categories().values()),
        destinations=tuple(destinations().values()),
        urgencies={level.value: name for level, name in URGENCY_NAMES.items()},
    )


@router.get("/v1/policies/{city}", responses=documented(401, 404))
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
async def ready(engine: EngineOf, response: Response) -> dict[str, Any]:
    """Whether the release answers: 503 with what is wrong while the fallback does."""
    suggester = engine.suggester
    response.status_code = 503 if suggester.problems else 200
    return {"ready": not suggester.problems, "model_version": suggester.model.version, "problems": suggester.problems}


@router.get("/metrics", dependencies=[LocalOrAdmin], response_class=Response, responses=documented(401, 403))
async def metrics() -> Response:
    """Prometheus metrics; for this machine and for admins."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
