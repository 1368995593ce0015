"""What an operator may decide, and what a receiving unit may report: the rules, before anything is written."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from data.deadlines import deadlines
from data.records import Identifier, Inbound, encodable
from data.redaction import redact
from data.taxonomy import DestinationCode, PoliceLabel, Track, Urgency, destinations
from model.routing import ON_THE_WAY
from serving.known import known_category
from serving.problems import FieldProblem, Problem
from serving.store.calls import CallRecord
from serving.store.entries import By, Consented, Decided, Happened, OutcomeStatus, now
from serving.store.private import keepable
from serving.store.state import is_danger, owner

LONGEST_NOTE = 2000
STAYS_WITH = {"110": "police_station", "12345": "hotline_12345"}
FOLLOWS: dict[str, tuple[str, ...]] = {
    "none": ("accepted", "returned", "resolved"),
    "accepted": ("returned", "resolved"),
    "returned": ("accepted", "returned", "resolved"),
    "resolved": ("reopened",),
    "reopened": ("accepted", "returned", "resolved"),
}

Written = Annotated[
    str, StringConstraints(max_length=LONGEST_NOTE, strip_whitespace=True), AfterValidator(encodable),
    AfterValidator(redact), AfterValidator(keepable),
]  # fmt: skip
CategoryCode = Annotated[str, AfterValidator(known_category)]
Level = Annotated[Urgency, Field(strict=False)]


class DecisionBody(Inbound):
    """What the operator did with a suggestion. Category and urgency are the suggestion's where absent.

    `consent` says whether the caller agreed to be passed on; refused, the matter stays with the line it came by.
    """

    suggestion_id: Identifier
    destination: DestinationCode
    category: CategoryCode | None = None
    urgency: Level | None = None
    consent: Consented
    note: Written = ""
    reason: Written = ""


class OutcomeBody(Inbound):
    """What the receiving unit did. 退单 (`returned`) wants a reason and the right owner."""

    status: OutcomeStatus
    owner: DestinationCode | None = None
    reason: Written = ""
    note: Written = ""


def wrong(field: str, message: str) -> Problem:
    """A 422 that names the field."""
    return Problem(422, message, [FieldProblem(field=field, message=message)])


def decide(record: CallRecord, body: DecisionBody, by: By) -> Decided | None:
    """The entry for a decision; None when the same decision stands already.

    Raises:
        Problem: 409 where another decision stands; 422 for a suggestion that is not the call's, consent on an
            emergency, danger lowered without a reason.
    """
    shown = record.suggestion(body.suggestion_id)
    if shown is None:
        raise wrong("suggestion_id", "is no suggestion of this call")
    suggestion = shown.payload
    if not suggestion:
        raise Problem(409, "the call is purged")
    category = body.category or suggestion["category"]["code"]
    urgency = (body.urgency or Urgency(suggestion["urgency"]["level"])).value
    destination = stays(body, record.row.channel)
    if first := record.decision:
        asked = (body.suggestion_id, destination, category, urgency, body.consent)
        if asked == (first.suggestion_id, first.destination, first.category, first.urgency, first.consent):
            return None
        raise Problem(409, f"was decided already: {first.destination}, {first.category}, {first.urgency}")
    seen = [suggestion, record.suggestions[-1].payload]
    gravest = min((Urgency(s["urgency"]["level"]) for s in seen), key=lambda level: level.rank)
    if body.consent != "not_asked" and Urgency.EMERGENCY in (gravest, Urgency(urgency)):
        raise wrong("consent", "an emergency is dispatched before anything is asked: not_asked")
    lowered = _lowers(record.row.city, seen, gravest, category, Urgency(urgency), destination)
    if lowered and not body.reason:
        raise wrong("reason", "danger is lowered: say why")
    at = now()
    return Decided(
        by=by,
        at=at,
        call_id=record.row.id,
        suggestion_id=body.suggestion_id,
        category=category,
        urgency=urgency,
        destination=destination,
        consent=body.consent,
        overrode=(category, urgency, body.destination) != _labels(suggestion),
        lowered=lowered,
        raised=is_danger(urgency) and Urgency(urgency).rank < gravest.rank,
        note=body.note,
        reason=body.reason,
        due_at=_due(None, destination, at),
    )


def stays(body: DecisionBody, channel: str) -> str:
    """The destination, or the line the call came by where the caller refused to be passed on."""
    if body.consent == "refused" and body.destination not in ON_THE_WAY:
        return STAYS_WITH[channel]
    return body.destination


def _labels(suggestion: Mapping[str, Any]) -> tuple[str, str, str]:
    return suggestion["category"]["code"], suggestion["urgency"]["level"], suggestion["destination"]["code"]


def _lowers(
    city: str, seen: Sequence[Mapping[str, Any]], gravest: Urgency, category: str, urgency: Urgency, destination: str
) -> bool:
    """Less urgent than a danger suggested, or away from the police or from those who go where red flags were heard."""
    if is_danger(gravest) and urgency.rank > gravest.rank:
        return True
    flagged = [s for s in seen if s["red_flags"]]
    police = any(s["police"]["label"] == PoliceLabel.POLICE for s in flagged)
    goes = any(s["destination"]["code"] in ON_THE_WAY for s in [*flagged, *(seen if is_danger(gravest) else [])])
    return (police and owner(city, category) is not PoliceLabel.POLICE) or (goes and destination not in ON_THE_WAY)


def report(record: CallRecord, body: OutcomeBody, by: By) -> Happened | None:
    """The entry for an outcome; None when the last one says the same.

    Raises:
        Problem: 409 before a decision or out of order; 422 for a return without reason or right owner.
    """
    if record.decision is None:
        raise Problem(409, "the call is not decided yet")
    if body.status in ("returned", "reopened") and not body.reason:
        raise wrong("reason", f"{body.status} wants a reason")
    if (body.status == "returned") != (body.owner is not None):
        raise wrong("owner", "the right owner is named with a return, and only there")
    last = record.outcomes[-1] if record.outcomes else None
    if last and (last.status, last.owner, last.reason) == (body.status, body.owner, body.reason):
        return None
    if body.status not in FOLLOWS[record.row.outcome]:
        raise Problem(409, f"{body.status} does not follow {record.row.outcome}")
    at = now()
    owners = [owner for owner in (*(outcome.owner for outcome in record.outcomes), body.owner) if owner]
    due_at = _due(body.status, owners[-1] if owners else record.decision.destination, at)
    return Happened(by=by, at=at, call_id=record.row.id, due_at=due_at, **body.model_dump())


def _due(status: OutcomeStatus | None, owner: str, at: datetime) -> datetime | None:
    """When the owner's next step is due after an outcome, or after the decision (None)."""
    allowed = deadlines()[owner]
    if status == "resolved" or destinations()[owner].track is Track.CLOSE:  # what the operator closes is over with it
        return None
    if status in (None, "returned"):
        return at + timedelta(minutes=allowed.accept_minutes)
    return at + timedelta(hours=allowed.resolve_hours)
