"""How well related calls are found: pairs of calls that are, or only look, about the same matter."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from data.corpus import read_lines
from data.records import Call, Suggestion
from data.tables import DATA_DIR
from model.facts_measure import Score
from model.likeness import SIZE
from model.suggest import Suggester
from serving.related import Related, marks
from serving.related_window import Marks, Window

SET = DATA_DIR / "related" / "pairs.jsonl"
HALVES = ("choice", "report")


class Pair(BaseModel):
    """Two written calls. `half`: the threshold was chosen on `choice`, figures are reported on `report`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    relation: Literal["other", "again", "different"]
    half: Literal["choice", "report"]
    first: str
    second: str


def load_pairs(path: Path = SET) -> list[Pair]:
    """The written pairs.

    Raises:
        DataError: a line that breaks a rule.
    """
    return list(read_lines(path, Pair))


def measure(pairs: Sequence[Pair], suggester: Suggester) -> dict[str, Score]:
    """Counts by half: each second call is looked up where only its first one is kept."""
    found = {half: Score() for half in HALVES}
    for pair in pairs:
        first, second = (Call(text=text) for text in (pair.first, pair.second))
        one, two = suggester.suggest_many([first, second])
        related = Related()
        related.find_and_keep(first, one, 0.0)
        hit, same = bool(related.find(second, two, 3600.0)), pair.relation != "different"
        figures = found[pair.half]
        figures.right += hit and same
        figures.wrong += hit and not same
        figures.missed += same and not hit
        if hit != same:
            figures.errors.append(f"{pair.id} {'-' if same else '+'} {pair.relation}: {pair.first} | {pair.second}")
    return found


def milliseconds(call: Call, suggestion: Suggestion, calls: int = 10_000, rounds: int = 50) -> float:
    """The median time of one look-up among `calls` calls, a fifth of them of the same district."""
    random = np.random.default_rng(110)
    window, own = Window(), marks(call, suggestion)
    vectors = random.standard_normal((calls, SIZE)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for number, words in enumerate(vectors):
        district = own.district if number % 5 == 0 else f"district {number % 50}"
        kind = (own.category, *own.alternatives)[number % 3]
        window.put(Marks(f"call {number}", kind, (), district, None, words), float(number % 3600))
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        window.find(marks(call, suggestion), 3600.0)
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken)) * 1e3
