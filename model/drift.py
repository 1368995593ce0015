"""How far calls have moved from those a release was made on: what is counted of a call, and what two counts tell.

The population stability index (PSI) is the symmetric Kullback–Leibler divergence of two histograms; above 0.1 a shift
is worth a look, above 0.25 it is large (Siddiqi, Credit Risk Scorecards, 2006). Two samples of the same calls already
differ by (bins - 1)(1/n + 1/m) on average, with a spread of sqrt(2(bins - 1)) times the bracket (Yurdakul 2018): that
much is taken off, and where chance alone could raise an alarm no number is given.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tokenizers import Tokenizer

from data.records import Turn
from data.tables import DataError, first_problem
from model.release import FILES, Release
from model.text import render

WATCH, ALARM = 0.1, 0.25
FEWEST = 50
RARE = 5  # a value expected less often than this in the smaller sample is counted with the other rare ones
REST = "*"
UNKNOWN = "<unk>"
LENGTHS = (10, 20, 40, 80, 160, 320, 640)  # characters
PROBABILITIES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
SHARES = (0.001, 0.01, 0.02, 0.05)  # of tokens
OUTPUTS = ("category", "urgency", "police", "confident", "category_probability")
INPUTS = ("length", "shape", "unknown")
FEATURES = INPUTS + OUTPUTS
MEANS = ("category_probability", "confident", "length", "unknown")
REFERENCE = "reference.json"


@dataclass
class Profile:
    """Counts of some calls: by feature, how many have each value; and sums, by feature, of what has a mean.

    A call whose words are gone counts for the outputs alone.
    """

    calls: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in FEATURES})
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(MEANS, 0.0))

    def output(self, category: str, urgency: str, police: str, confident: bool, probability: float) -> None:
        """Counts a call by what was suggested for it; `probability` is its category's."""
        self.calls += 1
        values = (category, urgency, police, "yes" if confident else "no", binned(probability, PROBABILITIES))
        for name, value in zip(OUTPUTS, values, strict=True):
            self.counts[name][value] += 1
        self.sums["category_probability"] += probability
        self.sums["confident"] += confident

    def input(self, turns: Sequence[Turn], tokenizer: Tokenizer) -> None:
        """Counts a call by its words, redacted as they are kept."""
        length = sum(len(turn.text) for turn in turns)
        ids = tokenizer.encode(render(turns).text, add_special_tokens=False).ids
        mark = tokenizer.token_to_id(UNKNOWN)
        unknown = sum(token == mark for token in ids) / max(1, len(ids))
        for name, value in zip(INPUTS, (binned(length, LENGTHS), shape(turns), binned(unknown, SHARES)), strict=True):
            self.counts[name][value] += 1
        self.sums["length"] += length
        self.sums["unknown"] += unknown

    def mean(self, name: str) -> float | None:
        """The mean of a feature; None without a call."""
        known = self.counts[name].total()
        return round(self.sums[name] / known, 4) if known else None

    def means(self) -> dict[str, float | None]:
        """Every mean: `length` in characters, the others as shares."""
        return {name: self.mean(name) for name in MEANS}


def shape(turns: Sequence[Turn]) -> str:
    """`dialogue` where an operator speaks too, `block` for one turn, `turns` for several of the caller."""
    if any(turn.speaker == "operator" for turn in turns):
        return "dialogue"
    return "block" if len(turns) == 1 else "turns"


def binned(value: float, edges: Sequence[float]) -> str:
    """The name of the bin that `value` lies in: its lower edge."""
    below = [edge for edge in edges if value >= edge]
    return f"{below[-1]:g}" if below else "0"


@dataclass(frozen=True)
class Move:
    """A value whose share of the calls has changed, and how much of the PSI that makes."""

    feature: str
    value: str
    before: float
    now: float
    psi: float


@dataclass(frozen=True)
class Shift:
    """How far one feature has moved. `psi` is free of what chance adds on average, `divergence` is Jensen and Shannon's
    in bits (0–1, chance included); both are None for too few calls. `moves`: by value, the largest first."""

    feature: str
    calls: int
    psi: float | None
    divergence: float | None
    moves: tuple[Move, ...] = ()

    @property
    def level(self) -> str:
        """`too_few`, `steady`, `watch` or `alarm`."""
        if self.psi is None:
            return "too_few"
        return "steady" if self.psi < WATCH else "watch" if self.psi < ALARM else "alarm"


def shift(feature: str, reference: Mapping[str, int], now: Mapping[str, int]) -> Shift:
    """How far the counts `now` are from those of the reference. No bin is empty: half a call is added to each."""
    many, few = sum(reference.values()), sum(now.values())
    if min(many, few) < FEWEST:
        return Shift(feature, few, None, None)
    values, table = _bins(reference, now, RARE / min(many, few))
    bins, chance = len(values), 1 / many + 1 / few
    unseen = table[:, values.index(REST)].sum() / table.sum() if REST in values else 0.0
    if unseen > 0.5 or 3 * math.sqrt(2 * (bins - 1)) * chance > WATCH:
        return Shift(feature, few, None, None)
    before, after = (table + 0.5) / (table.sum(1, keepdims=True) + 0.5 * bins)
    parts = (after - before) * np.log(after / before)
    middle = (before + after) / 2
    divergence = 0.5 * sum(float((share * np.log2(share / middle)).sum()) for share in (before, after))
    moves = [
        Move(feature, value, round(float(b), 4), round(float(a), 4), round(float(part), 4))
        for value, b, a, part in zip(values, before, after, parts, strict=True)
    ]
    psi = max(0.0, float(parts.sum()) - (bins - 1) * chance)
    moves.sort(key=lambda move: (-move.psi, move.value))
    return Shift(feature, few, round(psi, 4), round(max(0.0, divergence), 4), tuple(moves))


def _bins(reference: Mapping[str, int], now: Mapping[str, int], rare: float) -> tuple[list[str], NDArray[np.float64]]:
    """Values and their counts, (2, values); those that are rarer than `rare` in both together make one."""
    whole = sum(reference.values()) + sum(now.values())
    counts: dict[str, list[float]] = {}
    for value in sorted({*reference, *now}):
        pair = reference.get(value, 0), now.get(value, 0)
        kept = counts.setdefault(value if sum(pair) / whole >= rare else REST, [0, 0])
        kept[0] += pair[0]
        kept[1] += pair[1]
    return list(counts), np.array(list(counts.values()), np.float64).T


def shifts(reference: Profile, now: Profile) -> list[Shift]:
    """How far every feature has moved, in the order of `FEATURES`."""
    return [shift(name, reference.counts[name], now.counts[name]) for name in FEATURES]


def largest(found: Iterable[Shift], count: int = 3) -> list[Move]:
    """The values that moved most, of all features together."""
    moves = [move for one in found for move in one.moves if move.psi > 0]
    return sorted(moves, key=lambda move: (-move.psi, move.feature, move.value))[:count]


class _Written(BaseModel):
    """A reference as it stands in its file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: str
    calls: int = Field(ge=0)
    counts: dict[str, dict[str, int]]
    sums: dict[str, float]


def write_reference(path: Path, version: str, profile: Profile) -> None:
    """Writes the profile of the calls that the release `version` was measured on."""
    counts = {name: dict(sorted(values.items())) for name, values in profile.counts.items()}
    sums = {name: round(total, 6) for name, total in profile.sums.items()}
    written = _Written(version=version, calls=profile.calls, counts=counts, sums=sums)
    path.write_text(json.dumps(written.model_dump(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def release_reference(release: Release) -> Profile:
    """The profile that came with a release.

    Raises:
        DataError: it has none, or the file is broken.
    """
    path = release.path(REFERENCE)
    if not path.exists():
        raise DataError(path, 0, "version", f"there is no reference for the release {release.version}")
    version, profile = read_reference(path)
    if version != release.version:
        raise DataError(path, 0, "version", f"there is no reference for the release {release.version}")
    return profile


def read_reference(path: Path) -> tuple[str, Profile]:
    """The release's version and its profile.

    Raises:
        DataError: the file is missing or broken, or its features are not those of today.
    """
    try:
        found = _Written.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(path, 0, "", f"cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(path, 0, *first_problem(error)) from error
    if set(found.counts) != set(FEATURES) or set(found.sums) != set(MEANS):
        raise DataError(path, 0, "counts", f"wants the features {', '.join(FEATURES)}")
    if any(number < 0 for counts in found.counts.values() for number in counts.values()):
        raise DataError(path, 0, "counts", "holds a negative number")
    return found.version, Profile(found.calls, {name: Counter(found.counts[name]) for name in FEATURES}, found.sums)


def tokenizer_of(release: Release) -> Tokenizer:
    """The release's tokenizer."""
    return Tokenizer.from_file(str(release.path(FILES.tokenizer)))
