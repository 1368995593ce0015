"""Who asks: the bearer key and what its role may do."""

import ipaddress
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from serving.keys import Key, KeyRing, Role
from serving.problems import Problem

bearer = HTTPBearer(auto_error=False, description="A key made by `yidiantong keys create`.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def authenticated(request: Request, credentials: Credentials) -> Key:
    """The holder of the request's key.

    Raises:
        Problem: 401 without a valid key.
    """
    ring: KeyRing = request.app.state.keys
    key = ring.holder(credentials.credentials) if credentials else None
    if key is None:
        raise Problem(401)
    return key


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
ReviewerOrScientist = Annotated[Key, Depends(allowed(Role.REVIEWER, Role.SCIENTIST))]
LocalOrAdmin = Depends(local_or_admin)
