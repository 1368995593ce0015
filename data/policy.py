"""A city's routing table: who takes which category at which urgency. Hangzhou's is the default, others overlay it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import field_validator

from data.own_taxonomy import PACKAGED, Taxonomy
from data.tables import DATA_DIR, DataError, load_table
from data.taxonomy import PoliceLabel, Urgency, Way, categories

POLICY_DIR = DATA_DIR / "policies"
DEFAULT_CITY = "hangzhou"


class Rule(Way):
    """One row of a policy: where a category goes. `police` overrides the taxonomy's owner in this city."""

    @field_validator("code")
    @classmethod
    def _known_category(cls, code: str) -> str:
        if code not in categories():
            raise ValueError(f"{code!r} is not a category of taxonomy.csv")
        return code

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
    """A city's rules for every category of `taxonomy`, in its order.

    `version` is a hash of their content, so the same table has the same version everywhere.
    """

    city: str
    rules: Mapping[str, Rule]
    version: str
    taxonomy: Taxonomy

    @cached_property
    def owners(self) -> tuple[PoliceLabel, ...]:
        """Whose matter each category is, in the order of the taxonomy."""
        return tuple(self.rules[code].owner for code in self.taxonomy.codes)

    @cached_property
    def destinations(self) -> tuple[tuple[str, ...], ...]:
        """Where each category goes at each urgency, both in their order."""
        return tuple(tuple(self.rules[code].destination(level) for level in Urgency) for code in self.taxonomy.codes)


def load_policy(city: str, folder: Path = POLICY_DIR, taxonomy: Taxonomy = PACKAGED) -> Policy:
    """The table of `city`: the default's rows, replaced by those of the city's own file.

    A category that is merged away has no rule; one that `taxonomy` adds goes where the taxonomy says, in every city.

    Raises:
        DataError: a row with an unknown code, a category twice, or a default table with a category missing.
        UnknownCity: no such city.
    """
    if city not in (known := cities(folder)):
        raise UnknownCity(city, known)
    default = folder / f"{DEFAULT_CITY}.csv"
    table = _rules(default)
    if missing := [code for code in categories() if code not in table]:
        raise DataError(default, 1, "code", f"has no row for {', '.join(missing)}")
    if city != DEFAULT_CITY:
        table |= _rules(folder / f"{city}.csv")
    table |= {code: _rule(way) for code, way in taxonomy.ways.items()}
    rules = {code: table[code] for code in taxonomy.codes}
    content = "\n".join(rule.model_dump_json() for rule in rules.values())
    version = f"{city}-{hashlib.sha256(content.encode()).hexdigest()[:10]}"
    return Policy(city, rules, version, taxonomy)


def _rule(way: Way) -> Rule:
    """The rule of a category that is added; it was validated with the taxonomy's file."""
    return Rule.model_construct(**{name: getattr(way, name) for name in Way.model_fields})


class Policies:
    """The policies in force: those in `folder`, taken over whole or not at all."""

    def __init__(self, folder: Path = POLICY_DIR) -> None:
        self.folder = folder
        self._stamp: object = None
        self._in_force: Mapping[Taxonomy, Mapping[str, Policy]] = {}

    def in_force(self, taxonomy: Taxonomy = PACKAGED) -> Mapping[str, Policy]:
        """Every city's policy for the categories of `taxonomy`; the folder is read when this is first asked for.

        Raises:
            DataError: a table is broken, and none was read before.
        """
        if not self._in_force:
            self.refresh()
        if taxonomy not in self._in_force:
            self._in_force = {**self._in_force, taxonomy: self._read(taxonomy)}
        return self._in_force[taxonomy]

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
        if gone := [city for city in self._in_force.get(PACKAGED, ()) if city not in found]:
            raise DataError(self.folder / f"{gone[0]}.csv", 0, "", "is gone, and calls of that city may be under way")
        self._in_force = {taxonomy: self._read(taxonomy) for taxonomy in {PACKAGED, *self._in_force}}
        return True

    def _read(self, taxonomy: Taxonomy) -> Mapping[str, Policy]:
        return {city: load_policy(city, self.folder, taxonomy) for city in cities(self.folder)}


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


def policies(taxonomy: Taxonomy = PACKAGED) -> Mapping[str, Policy]:
    """Every city's policy that is in force in this process, for the categories of `taxonomy`."""
    return FOLLOWED.in_force(taxonomy)


def cities(folder: Path = POLICY_DIR) -> list[str]:
    """Codes of the cities that have a table, the default first."""
    found = sorted(path.stem for path in folder.glob("*.csv"))
    return sorted(found, key=lambda city: city != DEFAULT_CITY)


def _rules(path: Path) -> dict[str, Rule]:
    return {rule.code: rule for rule in load_table(path, Rule, key=lambda rule: rule.code)}
