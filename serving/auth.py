"""Who asks – by bearer key, or by the session cookie of a page – and what his role may do."""

import hmac
import ipaddress
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from serving.keys import Key, KeyRing, Role
from serving.problems import FieldProblem, Problem
from serving.sessions import COOKIE, TOKEN_HEADER, Sessions, same_origin

SAFE = ("GET", "HEAD", "OPTIONS")
bearer = HTTPBearer(auto_error=False, description="A key made by `yidiantong keys create`.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def authenticated(request: Request, credentials: Credentials) -> Key:
    """The holder of the request's key or session.

    Raises:
        Problem: 401 without a valid one; 403 for an unsafe request by cookie that no page of this service sent.
    """
    ring: KeyRing = request.app.state.keys
    if credentials:
        key = ring.holder(credentials.credentials)
    else:
        key = session_holder(request)
        if key and request.method not in SAFE:
            _sent_by_our_page(request)
    if key is None:
        raise Problem(401)
    return key


def session_holder(connection: HTTPConnection) -> Key | None:
    """Whose session the cookie is, if it is one. Callers see to it that a page of this service asks."""
    cookie = connection.cookies.get(COOKIE)
    sessions: Sessions = connection.app.state.sessions
    return sessions.holder(cookie) if cookie else None


def has_token(connection: HTTPConnection, given: str) -> bool:
    """Whether `given` is the token of the session whose cookie comes with it."""
    sessions: Sessions = connection.app.state.sessions
    return hmac.compare_digest(sessions.token(connection.cookies.get(COOKIE, "")).encode(), given.encode())


def offered(connection: HTTPConnection, prefix: str) -> str:
    """What stands behind `prefix` in the sub-protocol of a WebSocket that begins so; empty if there is none."""
    protocols: list[str] = connection.scope.get("subprotocols", [])
    return next((name.removeprefix(prefix) for name in protocols if name.startswith(prefix)), "")


def _sent_by_our_page(request: Request) -> None:
    if not same_origin(request) or not has_token(request, request.headers.get(TOKEN_HEADER, "")):
        raise Problem(403, f"a session's unsafe request comes from a page of this service, with {TOKEN_HEADER}")


def city_for(named: str | None, bound_to: str | None, field: str = "") -> str | None:
    """The city of a call that names this one or none, by a key that is for one city or for all.

    Raises:
        Problem: 403 for a city that the key is not for; it names `field`, where there is one.
    """
    if bound_to is not None and named not in (None, bound_to):
        errors = [FieldProblem(field=field, message="another city")] if field else []
        raise Problem(403, f"this key is for {bound_to}", errors)
    return bound_to or named


def allowed(*roles: Role) -> Callable[[Key], Key]:
    """A dependency that lets these roles pass, and admin always.

    Raises (when called):
        Problem: 403 for another role.
    """

    def check(key: Annotated[Key, Depends(authenticated)]) -> Key:
        if key.role not in (*roles, Role.ADMIN):
            raise Problem(403, f"needs the role {' or '.join(roles) or Role.ADMIN}")
        return key

    return check


def local_or_admin(request: Request, credentials: Credentials) -> None:
    """Lets callers on this machine pass, and admins from anywhere.

    Raises:
        Problem: 401 or 403 for all others.
    """
    if not _is_loopback(request.client.host if request.client else ""):
        allowed()(authenticated(request, credentials))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


AnyKey = Annotated[Key, Depends(authenticated)]
Operator = Annotated[Key, Depends(allowed(Role.OPERATOR))]
Reviewer = Annotated[Key, Depends(allowed(Role.REVIEWER))]
Admin = Annotated[Key, Depends(allowed())]
OperatorOrReviewer = Annotated[Key, Depends(allowed(Role.OPERATOR, Role.REVIEWER))]
Scientist = Annotated[Key, Depends(allowed(Role.SCIENTIST))]
ReviewerOrScientist = Annotated[Key, Depends(allowed(Role.REVIEWER, Role.SCIENTIST))]
LocalOrAdmin = Depends(local_or_admin)
