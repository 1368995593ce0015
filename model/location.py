"""Where a caller's matter is: the district and, when the words allow it, the town or street."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from data.gazetteer import Gazetteer, Place
from model.place_cues import Cues
from model.place_index import Level, Name, PlaceIndex

MAX_NAMES = 500
MAX_GAP = 3
OWN_CITY = 2
_GAP = re.compile(r"(?:市区|县城|城区|这边|那边|这里|那里|下面|[的市，, ]|)$")


@dataclass(frozen=True)
class Location:
    """A district or town, with the words that name it (`start` and `end` are offsets in that turn's text).

    `away`: the words around say that the matter is not there (老家, 上班), and no other place was named.
    """

    text: str
    turn: int
    start: int
    end: int
    city: str
    district: str
    town: str | None
    away: bool = False

    def town_in(self, city: str) -> str | None:
        """The town, where the matter is in a known one of `city`."""
        return self.town if self.city == city and not self.away else None


@dataclass(slots=True)
class _Mention:
    line: int
    turn: int
    start: int
    end: int
    name: Name
    follows: bool


@dataclass(slots=True)
class _Chain:
    """Names said in one breath that narrow each other down (诸暨 · 牌头)."""

    line: int
    turn: int
    start: int
    end: int
    city: str = ""
    place: Place | None = None
    names: int = 1
    cue: int = 0


@dataclass(slots=True)
class _Named:
    """Districts and cities that the call names somewhere: they tell towns of the same name apart."""

    districts: set[tuple[str, str]] = field(default_factory=set)
    cities: set[str] = field(default_factory=set)


def _district(place: Place) -> tuple[str, str]:
    return place.city, place.district


def _one_of(places: Sequence[Place], official: Iterable[Place]) -> Place | None:
    """The place that all candidates agree on: a town, else their district, else none."""
    pool = [place for place in places if place in official] or list(places)
    if len({_district(place) for place in pool}) > 1:
        pool = [place for place in pool if place.town is None]
    if len({_district(place) for place in pool}) != 1:
        return None
    return pool[0] if len(pool) == 1 else Place(*_district(pool[0]))


class Locator:
    """Finds the place that a caller means."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._index = PlaceIndex(gazetteer)
        self._cues = Cues(gazetteer.context)

    def locate(self, texts: Sequence[tuple[int, str]], city: str) -> Location | None:
        """The place in the caller's `texts` (turn index and words, in order); places of `city` come first.

        None when no place is named, or when the words leave open which one is meant.
        """
        lines = [text for _, text in texts]
        mentions = self._mentions(texts)
        named = self._named(lines, mentions, city)
        chains = self._weighed(lines, self._chains(mentions, named, city))
        best = self._best(chains, city)
        if best is None or best.place is None:
            return None
        words = lines[best.line][best.start : best.end]
        return Location(
            words, best.turn, best.start, best.end, best.place.city, best.place.district, best.place.town, best.cue < 0
        )

    def _mentions(self, texts: Sequence[tuple[int, str]]) -> list[_Mention]:
        mentions: list[_Mention] = []
        budget = MAX_NAMES
        for line, (turn, text) in enumerate(texts):
            found = list(islice(self._index.scan(text), budget))
            budget -= len(found)
            starts = {start for start, _, name in found if name.level is Level.PLACE}
            previous_end, outside = len(text), False
            for start, end, name in found:
                names_other_thing = end not in starts and self._cues.is_other_thing(text, end, name)
                if name.level is Level.NOISE or names_other_thing:
                    continue
                follows = 0 <= start - previous_end < MAX_GAP and bool(_GAP.match(text[previous_end:start]))
                outside = name.level is Level.OUTSIDE or (outside and follows)
                previous_end = end
                if not outside:
                    mentions.append(_Mention(line, turn, start, end, name, follows))
        return mentions

    def _named(self, lines: Sequence[str], mentions: Sequence[_Mention], city: str) -> _Named:
        named = _Named()
        for mention in mentions:
            name = mention.name
            if self._cues.is_denied(lines[mention.line], mention.start):
                continue
            if name.level is Level.CITY:
                named.cities.add(name.city)
            elif not name.is_common:
                pool = [place for place in name.candidates if place.city == city] or name.candidates
                districts = {_district(place) for place in pool if place.town is None}
                if len(districts) == 1:
                    named.districts |= districts
        return named

    def _chains(self, mentions: Sequence[_Mention], named: _Named, city: str) -> list[_Chain]:
        chains: list[_Chain] = []
        open_chain: _Chain | None = None
        for mention in mentions:
            chain = open_chain if mention.follows else None
            if mention.name.level is Level.CITY:
                open_chain = _Chain(mention.line, mention.turn, mention.start, mention.end, mention.name.city)
                continue
            place = self._meaning(mention.name, chain, named, city)
            if place is None:
                open_chain = None
                continue
            if chain is not None and self._narrows(chain, place):
                chain.end = mention.end
                chain.names += 1
                if chain.place is None:
                    chains.append(chain)
                if chain.place is None or place.town is not None:
                    chain.place = place
            else:
                chain = _Chain(mention.line, mention.turn, mention.start, mention.end, place.city, place)
                chains.append(chain)
            open_chain = chain
        return chains

    @staticmethod
    def _narrows(chain: _Chain, place: Place) -> bool:
        if chain.place is None:
            return chain.city == place.city
        if _district(chain.place) != _district(place):
            return False
        return chain.place.town is None or place.town in (None, chain.place.town)

    @staticmethod
    def _meaning(name: Name, chain: _Chain | None, named: _Named, city: str) -> Place | None:
        """The place that a name means here: after its district or city, by a district named elsewhere, in the city."""
        pool: Sequence[Place] = name.candidates
        anchored = [
            place
            for place in pool
            if chain is not None
            and (place.city == chain.city if chain.place is None else _district(place) == _district(chain.place))
        ]
        own = [place for place in pool if place.city == city]
        if anchored:
            pool = anchored
        elif name.is_common:
            pool = own if name.with_kind else [place for place in own if place in name.aliased]
        else:
            pool = (
                [place for place in pool if _district(place) in named.districts]
                or own
                or [place for place in pool if place.city in named.cities]
                or pool
            )
        return _one_of(pool, name.official)

    def _weighed(self, lines: Sequence[str], chains: Sequence[_Chain]) -> list[_Chain]:
        kept: list[_Chain] = []
        for chain in chains:
            text = lines[chain.line]
            if self._cues.is_denied(text, chain.start):
                continue
            if kept and self._cues.corrects_earlier(text, chain.start):
                kept.pop()
            chain.cue = self._cues.weight(text, chain.start, chain.end)
            kept.append(chain)
        return kept

    @staticmethod
    def _best(chains: Sequence[_Chain], city: str) -> _Chain | None:
        """The best chain of the best district; None when two districts, or two towns, are equally likely."""
        groups: dict[tuple[str, str], list[_Chain]] = {}
        for chain in chains:
            if chain.place is not None:
                groups.setdefault(_district(chain.place), []).append(chain)
        if not groups:
            return None

        def rank(found: Sequence[_Chain]) -> tuple[int, int, int, int]:
            cue = max(chain.cue for chain in found)
            firmness = max(chain.names for chain in found)
            return cue + (OWN_CITY if found[0].city == city else 0), cue, firmness, len(found)

        ranked = sorted(groups.values(), key=rank, reverse=True)
        if len(ranked) > 1 and rank(ranked[0]) == rank(ranked[1]):
            return None
        return _most_precise(ranked[0])


def _most_precise(chains: Sequence[_Chain]) -> _Chain:
    """The likeliest town among chains of one district; the district itself when towns tie."""
    likeliest = max(chains, key=lambda chain: chain.cue)
    towns = [chain for chain in chains if chain.place and chain.place.town and (chain.cue >= 0 or chain is likeliest)]
    if not towns:
        return likeliest
    top = max(chain.cue for chain in towns)
    leading = [chain for chain in towns if chain.cue == top]
    if len({chain.place for chain in leading}) == 1:
        return leading[0]
    district = next((chain for chain in chains if chain.place and chain.place.town is None), leading[0])
    place = Place(*_district(district.place)) if district.place else None
    return _Chain(district.line, district.turn, district.start, district.end, district.city, place, cue=district.cue)
