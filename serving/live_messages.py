"""What is said on a live call's WebSocket: messages in, messages out."""

import json
from datetime import datetime
from typing import Annotated, Literal, NoReturn

from pydantic import AfterValidator, Field, ValidationError

from data.records import MAX_TURNS, Call, Inbound, Record, Speaker, Suggestion, Turn, encodable
from model.checklist import Check
from model.facts import Fact
from model.handover import Asked, handover
from model.suggest import Advice
from serving.problems import FieldProblem, Problem, details, field_problems
from serving.related import RelatedCall
from serving.store.schema import LOCAL


class TurnMessage(Inbound):
    """A turn, or a newer hypothesis of it.

    `turn` counts from 0. Without it the message belongs to the last turn while that is still partial and of the same
    speaker, and to the next one otherwise.
    """

    type: Literal["turn"] = "turn"
    speaker: Speaker
    text: Annotated[str, AfterValidator(encodable)]
    turn: Annotated[int, Field(ge=0, lt=MAX_TURNS)] | None = None
    partial: bool = False


class StartMessage(Inbound):
    """By which city's policy the call is routed, and on which line it came in."""

    type: Literal["start"]
    city: str | None = None
    channel: Literal["110", "12345"] | None = None


class EndMessage(Inbound):
    """The caller has hung up."""

    type: Literal["end"]


Incoming = TurnMessage | StartMessage | EndMessage
KINDS: dict[str, type[TurnMessage] | type[StartMessage] | type[EndMessage]] = {
    "turn": TurnMessage,
    "start": StartMessage,
    "end": EndMessage,
}


class KnownTurn(Turn):
    """A turn as the server knows it."""

    turn: int
    partial: bool


class Notes(Record):
    """The hand-over note, ready to send, by what the caller answered; `given` and `refused` where he is to be asked."""

    not_asked: str
    given: str | None
    refused: str | None


class LiveSuggestion(Suggestion):
    """The suggestion for a call's state.

    `revision` is the number of turn messages it takes into account; `changed` says whether the destination is another
    than the one shown before; `settled` is false while too little was said to go by.
    """

    type: Literal["suggestion"] = "suggestion"
    revision: int
    changed: bool
    settled: bool
    facts: tuple[Fact, ...] = ()
    checklist: tuple[Check, ...] = ()
    related: tuple[RelatedCall, ...] = ()
    handover: Notes | None = None


class Ready(Record):
    """The first message of the server: what it knows of the call already."""

    type: Literal["ready"] = "ready"
    call_id: str
    city: str
    channel: str
    revision: int
    turns: tuple[KnownTurn, ...]
    suggestion: LiveSuggestion | None


def notes(call: Call, advice: Advice, began: float) -> Notes:
    """The notes for what `advice` suggests; `began` is when the call came in, in seconds since 1970."""

    def note(asked: Asked | None) -> str:
        return handover(call, advice.suggestion, advice.facts, asked, datetime.fromtimestamp(began, LOCAL))

    wanted = advice.suggestion.consent.required
    return Notes(
        not_asked=note(None), given=note("given") if wanted else None, refused=note("refused") if wanted else None
    )


def parse(text: str) -> Incoming:
    """The message in `text`.

    Raises:
        Problem: 400 for what is no JSON object, 422 for one that breaks a rule, with the field's name.
    """
    try:
        values = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "not JSON") from error
    if not isinstance(values, dict):
        raise Problem(400, "not a JSON object")
    kind = values.get("type", "turn")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise _wrong("type", f"is one of {', '.join(KINDS)}")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        errors = field_problems(error.errors(include_url=False))
        raise Problem(422, errors[0].message, errors) from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _wrong(field: str, message: str) -> Problem:
    return Problem(422, f"{field}: {message}", [FieldProblem(field=field, message=message)])


def as_message(problem: Problem) -> str:
    """The `problem` message: the fields of problem+json, its `type` as `problem`."""
    values = details(problem).model_dump()
    return json.dumps({"type": "problem", "problem": values.pop("type")} | values, ensure_ascii=False)


# What a glance that comes to the same leaves as the whole model had it.
READ = (
    "police",
    "category",
    "urgency",
    "destination",
    "linked",
    "action",
    "consent",
    "confident",
    "reasons",
    "evidence",
)


def live_suggestion(advice: Advice, revision: int, before: LiveSuggestion | None, ended: bool) -> LiveSuggestion:
    """What goes out for this advice; while it recommends the same, it is the same suggestion."""
    settled = advice.settled or ended
    suggestion = advice.suggestion.model_copy(update={"confident": advice.suggestion.confident and settled})
    if advice.glance and before is not None and _answers(before) == _answers(suggestion):
        suggestion = suggestion.model_copy(update={name: getattr(before, name) for name in READ})
    values = dict(suggestion) | {
        "revision": revision,
        "changed": before is not None and before.destination.code != suggestion.destination.code,
        "settled": settled,
        "facts": advice.facts,
        "checklist": advice.checks,
    }
    if before is not None and recommended(before) == recommended(suggestion):
        values["suggestion_id"] = before.suggestion_id
    return LiveSuggestion(**values)


def _answers(suggestion: Suggestion) -> tuple[object, ...]:
    return (
        suggestion.police.label,
        suggestion.category.code,
        suggestion.urgency.level,
        suggestion.destination.code,
        [flag.id for flag in suggestion.red_flags],
    )


def recommended(suggestion: Suggestion) -> tuple[object, ...]:
    """What an operator accepts when he accepts the suggestion."""
    return (
        *_answers(suggestion),
        suggestion.destination.unit,
        suggestion.linked,
        suggestion.action,
        suggestion.consent,
        suggestion.confident,
        suggestion.degraded,
    )
