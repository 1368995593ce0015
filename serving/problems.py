"""Errors as RFC 9457 `application/problem+json`: a stable type, a sentence, the fields at fault, never a stack."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
SECURITY_HEADERS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}
TITLES = {
    "unreadable": "The body cannot be read as UTF-8 JSON.",
    "invalid": "The request breaks a rule of the contract.",
    "too-large": "The request is larger than the service accepts.",
    "unauthenticated": "A valid key is needed: Authorization: Bearer <key>.",
    "forbidden": "This key's role may not do that.",
    "not-found": "There is no such thing.",
    "method-not-allowed": "This method is not offered here.",
    "busy": "All places are taken; try again shortly.",
    "conflict": "That contradicts what has happened already.",
    "unavailable": "The store does not answer; try again shortly.",
    "internal": "The service failed; the operator's desk decides.",
}
LONGEST_NAMED = 300
BY_STATUS = {
    400: "unreadable",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    413: "too-large",
    422: "invalid",
    429: "busy",
    503: "unavailable",
}


class FieldProblem(BaseModel):
    """What is wrong with one field, named by its path (`turns.3.speaker`)."""

    field: str
    message: str


class ProblemDetails(BaseModel):
    """An error as it is sent."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[FieldProblem] = []


class Problem(Exception):
    """Ends a request with a problem of this kind."""

    def __init__(
        self, status: int, detail: str = "", errors: Sequence[FieldProblem] = (), retry_after: int = 0
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.retry_after = status, detail, list(errors), retry_after


def details(problem: Problem) -> ProblemDetails:
    """The problem as it is sent."""
    kind = BY_STATUS.get(problem.status, "internal")
    return ProblemDetails(
        type=f"urn:yidiantong:problem:{kind}",
        title=TITLES[kind],
        status=problem.status,
        detail=problem.detail,
        errors=problem.errors,
    )


def respond(problem: Problem, more_headers: Mapping[str, str] = MappingProxyType({})) -> JSONResponse:
    """The response for a problem."""
    headers = dict(more_headers)
    if problem.retry_after:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(details(problem).model_dump(), problem.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Makes `app` answer every error as a problem."""

    @app.exception_handler(Problem)
    async def on_problem(_: Request, error: Problem) -> JSONResponse:
        return respond(error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        problems = error.errors()
        kinds = {str(problem["type"]) for problem in problems}
        if "json_invalid" in kinds:
            return respond(Problem(400, "not JSON"))
        errors = field_problems(problems)
        status = 413 if "too_large" in kinds or _long_list(problems) else 422
        return respond(Problem(status, errors[0].message, errors))

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> JSONResponse:
        return respond(Problem(error.status_code))

    @app.exception_handler(Exception)
    async def on_crash(request: Request, error: Exception) -> JSONResponse:
        structlog.get_logger().error("crash", path=request.url.path, kind=type(error).__name__)
        return respond(Problem(500), SECURITY_HEADERS)  # this answer is made outside of all middleware


def field_problems(problems: Sequence[Any]) -> list[FieldProblem]:
    """At most twenty of pydantic's errors, by field."""
    return [FieldProblem(field=_field(problem["loc"]), message=_message(problem)) for problem in problems[:20]]


def _field(location: Sequence[int | str]) -> str:
    return _sendable(".".join(str(part) for part in location if part != "body") or "body")


def _message(problem: Mapping[str, Any]) -> str:
    return _sendable(str(problem["msg"]).removeprefix("Value error, "))


def _sendable(text: str) -> str:
    """What the client chose (a field's name, a code) at a bearable length, and without half surrogate pairs."""
    return text[:LONGEST_NAMED].encode("utf-8", "replace").decode()


def _long_list(problems: Sequence[Any]) -> bool:
    return any(problem["type"] == "too_long" and problem["loc"][-1:] == ("calls",) for problem in problems)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for the problems that a route may answer with."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    return {
        status: {"model": ProblemDetails, "description": TITLES[BY_STATUS[status]], "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }
