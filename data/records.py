"""The typed records of a call's way: Call in, Suggestion out (contract v1)."""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from data.taxonomy import PoliceLabel, Track, Urgency

MAX_TURNS = 400
MAX_CHARACTERS = 20_000
MOST_UNKNOWN = 100
Speaker = Literal["caller", "operator"]
Action = Literal["dispatch", "transfer", "three_way", "work_order", "answer", "call_back"]
Identifier = Annotated[str, StringConstraints(pattern=r"^[\w.:-]{1,64}$")]


class Record(BaseModel):
    """Base of all records: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Inbound(Record):
    """Base of what clients send.

    Every error costs some 20 µs to tell, so a hundred thousand of them would hold up everybody: what has far too many
    fields is not looked at, and lists end with their first bad item (`FailFast`).
    """

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, values: Any) -> Any:
        if isinstance(values, dict) and len(values) > len(cls.model_fields) + MOST_UNKNOWN:
            raise PydanticCustomError("too_large", "has {count} fields", {"count": len(values)})
        return values


def encodable(text: str) -> str:
    """`text`, unless it holds half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds a lone surrogate, which is no character") from None
    return text


class Turn(Inbound):
    """What one speaker said without being interrupted."""

    speaker: Speaker
    text: Annotated[str, AfterValidator(encodable)]


def is_blank(text: str) -> bool:
    """Whether `text` has nothing but white space, control and format characters."""
    return all(char.isspace() or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn") for char in text)


def within_limit(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """`turns`, unless nothing is said in them or far too much."""
    if sum(len(turn.text) for turn in turns) > MAX_CHARACTERS:
        raise PydanticCustomError("too_large", "at most {limit} characters in all", {"limit": MAX_CHARACTERS})
    if all(is_blank(turn.text) for turn in turns):
        raise ValueError("nothing was said: the text is empty, blank or control characters only")
    return turns


def few(turns: Any) -> Any:
    """`turns`, unless there are more than `MAX_TURNS`."""
    if isinstance(turns, list | tuple) and len(turns) > MAX_TURNS:
        raise PydanticCustomError("too_large", "at most {limit} turns", {"limit": MAX_TURNS})
    return turns


def one_block(text: str) -> str:
    """`text`, if it would be a turn of a call."""
    within_limit((Turn(speaker="caller", text=text),))
    return text


Turns = Annotated[tuple[Turn, ...], Field(strict=False), FailFast(), BeforeValidator(few), AfterValidator(within_limit)]


class Call(Inbound):
    """A transcript to be routed: `turns`, or `text` for one turn of the caller.

    A `partial` call is answered like a whole one: by what was said so far.

    Raises (through pydantic's ValidationError, with the field's name):
        `too_large` over 400 turns or 20,000 characters; otherwise wrong type, unknown speaker or field, nothing said.
    """

    call_id: Identifier | None = None
    city: str | None = None
    channel: Literal["110", "12345"] = "110"
    partial: bool = False
    turns: Turns = ()
    text: Annotated[str, AfterValidator(encodable), AfterValidator(one_block)] = ""

    @model_validator(mode="after")
    def _one_transcript(self) -> "Call":
        if bool(self.turns) == bool(self.text):
            raise PydanticCustomError("one_of", "give either turns or text")
        return self

    @property
    def transcript(self) -> tuple[Turn, ...]:
        """What was said, turn by turn."""
        return self.turns or (Turn(speaker="caller", text=self.text),)


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
    """Who should take it. `unit` is the office of the caller's town, None while the place is not known.

    `plausible` holds the right destination in 95 of 100 calls (split conformal set, Vovk et al. 2005): all that remain
    when the one shown is not taken. It is empty in suggestions kept from before there was one.
    """

    unit: str | None
    responsible: str
    track: Track
    alternatives: tuple[Scored, ...]
    plausible: tuple[str, ...] = ()


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
