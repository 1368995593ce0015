"""Logging in and out, who one is, and the audit trail."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import Field
from sqlalchemy import and_, or_, select

from data.records import Identifier, Inbound, Record
from serving.api import RecorderOf, StoreOf
from serving.auth import Admin, AnyKey
from serving.calls_api import away
from serving.decisions import wrong
from serving.keys import Key, KeyRing, Role
from serving.pages import page
from serving.problems import Problem, documented
from serving.sessions import COOKIE, TOKEN_COOKIE, Guard, Sessions, same_origin
from serving.store.entries import Noted
from serving.store.filters import Code
from serving.store.recorder import by
from serving.store.schema import LOCAL, AuditRow, HolderRow
from serving.store.store import StoreAway

router = APIRouter()


class Login(Inbound):
    """A key to log in with."""

    key: Annotated[str, Field(min_length=1, max_length=200)]


class Me(Record):
    """Who asks. `token` goes into `X-CSRF-Token` of unsafe requests that come by cookie."""

    id: str
    role: Role
    name: str
    city: str | None


class Session(Me):
    """A session that has begun."""

    token: str
    expires_at: datetime


class AuditEntry(Record):
    """Who read or did what."""

    id: str
    at: datetime
    by: str
    name: str
    action: str
    call_id: str | None
    detail: dict[str, Any]


class Audit(Record):
    """A page of the audit trail, newest first."""

    entries: tuple[AuditEntry, ...]
    next: str | None


def _me(key: Key) -> dict[str, Any]:
    return {"id": key.id, "role": key.role, "name": key.name, "city": key.city}


@router.post("/v1/sessions", status_code=201, responses=documented(400, 401, 403, 413, 422, 429))
def log_in(body: Login, request: Request, response: Response, recorder: RecorderOf) -> Session:
    """Begins a session: the cookie is HttpOnly and SameSite=Strict, and ends with the key, after 12 hours at most."""
    guard: Guard = request.app.state.guard
    ring: KeyRing = request.app.state.keys
    sessions: Sessions = request.app.state.sessions
    if not same_origin(request):
        raise Problem(403, "log in from a page of this service")
    address = request.client.host if request.client else ""
    key = ring.holder(body.key.strip())
    if key is None:  # a right one, which nobody guesses, is let in: behind a proxy all come from one address
        guard.check(address)
        guard.wrong(address)
        raise Problem(401, "no such key, or it was revoked")
    guard.right(address)
    cookie, expires = sessions.begin(key)
    secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))
    for name, value, hidden in ((COOKIE, cookie, True), (TOKEN_COOKIE, sessions.token(cookie), False)):
        response.set_cookie(name, value, max_age=expires - int(datetime.now().timestamp()), path="/", secure=secure,
                            httponly=hidden, samesite="strict")  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    recorder.note(Noted(by=by(key), action="logged_in"))
    return Session(**_me(key), token=sessions.token(cookie), expires_at=datetime.fromtimestamp(expires, UTC))


@router.delete("/v1/sessions", status_code=204, responses=documented(401, 403))
def log_out(request: Request, response: Response, recorder: RecorderOf, key: AnyKey) -> None:
    """Ends the session of the cookie, everywhere."""
    sessions: Sessions = request.app.state.sessions
    sessions.end(request.cookies.get(COOKIE, ""))
    for name in (COOKIE, TOKEN_COOKIE):
        response.delete_cookie(name, path="/", samesite="strict")
    recorder.note(Noted(by=by(key), action="logged_out"))


@router.get("/v1/sessions/me", responses=documented(401))
def me(key: AnyKey) -> Me:
    """Who asks."""
    return Me(**_me(key))


@router.get("/v1/audit", responses=documented(401, 403, 422, 503))
def audit(
    recorder: RecorderOf,
    store: StoreOf,
    _: Admin,
    holder: Annotated[Code | None, Query(description="Id of a key.")] = None,
    action: Annotated[Code | None, Query()] = None,
    call_id: Annotated[Identifier | None, Query()] = None,
    since: Annotated[date | None, Query()] = None,
    to: Annotated[date | None, Query()] = None,
    cursor: Annotated[Identifier | None, Query(description="Id of the last entry of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Audit:
    """Who read which call, logged in, took back reviews, exported or deleted."""
    query = select(AuditRow, HolderRow.name).outerjoin(HolderRow, HolderRow.id == AuditRow.by)
    for column, value in ((AuditRow.by, holder), (AuditRow.action, action), (AuditRow.call_id, call_id)):
        if value is not None:
            query = query.where(column == value)
    if since and since > date.min:
        query = query.where(AuditRow.at >= datetime.combine(since, time(), LOCAL))
    if to and to < date.max:
        query = query.where(AuditRow.at < datetime.combine(to + timedelta(1), time(), LOCAL))
    recorder.settled()
    try:
        with store.reading() as session:
            if cursor:
                last = session.get(AuditRow, cursor)
                if last is None:
                    raise wrong("cursor", "is no entry of the audit trail")
                query = query.where(or_(AuditRow.at < last.at, and_(AuditRow.at == last.at, AuditRow.id < last.id)))
            rows = session.execute(query.order_by(AuditRow.at.desc(), AuditRow.id.desc()).limit(limit + 1)).all()
    except StoreAway as error:
        raise away() from error
    entries = tuple(_entry(row[0], row[1]) for row in rows[:limit])
    return Audit(entries=entries, next=entries[-1].id if len(rows) > limit else None)


def _entry(row: AuditRow, name: str | None) -> AuditEntry:
    same = ("id", "at", "by", "action", "call_id", "detail")
    return AuditEntry(name=name or "", **{field: getattr(row, field) for field in same})


@router.get("/login", include_in_schema=False)
async def login() -> HTMLResponse:
    """The page to log in and out."""
    return page("login.html")
