"""The typed records of a call's way: Call in, Suggestion out (contract v1)."""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from data.taxonomy import PoliceLabel, Track, Urgency

MAX_TURNS = 400
MAX_CHARACTERS = 20_000
Speaker = Literal["caller", "operator"]
Action = Literal["dispatch", "transfer", "three_way", "work_order", "answer", "call_back"]
Identifier = Annotated[str, StringConstraints(pattern=r"^[\w.:-]{1,64}$")]


class Record(BaseModel):
    """Base of all records: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Turn(Record):
    """What one speaker said without being interrupted."""

    speaker: Speaker
    text: str

    @field_validator("text")
    @classmethod
    def _encodable(cls, text: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("holds a lone surrogate, which is no character") from None
        return text


def is_blank(text: str) -> bool:
    """Whether `text` has nothing but white space, control and format characters."""
    return all(char.isspace() or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn") for char in text)


class Call(Record):
    """A transcript to be routed. `text` is short for one turn of the caller.

    Raises (through pydantic's ValidationError, with the field's name):
        `too_large` over 400 turns or 20,000 characters; otherwise wrong type, unknown speaker or field, nothing said.
    """

    call_id: Identifier | None = None
    city: str | None = None
    channel: Literal["110", "12345"] = "110"
    partial: bool = False
    turns: Annotated[tuple[Turn, ...], Field(strict=False)]

    @model_validator(mode="before")
    @classmethod
    def _text_is_one_turn(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "text" not in value:
            return value
        if "turns" in value:
            raise PydanticCustomError("both", "give either turns or text, not both")
        rest = {name: part for name, part in value.items() if name != "text"}
        return rest | {"turns": [{"speaker": "caller", "text": value["text"]}]}

    @field_validator("turns", mode="before")
    @classmethod
    def _few_turns(cls, turns: Any) -> Any:
        if isinstance(turns, list | tuple) and len(turns) > MAX_TURNS:
            raise PydanticCustomError("too_large", "at most {limit} turns", {"limit": MAX_TURNS})
        return turns

    @field_validator("turns")
    @classmethod
    def _something_said(cls, turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
        if sum(len(turn.text) for turn in turns) > MAX_CHARACTERS:
            raise PydanticCustomError("too_large", "at most {limit} characters in all", {"limit": MAX_CHARACTERS})
        if all(is_blank(turn.text) for turn in turns):
            raise ValueError("nothing was said: the text is empty, blank or control characters only")
        return turns


class Scored(Record):
    """A code with its name and calibrated probability."""

    code: str
    name: str
    probability: float


class Police(Record):
    """Police, non-police or invalid."""

    label: PoliceLabel
    probability: float


class CategoryGuess(Scored):
    """The category shown, and the runners-up."""

    group: str
    alternatives: tuple[Scored, ...]


class UrgencyGuess(Record):
    """The urgency shown."""

    level: Urgency
    probability: float


class DestinationGuess(Scored):
    """Who should take it. `unit` is the office of the caller's town, None while the place is not known."""

    unit: str | None
    responsible: str
    track: Track
    alternatives: tuple[Scored, ...]


class Linked(Record):
    """A party that goes along or is told at the same time."""

    code: str
    name: str


class Consent(Record):
    """Whether the caller is asked before the matter is passed on, and in what words."""

    required: bool
    script: str | None


class Evidence(Record):
    """Words that speak for the category: offsets into the text of turn number `turn` (from 0), `end` exclusive."""

    turn: int
    start: int
    end: int
    text: str
    weight: float


class RedFlag(Record):
    """A danger heard in the caller's words."""

    id: str
    text: str


class Question(Record):
    """What to ask next."""

    field: str
    prompt: str


class Place(Record):
    """Where it is, as far as the caller said."""

    text: str
    district: str
    town: str | None


class Suggestion(Record):
    """The recommended routing of a call."""

    call_id: str
    suggestion_id: str
    police: Police
    category: CategoryGuess
    urgency: UrgencyGuess
    destination: DestinationGuess
    linked: tuple[Linked, ...]
    action: Action
    consent: Consent
    confident: bool
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    red_flags: tuple[RedFlag, ...]
    ask_next: tuple[Question, ...]
    location: Place | None
    degraded: tuple[str, ...]
    model_version: str
    policy_version: str
    elapsed_ms: float
