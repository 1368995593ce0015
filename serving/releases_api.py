"""Releases over HTTP: what is here, promote, take back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from data.records import Inbound, Record
from model.registry import RegistryError
from model.release import ReleaseError
from serving.api import RecorderOf
from serving.auth import Admin, Scientist
from serving.problems import Problem, documented
from serving.releases import Releases
from serving.store.entries import Noted
from serving.store.recorder import by

router = APIRouter()


class Here(Record):
    """The registry's releases, which of them the aliases stand for, and what serves in this process."""

    serves: str
    problem: str
    versions: tuple[str, ...]
    aliases: dict[str, str]


class Promotion(Inbound):
    """Which release is to be live; without one, the candidate."""

    version: Annotated[str, Field(max_length=64)] | None = None


def releases(request: Request) -> Releases:
    """The application's releases."""
    found: Releases = request.app.state.engine.releases
    return found


ReleasesOf = Annotated[Releases, Depends(releases)]


def _here(found: Releases) -> Here:
    try:
        aliases = {str(alias): version for alias, version in found.registry.aliases().items()}
        versions = tuple(found.registry.versions())
    except RegistryError as error:
        raise Problem(409, str(error)) from error
    return Here(
        serves=found.suggester.model.version,
        problem=found.problem,
        versions=versions,
        aliases=aliases,
    )


@router.get("/v1/releases", responses=documented(401, 403, 409))
def listed(found: ReleasesOf, _: Scientist) -> Here:
    """What is registered, and what serves."""
    return _here(found)


@router.post("/v1/releases/promote", responses=documented(400, 401, 403, 409, 413, 422))
async def promote(wanted: Promotion, found: ReleasesOf, recorder: RecorderOf, key: Admin) -> Here:
    """Makes a release live once it has loaded here; 409 and no change when it does not."""
    try:
        version = await run_in_threadpool(found.promote, wanted.version)
    except (RegistryError, ReleaseError) as error:
        raise Problem(409, str(error)) from error
    await run_in_threadpool(recorder.note, Noted(by=by(key), action="promoted", detail={"version": version}))
    return _here(found)


@router.post("/v1/releases/rollback", responses=documented(401, 403, 409))
async def rollback(found: ReleasesOf, recorder: RecorderOf, key: Admin) -> Here:
    """Makes the previous release live again; 409 and no change when it does not load."""
    try:
        version = await run_in_threadpool(found.rollback)
    except (RegistryError, ReleaseError) as error:
        raise Problem(409, str(error)) from error
    await run_in_threadpool(recorder.note, Noted(by=by(key), action="rolled_back", detail={"version": version}))
    return _here(found)
