"""Zhejiang's places as the service knows them: divisions, the names that people use, and the words around names."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from data.tables import DataError, read_text

PLACES_DIR = Path(__file__).parent / "places"
CITY_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "hangzhou": "杭州",
        "ningbo": "宁波",
        "wenzhou": "温州",
        "jiaxing": "嘉兴",
        "huzhou": "湖州",
        "shaoxing": "绍兴",
        "jinhua": "金华",
        "quzhou": "衢州",
        "zhoushan": "舟山",
        "taizhou": "台州",
        "lishui": "丽水",
    }
)
PLACE_KINDS = ("outside", "phrase", "road", "road_ok", "org", "kind", "kind_ok")
CUE_KINDS = ("here", "at", "away", "move", "arrive", "leave", "not", "wrong")
_SUFFIX = re.compile(r"(?:畲族自治县|畲族镇|畲族乡|街道|镇|乡|市|区|县)$")
_DISTRICT = re.compile(r".{2,}(?:区|市|县)$")
_TOWN = re.compile(r".{2,}(?:街道|镇|乡)$|^.镇$")
_HAN = re.compile(r"[\u4e00-\u9fff][\u4e00-\u9fffA-Za-z0-9]+$")


@dataclass(frozen=True)
class Place:
    """A district or county of a city, or one of its towns and streets."""

    city: str
    district: str
    town: str | None = None


@dataclass(frozen=True)
class Gazetteer:
    """The place files, checked."""

    places: tuple[Place, ...]
    aliases: Mapping[str, tuple[Place, ...]]
    common_words: frozenset[str]
    context: Mapping[str, tuple[str, ...]]


def short_name(name: str) -> str:
    """The name without its kind (古荡街道 → 古荡); names of two characters stay whole (乌镇)."""
    return name if len(name) < 3 else _SUFFIX.sub("", name)


def load_gazetteer(folder: Path = PLACES_DIR) -> Gazetteer:
    """Read `zhejiang.csv`, `aliases.csv`, `common_words.txt` and `context.csv` from `folder`.

    Raises:
        DataError: a file is missing or a line breaks its rules.
    """
    places = _places(folder / "zhejiang.csv")
    aliases = _aliases(folder / "aliases.csv", frozenset(places))
    known = {short_name(place.town or place.district) for place in places} | aliases.keys()
    common_words = _common_words(folder / "common_words.txt", known)
    return Gazetteer(tuple(places), aliases, common_words, _context(folder / "context.csv"))


def _rows(path: Path, header: list[str]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(read_text(path).splitlines())
    found = next(reader, [])
    if found != header:
        raise DataError(path, 1, "header", f"must be {','.join(header)}, not {','.join(found)}")
    for line, row in enumerate(reader, 2):
        if len(row) != len(header):
            raise DataError(path, line, header[0], f"has {len(row)} columns, not {len(header)}")
        for field, value in zip(header, row, strict=True):
            if value != value.strip():
                raise DataError(path, line, field, f"has spaces around {value!r}")
        yield line, row


def _places(path: Path) -> list[Place]:
    places: dict[Place, int] = {}
    for line, (city, district, town) in _rows(path, ["city", "district", "town"]):
        if city not in CITY_NAMES:
            raise DataError(path, line, "city", f"{city!r} is no city of Zhejiang")
        if not _DISTRICT.match(district):
            raise DataError(path, line, "district", f"{district!r} does not end in 区, 市 or 县")
        if town and not _TOWN.match(town):
            raise DataError(path, line, "town", f"{town!r} does not end in 街道, 镇 or 乡")
        place = Place(city, district, town or None)
        if first := places.get(place):
            raise DataError(path, line, "town", f"stands already in line {first}")
        if town and Place(city, district) not in places:
            raise DataError(path, line, "district", f"{district!r} needs a line of its own before its towns")
        places[place] = line
    return list(places)


def _aliases(path: Path, places: frozenset[Place]) -> dict[str, tuple[Place, ...]]:
    aliases: dict[str, tuple[Place, ...]] = {}
    for line, (alias, city, district, town) in _rows(path, ["alias", "city", "district", "town"]):
        if not _HAN.match(alias):
            raise DataError(path, line, "alias", f"{alias!r} is not a Chinese name of two characters or more")
        place = Place(city, district, town or None)
        if place not in places:
            raise DataError(path, line, "town" if town else "district", f"{city} {district} {town} is not in the table")
        if place in aliases.get(alias, ()):
            raise DataError(path, line, "alias", f"{alias!r} stands already for this place")
        aliases[alias] = (*aliases.get(alias, ()), place)
    return aliases


def _common_words(path: Path, known: set[str]) -> frozenset[str]:
    words: set[str] = set()
    for line, word in enumerate(read_text(path).splitlines(), 1):
        if word not in known:
            raise DataError(path, line, "word", f"{word!r} is neither a short name nor an alias")
        if word in words:
            raise DataError(path, line, "word", f"{word!r} stands there twice")
        words.add(word)
    return frozenset(words)


def _context(path: Path) -> dict[str, tuple[str, ...]]:
    words: dict[str, tuple[str, ...]] = dict.fromkeys((*PLACE_KINDS, *CUE_KINDS), ())
    for line, (kind, word) in _rows(path, ["kind", "word"]):
        if kind not in words:
            raise DataError(path, line, "kind", f"{kind!r} is unknown; one of {', '.join(sorted(words))}")
        if not word:
            raise DataError(path, line, "word", "is empty")
        words[kind] = (*words[kind], word)
    if empty := sorted(kind for kind, found in words.items() if not found):
        raise DataError(path, 1, "kind", f"no word of kind {empty[0]!r}")
    return words
