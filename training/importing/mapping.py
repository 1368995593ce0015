"""How a city's own records say what a call is: their columns, their category names, their urgencies."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo

from data.own_taxonomy import PACKAGED, load_taxonomy
from data.taxonomy import Urgency
from training.config import Section, load_toml

WILD = frozenset("*?[")
V = TypeVar("V")


_loaded = cache(load_taxonomy)


def _known(code: str, info: ValidationInfo) -> str:
    if "taxonomy" in info.data:
        (_loaded(info.data["taxonomy"]) if info.data["taxonomy"] else PACKAGED).resolved(code)
    return code


def _readable(path: Path) -> Path:
    _loaded(path)
    return path


class Columns(Section):
    """What the columns are called. `text` may hold turns as well (JSON lines, Parquet); `urgency` may miss."""

    text: Annotated[str, Field(min_length=1)]
    category: Annotated[str, Field(min_length=1)]
    urgency: str = ""


class CodeMap(Section):
    """A mapping file: TOML with the tables `columns`, `categories` and, where records carry one, `urgencies`.

    Names on the left are theirs, and may have wildcards (`*`, `?`, `[…]`): an exact name wins over a pattern, a longer
    pattern over a shorter. `skip` are names whose records are left out on purpose. `taxonomy` is a file of categories
    that the city adds (`data.own_taxonomy`).
    """

    taxonomy: Annotated[Path, AfterValidator(_readable)] | None = None
    columns: Columns
    categories: Annotated[dict[str, Annotated[str, AfterValidator(_known)]], Field(min_length=1)]
    urgencies: Mapping[str, Urgency] = Field(default_factory=dict)
    skip: tuple[str, ...] = ()
    style: Literal["dialogue", "note", "speech"] = "note"

    @cached_property
    def _ours(self) -> Callable[[str], str | None]:
        return lru_cache(65_536)(partial(_found, self.categories))

    def default_urgency(self, code: str) -> Urgency:
        """The urgency of a category where records carry none."""
        taxonomy = _loaded(self.taxonomy) if self.taxonomy else PACKAGED
        return taxonomy.categories[taxonomy.resolved(code)].default_urgency

    def category(self, name: str) -> str | None:
        """Our category for their name, None where the file has none."""
        return self._ours(name)

    def skipped(self, name: str) -> bool:
        """Whether records of that name are left out."""
        return any(fnmatchcase(name, pattern) for pattern in self.skip)

    def urgency(self, name: str) -> Urgency | None:
        """Our urgency for theirs, None where the file has none."""
        return _found(self.urgencies, name)


def _found(table: Mapping[str, V], name: str) -> V | None:
    if name in table:
        return table[name]
    patterns = [pattern for pattern in table if WILD & set(pattern) and fnmatchcase(name, pattern)]
    return table[max(patterns, key=len)] if patterns else None


def load_mapping(path: Path) -> CodeMap:
    """The mapping in a TOML file.

    Raises:
        DataError: not TOML, an unknown key, category or urgency; file, line and field are named.
    """
    return load_toml(path, CodeMap)
