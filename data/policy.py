"""A city's routing table: who takes which category at which urgency. Hangzhou's is the default, others overlay it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, field_validator

from data.tables import DATA_DIR, DataError, Row, load_table
from data.taxonomy import Codes, PoliceLabel, Urgency, categories, destinations

POLICY_DIR = DATA_DIR / "policies"
DEFAULT_CITY = "hangzhou"


def known_destination(code: str) -> str:
    """`code` if `destinations.csv` has it; `ValueError` otherwise."""
    if code not in destinations():
        raise ValueError(f"{code!r} is not a destination of destinations.csv")
    return code


DestinationCode = Annotated[str, AfterValidator(known_destination)]
OptionalPolice = Annotated[PoliceLabel | None, BeforeValidator(lambda value: value or None)]


class Rule(Row):
    """One row of a policy: where a category goes. `police` overrides the taxonomy's owner in this city."""

    code: str
    if_emergency_or_urgent: DestinationCode
    if_routine_onsite: DestinationCode
    if_routine_remote: DestinationCode
    linked_when_someone_goes: Codes
    responsible: str
    contested: str
    police: OptionalPolice
    source: str

    @field_validator("code")
    @classmethod
    def _known_category(cls, code: str) -> str:
        if code not in categories():
            raise ValueError(f"{code!r} is not a category of taxonomy.csv")
        return code

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

    @property
    def owner(self) -> PoliceLabel:
        """Whose matter it is in this city."""
        return self.police or categories()[self.code].police


class UnknownCity(ValueError):
    """No policy for the city asked for."""

    def __init__(self, city: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown city {city!r}; known: {', '.join(known)}")


@dataclass(frozen=True)
class Policy:
    """All rules of a city. `version` is a hash of their content, so the same table has the same version everywhere."""

    city: str
    rules: Mapping[str, Rule]
    version: str

    @cached_property
    def owners(self) -> tuple[PoliceLabel, ...]:
        """Whose matter each category is, in the order of the taxonomy."""
        return tuple(self.rules[code].owner for code in categories())

    @cached_property
    def destinations(self) -> tuple[tuple[str, ...], ...]:
        """Where each category goes at each urgency, both in their order."""
        return tuple(tuple(self.rules[code].destination(level) for level in Urgency) for code in categories())


def load_policy(city: str, folder: Path = POLICY_DIR) -> Policy:
    """The table of `city`: the default's rows, replaced by those of the city's own file.

    Raises:
        DataError: a row with an unknown code, a category twice, or a default table with a category missing.
        UnknownCity: no such city.
    """
    if city not in (known := cities(folder)):
        raise UnknownCity(city, known)
    default = folder / f"{DEFAULT_CITY}.csv"
    rules = _rules(default)
    if missing := [code for code in categories() if code not in rules]:
        raise DataError(default, 1, "code", f"has no row for {', '.join(missing)}")
    if city != DEFAULT_CITY:
        rules |= _rules(folder / f"{city}.csv")
    content = "\n".join(rules[code].model_dump_json() for code in categories())
    version = f"{city}-{hashlib.sha256(content.encode()).hexdigest()[:10]}"
    return Policy(city, rules, version)


class Policies:
    """The policies in force: those in `folder`, taken over whole or not at all."""

    def __init__(self, folder: Path = POLICY_DIR) -> None:
        self.folder = folder
        self._stamp: object = None
        self._in_force: Mapping[str, Policy] = {}

    def in_force(self) -> Mapping[str, Policy]:
        """Every city's policy, the default's first; the folder is read when this is first asked for.

        Raises:
            DataError: a table is broken, and none was read before.
        """
        if not self._in_force:
            self.refresh()
        return self._in_force

    def read_from(self, folder: Path) -> None:
        """Has the tables in another folder in force.

        Raises:
            DataError: one of them is broken; nothing has changed.
        """
        other = Policies(folder)
        other.refresh()
        self.folder, self._stamp, self._in_force = folder, other._stamp, other._in_force

    def refresh(self) -> bool:
        """Takes over what has changed in the folder since it was looked at last; whether anything had.

        Raises:
            DataError: a table is broken or gone; what was in force stays so.
        """
        stamp = _stamp(self.folder)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        found = cities(self.folder)
        if DEFAULT_CITY not in found:
            raise DataError(self.folder / f"{DEFAULT_CITY}.csv", 0, "", "is missing")
        read = {city: load_policy(city, self.folder) for city in found}
        if gone := [city for city in self._in_force if city not in read]:
            raise DataError(self.folder / f"{gone[0]}.csv", 0, "", "is gone, and calls of that city may be under way")
        self._in_force = read
        return True


def _stamp(folder: Path) -> object:
    """Changes whenever a table does."""
    found = []
    for path in sorted(folder.glob("*.csv")):
        try:
            state = path.stat()
        except OSError:  # gone meanwhile, or a link that leads nowhere
            continue
        found.append((path.name, state.st_mtime_ns, state.st_size, state.st_ino))
    return found


FOLLOWED = Policies()


def policies() -> Mapping[str, Policy]:
    """Every city's policy that is in force in this process."""
    return FOLLOWED.in_force()


def cities(folder: Path = POLICY_DIR) -> list[str]:
    """Codes of the cities that have a table, the default first."""
    found = sorted(path.stem for path in folder.glob("*.csv"))
    return sorted(found, key=lambda city: city != DEFAULT_CITY)


def _rules(path: Path) -> dict[str, Rule]:
    return {rule.code: rule for rule in load_table(path, Rule, key=lambda rule: rule.code)}
