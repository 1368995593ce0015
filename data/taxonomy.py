"""The 65 categories, four urgency levels and eleven destinations every other part speaks in.

A release may have been trained on a city's own categories: `data.own_taxonomy`.
"""

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, field_validator

from data.tables import DATA_DIR, Row, filled_by, load_table


class Urgency(StrEnum):
    """How soon someone must act, in falling order (labelling guide, after 公通字〔2003〕31号)."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    ROUTINE_ONSITE = "routine_onsite"
    ROUTINE_REMOTE = "routine_remote"

    @property
    def rank(self) -> int:
        """0 for emergency … 3 for routine_remote."""
        return URGENCIES.index(self)

    @property
    def label(self) -> str:
        """The word the pages show."""
        return URGENCY_NAMES[self]


URGENCIES = tuple(Urgency)
URGENCY_NAMES = dict(zip(URGENCIES, ("紧急危险", "紧急", "普通需到场", "无需到场"), strict=True))


class PoliceLabel(StrEnum):
    """Whose matter it is: 警务, 非警务 or no matter at all."""

    POLICE = "police"
    NON_POLICE = "non_police"
    INVALID = "invalid"

    @property
    def label(self) -> str:
        """The word the pages show."""
        return {"police": "警务", "non_police": "非警务", "invalid": "无效"}[self.value]


POLICE_LABELS = tuple(PoliceLabel)


class Track(StrEnum):
    """The five ways a call can take."""

    POLICE = "police"
    JOINT = "joint"
    GRASSROOTS = "grassroots"
    HOTLINE = "hotline"
    CLOSE = "close"


class Category(Row):
    """What the call is about (`taxonomy.csv`)."""

    code: str
    group: str
    group_name: str
    name: str
    police: PoliceLabel
    default_urgency: Urgency
    scope: str


class Destination(Row):
    """Who takes the matter (`destinations.csv`). `unit` is the pattern of its office in a town, if it has one."""

    code: str
    name: str
    takes: str
    track: Track
    unit: Annotated[str, AfterValidator(filled_by("town"))]


def split_codes(value: object) -> object:
    """`"a b"` → `("a", "b")`: lists of codes in a CSV cell."""
    return tuple(value.split()) if isinstance(value, str) else value


Codes = Annotated[tuple[str, ...], BeforeValidator(split_codes)]


@cache
def categories(path: Path = DATA_DIR / "taxonomy.csv") -> dict[str, Category]:
    """All categories by code, in the order of the file (which is the order of the model's outputs)."""
    return {row.code: row for row in load_table(path, Category, key=lambda row: row.code)}


@cache
def destinations(path: Path = DATA_DIR / "destinations.csv") -> dict[str, Destination]:
    """All destinations by code."""
    return {row.code: row for row in load_table(path, Destination, key=lambda row: row.code)}


def known_destination(code: object) -> object:
    """`code` if `destinations.csv` has it; `ValueError` otherwise."""
    if code not in destinations():
        raise ValueError(f"{code!r} is not a destination of destinations.csv")
    return code


DestinationCode = Annotated[str, AfterValidator(known_destination)]
OptionalPolice = Annotated[PoliceLabel | None, BeforeValidator(lambda value: value or None)]


class Way(Row):
    """Where a category goes, and whose matter it is: the columns of a policy, and of a category that a city adds."""

    code: str
    if_emergency_or_urgent: DestinationCode
    if_routine_onsite: DestinationCode
    if_routine_remote: DestinationCode
    linked_when_someone_goes: Codes
    responsible: str
    contested: str
    police: OptionalPolice
    source: str

    @field_validator("linked_when_someone_goes")
    @classmethod
    def _known_linked(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            known_destination(code)
        return codes

    def destination(self, urgency: Urgency) -> str:
        """Code of the destination at this urgency."""
        if urgency is Urgency.ROUTINE_ONSITE:
            return self.if_routine_onsite
        return self.if_routine_remote if urgency is Urgency.ROUTINE_REMOTE else self.if_emergency_or_urgent
