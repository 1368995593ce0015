"""How well facts are found: precision, recall and F1 per field on the written set."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from data.corpus import read_lines
from data.gazetteer import load_gazetteer
from data.policy import DEFAULT_CITY
from data.records import Turn
from data.tables import DATA_DIR
from model.fact_patterns import Field
from model.facts import Fact, find_facts
from model.location import Locator
from model.text import simplified

SET = DATA_DIR / "facts" / "facts.jsonl"
Part = Literal["before", "after"]
FIELDS: tuple[str, ...] = get_args(Field)


class Gold(BaseModel):
    """A fact that stands in a written call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: Field
    value: str
    turn: int
    start: int
    end: int


class Annotated(BaseModel):
    """A written call. `part`: written before the rules, or after them (the blind half)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    part: Part
    turns: tuple[Turn, ...]
    facts: tuple[Gold, ...]

    @model_validator(mode="after")
    def _spans_stand(self) -> "Annotated":
        for fact in self.facts:
            if fact.turn >= len(self.turns) or not 0 <= fact.start < fact.end <= len(self.turns[fact.turn].text):
                raise ValueError(f"{fact.field} {fact.value!r} stands outside the text")
        return self


@dataclass
class Score:
    """Counts of one field, or of one half of a set. `exact`: right ones whose span is the set's to the character."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    exact: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Share of what was found that is right."""
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """Share of what is there that was found."""
        return self.right / max(1, self.right + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)


def load_set(path: Path = SET) -> list[Annotated]:
    """The written calls.

    Raises:
        DataError: a line that breaks a rule.
    """
    return list(read_lines(path, Annotated))


def found_in(call: Annotated, locator: Locator) -> tuple[Fact, ...]:
    """What is found in a call of the set."""
    spoken = [(number, turn.text) for number, turn in enumerate(simplified(call.turns)) if turn.speaker == "caller"]
    return find_facts(call.turns, locator.locate(spoken, DEFAULT_CITY))


def measure(calls: Iterable[Annotated]) -> dict[str, Score]:
    """Scores by field.

    A fact is right when its value is that of the set and its words overlap with those of the set; each value counts
    once a call.
    """
    scores = {name: Score() for name in FIELDS}
    locator = Locator(load_gazetteer())
    for call in calls:
        found = found_in(call, locator)
        for name in FIELDS:
            _score(
                scores[name], call, [f for f in call.facts if f.field == name], [f for f in found if f.field == name]
            )
    return scores


def _score(score: Score, call: Annotated, gold: Sequence[Gold], found: Sequence[Fact]) -> None:
    values = Counter(fact.value for fact in gold)
    for fact in found:
        same = [
            g
            for g in gold
            if g.value == fact.value and g.turn == fact.turn and g.start < fact.end and fact.start < g.end
        ]
        if same and values.pop(fact.value, 0):
            score.right += 1
            score.exact += any((g.start, g.end) == (fact.start, fact.end) for g in same)
        else:
            score.wrong += 1
            score.errors.append(f"{call.id} + {fact.field} {fact.text} = {fact.value}")
    score.missed += len(values)
    words = {g.value: call.turns[g.turn].text[g.start : g.end] for g in gold}
    score.errors += [f"{call.id} - {gold[0].field} {words[value]} = {value}" for value in values]
