"""The categories a release speaks in: the packaged ones, or what a city's file adds to them and merges of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from data.tables import DataError, Row, numbered_rows, validated
from data.taxonomy import POLICE_LABELS, URGENCIES, Category, PoliceLabel, Urgency, Way, categories

HEADS = ("category", "urgency", "police")
LARGEST = 2**18  # bytes; a row takes some two hundred
INVALID = "invalid"
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Words = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class Taxonomy:
    """Categories by code, in the order of the model's outputs.

    `merged` says for a packaged category that is none of its own any more which one it is part of; `ways` where those
    that are added go, in any city. Two of the same `version` are the same; the packaged one's is empty.
    """

    version: str
    categories: Mapping[str, Category] = field(compare=False)
    merged: Mapping[str, str] = field(default_factory=dict, compare=False)
    ways: Mapping[str, Way] = field(default_factory=dict, compare=False)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The codes in their order."""
        return tuple(self.categories)

    @cached_property
    def labels(self) -> dict[str, list[str]]:
        """Every head's labels in the order of its outputs: what a release's manifest keeps."""
        return {
            "category": list(self.codes),
            "urgency": [level.value for level in URGENCIES],
            "police": [label.value for label in POLICE_LABELS],
        }

    def __contains__(self, code: object) -> bool:
        return code in self.categories or code in self.merged

    def resolved(self, code: str) -> str:
        """The category that `code` stands for here: itself, or the one it was merged into.

        Raises:
            ValueError: this taxonomy has no such category.
        """
        if code not in self:
            raise ValueError(f"{code!r} is not a category of {'this taxonomy' if self.version else 'taxonomy.csv'}")
        return self.merged.get(code, code)


PACKAGED = Taxonomy("", categories())


def together(*taxonomies: Taxonomy) -> Taxonomy:
    """Every category that one of them knows, nothing merged: what files that several are to judge are read with."""
    every = {**PACKAGED.categories}
    for taxonomy in taxonomies:
        every |= taxonomy.categories
    return Taxonomy("+".join(taxonomy.version for taxonomy in taxonomies), every)


class Merged(Row):
    """A packaged category that becomes part of another: the columns `code` and `into`, all others empty."""

    code: Code
    into: Code


class Added(Category, Way):
    """A category of the city's own, with where it goes. `group_name` is only for a group that is new, too."""

    code: Code
    name: Words
    group: Code
    group_name: str = ""
    police: PoliceLabel
    scope: Words
    responsible: str = ""
    contested: str = ""
    source: str = ""

    @model_validator(mode="after")
    def _whole(self) -> "Added":
        if (self.group == INVALID) != (self.police is PoliceLabel.INVALID):
            raise ValueError("invalid calls, and only they, are of the group and the owner invalid")
        if self.group == INVALID and self.default_urgency is not Urgency.ROUTINE_REMOTE:
            raise ValueError("an invalid call needs nobody to come: routine_remote")
        return self


def load_taxonomy(path: Path) -> Taxonomy:
    """The packaged categories with what the CSV file `path` adds and merges.

    A row with `into` merges `code` into it, any other adds a category; a column may be left out where it is empty in
    every row. Labels merge through chains.

    Raises:
        DataError: a huge or unreadable file, a code that is unknown or stands twice, a circle, a value that breaks a
            rule; file, line and field are named.
    """
    rows = _rows(path)
    added = {row.code: (line, row) for line, row in rows if isinstance(row, Added)}
    merges = {row.code: (line, row.into) for line, row in rows if isinstance(row, Merged)}
    names = {category.group: category.group_name for category in categories().values()}
    own: dict[str, Category] = {}
    for code, (line, row) in added.items():
        if code in categories():
            raise DataError(path, line, "code", f"{code!r} is a category of taxonomy.csv already")
        if names.setdefault(row.group, row.group_name) != (row.group_name or names[row.group]):
            raise DataError(path, line, "group_name", f"{row.group!r} is called {names[row.group]!r} already")
        if not names[row.group]:
            raise DataError(path, line, "group_name", f"{row.group!r} is a new group and wants a name")
        own[code] = Category(**_columns(row, Category) | {"group_name": names[row.group]})
    every = {**categories(), **own}
    merged = {code: _end(path, code, merges, every) for code in merges}
    kept = {code: category for code, category in every.items() if code not in merged}
    ways = {code: Way(**_columns(row, Way)) for code, (_, row) in added.items()}
    content = repr((sorted(merged.items()), [c.model_dump_json() for c in (*kept.values(), *ways.values())]))
    return Taxonomy(sha256(content.encode()).hexdigest()[:10], kept, merged, ways)


def _columns(row: Added, kind: type[Row]) -> dict[str, object]:
    return {name: getattr(row, name) for name in kind.model_fields}


def _rows(path: Path) -> list[tuple[int, Added | Merged]]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(path, 0, "", f"cannot be read: {error.strerror}") from error
    if size > LARGEST:
        raise DataError(path, 0, "", f"is larger than {LARGEST} bytes")
    rows: list[tuple[int, Added | Merged]] = []
    seen: dict[str, int] = {}
    for line, values in numbered_rows(path):
        filled = {name: value for name, value in values.items() if value.strip()}
        if "into" in filled:
            row: Added | Merged = validated(path, line, Merged, filled)
        else:
            row = validated(path, line, Added, {"linked_when_someone_goes": "", **filled})
        if (first := seen.setdefault(row.code, line)) != line:
            raise DataError(path, line, "code", f"{row.code!r} stands already in line {first}")
        rows.append((line, row))
    if not rows:
        raise DataError(path, 1, "", "adds and merges nothing")
    return rows


def _end(path: Path, code: str, merges: Mapping[str, tuple[int, str]], every: Mapping[str, Category]) -> str:
    """The category at the end of the chain of merges that begins at `code`."""
    line, _ = merges[code]
    if code not in categories():
        raise DataError(path, line, "code", f"{code!r} is not a category of taxonomy.csv")
    end, passed = code, {code}
    while end in merges:
        end = merges[end][1]
        if end in passed:
            raise DataError(path, line, "into", f"{code!r} is merged in a circle")
        passed.add(end)
    if end not in every:
        raise DataError(path, line, "into", f"{end!r} is not a category")
    if (every[code].group == INVALID) != (every[end].group == INVALID):
        raise DataError(path, line, "into", "invalid calls, which nobody goes to, merge only with each other")
    return end
