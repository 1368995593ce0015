"""Every written form of a place, and the scan that finds them in a text from left to right, the longest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from data.gazetteer import CITY_NAMES, Gazetteer, Place, short_name

KINDS_OF_TOWN = ("街道", "镇", "乡")
KINDS_OF_DISTRICT = ("区", "市", "县")


class Level(Enum):
    """What a written form names."""

    CITY = "city"
    PLACE = "place"
    OUTSIDE = "outside"
    NOISE = "noise"


@dataclass(slots=True)
class Name:
    """A written form with the places that it may mean."""

    level: Level
    candidates: tuple[Place, ...] = ()
    official: tuple[Place, ...] = ()
    city: str = ""
    aliased: tuple[Place, ...] = ()
    with_kind: bool = False
    is_common: bool = False

    def add(self, place: Place, official: bool = False) -> None:
        """One more place of this name."""
        if place not in self.candidates:
            self.candidates = (*self.candidates, place)
        if official and place not in self.official:
            self.official = (*self.official, place)


class PlaceIndex:
    """The written forms of a gazetteer, keyed so that a scan costs one look-up for each character."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._names: dict[str, Name] = {}
        self._add_cities()
        self._add_places(gazetteer)
        for alias, places in gazetteer.aliases.items():
            for place in places:
                name = self._name(alias)
                name.aliased = (*name.aliased, place)
                name.add(place)
        for word in gazetteer.common_words:
            if word in self._names:
                self._names[word].is_common = True
        for kind, level in (("outside", Level.OUTSIDE), ("phrase", Level.NOISE)):
            self._names.update((word, Name(level)) for word in gazetteer.context[kind])
        self._lengths = self._lengths_by_head()

    def scan(self, text: str) -> Iterator[tuple[int, int, Name]]:
        """Start, end and name of each form in `text`; forms do not overlap."""
        position, last = 0, len(text) - 1
        lengths, names = self._lengths, self._names
        while position < last:
            for length in lengths.get(text[position : position + 2], ()):
                name = names.get(text[position : position + length])
                if name is not None:
                    yield position, position + length, name
                    position += length
                    break
            else:
                position += 1

    def _name(self, form: str) -> Name:
        return self._names.setdefault(form, Name(Level.PLACE))

    def _add_cities(self) -> None:
        for code, city in CITY_NAMES.items():
            self._names[city] = Name(Level.CITY, city=code)
            self._names[city + "市"] = Name(Level.CITY, city=code, with_kind=True)

    def _add_places(self, gazetteer: Gazetteer) -> None:
        official = {place.town or place.district for place in gazetteer.places}
        for place in gazetteer.places:
            full = place.town or place.district
            short = short_name(full)
            self._add_form(full, place, with_kind=True)
            if short in CITY_NAMES.values():
                continue
            if short != full:
                self._add_form(short, place, with_kind=False)
            for kind in KINDS_OF_TOWN if place.town else KINDS_OF_DISTRICT:
                form = short + kind
                if form not in official or short not in gazetteer.common_words:
                    self._add_loose(form, place, short in gazetteer.common_words)

    def _add_form(self, form: str, place: Place, with_kind: bool) -> None:
        name = self._name(form)
        name.with_kind = name.with_kind or with_kind
        name.add(place, official=with_kind)

    def _add_loose(self, form: str, place: Place, common: bool) -> None:
        """The kind that callers put instead of the official one (大唐镇 for 大唐街道); not for everyday words."""
        if common and place.town is not None:
            return
        name = self._name(form)
        if name.level is Level.PLACE:
            name.with_kind = True
            name.add(place)

    def _lengths_by_head(self) -> dict[str, tuple[int, ...]]:
        lengths: dict[str, set[int]] = {}
        for form in self._names:
            lengths.setdefault(form[:2], set()).add(len(form))
        return {head: tuple(sorted(found, reverse=True)) for head, found in lengths.items()}
