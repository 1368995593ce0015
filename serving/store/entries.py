"""What happened, one entry each: the lines of the spool. Its id is made once, so that an entry arrives only once."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from data.records import Record, Turn

Consented = Literal["given", "refused", "not_asked"]
OutcomeStatus = Literal["accepted", "returned", "resolved", "reopened"]
Verdict = Literal["approve", "correct", "unusable"]


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh id."""
    return uuid.uuid4().hex


class By(Record):
    """The holder of the key an entry was made with."""

    id: str
    role: str
    name: str = ""
    city: str | None = None


class Entry(Record):
    """Base of all entries."""

    id: str = Field(default_factory=new_id)
    at: datetime = Field(default_factory=now)
    by: By


class Suggested(Entry):
    """A suggestion was shown. Everything in it is redacted already; `numbers` are keyed hashes; a `partial` call goes
    on."""

    kind: Literal["suggested"] = "suggested"
    call_id: str
    city: str
    channel: str
    turns: tuple[Turn, ...]
    numbers: tuple[str, ...] = ()
    suggestion: dict[str, Any]
    partial: bool = False


class Ended(Entry):
    """A call that went on with its last suggestion is over."""

    kind: Literal["ended"] = "ended"
    call_id: str


class Decided(Entry):
    """The operator decided. `overrode`, `lowered` and `raised` compare with the suggestion he saw."""

    kind: Literal["decided"] = "decided"
    call_id: str
    suggestion_id: str
    category: str
    urgency: str
    destination: str
    consent: Consented
    overrode: bool
    lowered: bool
    raised: bool
    note: str = ""
    reason: str = ""
    due_at: datetime | None = None


class Happened(Entry):
    """The receiving unit accepted, returned, resolved, or somebody reopened."""

    kind: Literal["outcome"] = "outcome"
    call_id: str
    status: OutcomeStatus
    owner: str | None = None
    due_at: datetime | None = None
    reason: str = ""
    note: str = ""


class Reviewed(Entry):
    """A reviewer's verdict with the labels it means. `wanted` is how many reviewers a call takes."""

    kind: Literal["reviewed"] = "reviewed"
    call_id: str
    batch: str
    queue: str = ""
    verdict: Verdict
    category: str | None = None
    urgency: str | None = None
    destination: str | None = None
    reason: str = ""
    wanted: int = 1
    adjudicates: bool = False


class Undone(Entry):
    """A batch of reviews was taken back."""

    kind: Literal["undone"] = "undone"
    batch: str


class Doubted(Entry):
    """Something that is no person says otherwise: a release in the shadow (`version`, all labels), or an examination of
    the labels (`category` alone)."""

    kind: Literal["doubted"] = "doubted"
    call_id: str
    source: Literal["shadow", "label_quality"]
    category: str
    version: str = ""
    urgency: str | None = None
    destination: str | None = None


class Noted(Entry):
    """For the audit trail alone: somebody read a call, logged in, exported."""

    kind: Literal["noted"] = "noted"
    action: str
    call_id: str | None = None
    detail: dict[str, Any] = Field(default_factory=dict)


AnyEntry = Suggested | Ended | Decided | Happened | Reviewed | Undone | Doubted | Noted
ENTRY: TypeAdapter[AnyEntry] = TypeAdapter(Annotated[AnyEntry, Field(discriminator="kind")])
