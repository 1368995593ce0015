"""How right a model is on labelled calls: accuracies with bootstrap intervals, calibration, slices, per category."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator
from sklearn.metrics import f1_score

from data.corpus import CategoryCode, Item, read_lines
from data.own_taxonomy import PACKAGED, Taxonomy
from data.policy import Policy
from data.records import Call, Suggestion, Turn
from data.taxonomy import Urgency
from model.decode import Answer, answer
from model.reading import Model
from model.suggest import Suggester
from model.text import render

BATCH = 256
HELD_OUT = "held-out split of the corpus"
RESAMPLES = 1_000
DRAWS = 300
ANSWERS = ("category", "police", "urgency", "destination")


class Case(BaseModel):
    """A labelled call to be measured on; other keys of its line are ignored. `sure: false` cases are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    turns: tuple[Turn, ...] = ()
    text: str = ""
    category: CategoryCode
    urgency: Urgency
    style: str = ""
    difficulty: str = ""
    acceptable: tuple[str, ...] = ()
    danger: bool | None = None
    sure: bool = True

    @classmethod
    def of(cls, item: Item) -> "Case":
        """The item of the corpus as a case."""
        return cls.model_validate(item.model_dump(mode="json"))

    def within(self, taxonomy: Taxonomy) -> "Case":
        """The case as `taxonomy` labels it; `ValueError` when it does not know the category."""
        accepted = tuple(taxonomy.merged.get(code, code) for code in self.acceptable)
        return self.model_copy(update={"category": taxonomy.resolved(self.category), "acceptable": accepted})

    @model_validator(mode="after")
    def _is_a_call(self) -> "Case":
        self.call()
        return self

    def call(self) -> Call:
        """What is classified."""
        return Call(turns=self.turns or (Turn(speaker="caller", text=self.text),))

    @property
    def shape(self) -> str:
        """The style, or what the transcript looks like where none is given."""
        return self.style or ("note" if not self.turns else "monologue" if len(self.turns) == 1 else "dialogue")


def read_cases(path: Path, taxonomy: Taxonomy = PACKAGED) -> list[Case]:
    """The sure cases of a JSONL file, their categories ones that `taxonomy` knows.

    Raises:
        DataError: a line that is no such case.
    """
    return [case for case in read_lines(path, Case, taxonomy) if case.sure]


@dataclass(frozen=True)
class Outcome:
    """Truth and suggestion of every case, side by side, in the categories of `taxonomy`.

    `unflagged` is what the model alone would say, without red flags, where the cases tell of danger.
    """

    cases: Sequence[Case]
    suggestions: Sequence[Suggestion]
    truth: Mapping[str, NDArray[np.str_]]
    guess: Mapping[str, NDArray[np.str_]]
    probability: Mapping[str, NDArray[np.float64]]
    unflagged: Sequence[Answer] = ()
    taxonomy: Taxonomy = PACKAGED

    def right(self, head: str) -> NDArray[np.bool_]:
        """Which cases the head got right."""
        return np.asarray(self.truth[head] == self.guess[head])

    @property
    def in_top_three(self) -> NDArray[np.bool_]:
        """Which true categories are shown at all."""
        shown = [[s.category.code, *(a.code for a in s.category.alternatives)] for s in self.suggestions]
        return np.array([case.category in codes for case, codes in zip(self.cases, shown, strict=True)])


def run(model: Model, cases: Sequence[Case]) -> Outcome:
    """Has `model`, with red flags and routing as served, answer every case under the default policy.

    The cases are labelled as the model's taxonomy does; `ValueError` when it does not know a category.
    """
    cases = [case.within(model.taxonomy) for case in cases]
    suggester = Suggester(model=model)
    suggestions: list[Suggestion] = []
    for at in range(0, len(cases), BATCH):
        suggestions += suggester.suggest_many([case.call() for case in cases[at : at + BATCH]])
    policy = suggester.policy(None, model.taxonomy)
    hidden = any(case.danger is not None for case in cases)
    readings = model.read([render(case.call().transcript).text for case in cases]) if hidden else []
    return Outcome(
        cases,
        suggestions,
        columns([labelled(case, policy) for case in cases]),
        columns([_guess(s) for s in suggestions]),
        {head: np.array([_probability(s)[head] for s in suggestions]) for head in ANSWERS},
        [answer(reading.joint, policy) for reading in readings],
        model.taxonomy,
    )


def labelled(case: Case, policy: Policy) -> dict[str, str]:
    """By head, the right answer for the case as it is labelled."""
    rule = policy.rules[case.category]
    return {
        "category": case.category,
        "police": policy.taxonomy.categories[case.category].police,
        "urgency": case.urgency,
        "destination": rule.destination(case.urgency),
    }


def _guess(s: Suggestion) -> dict[str, str]:
    return {
        "category": s.category.code,
        "police": s.police.label,
        "urgency": s.urgency.level,
        "destination": s.destination.code,
    }


def _probability(s: Suggestion) -> dict[str, float]:
    return {head: float(getattr(s, head).probability) for head in ANSWERS}


def columns(rows: Sequence[Mapping[str, str]]) -> dict[str, NDArray[np.str_]]:
    """The rows' answers by head."""
    return {head: np.array([str(row[head]) for row in rows]) for head in ANSWERS}


def bootstrap(values: NDArray[Any]) -> dict[str, float]:
    """The mean of `values` with its 95 % percentile interval (seeded, 1,000 resamples)."""
    draws = np.random.default_rng(110).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(1), [2.5, 97.5])
    return {"value": round(float(values.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def calibration_error(probability: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error over `bins` equal-width bins."""
    where = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [
        (where == b).mean() * abs(probability[where == b].mean() - right[where == b].mean())
        for b in range(bins)
        if (where == b).any()
    ]
    return round(float(sum(gaps)), 4)


def error_by_chance(probability: NDArray[np.float64]) -> dict[str, float]:
    """The calibration error that a perfectly calibrated model with these probabilities would show (seeded).

    Few calls leave every bin off its mean by chance, so the error is read beside this, its mean and 95th percentile.
    """
    drawn = np.random.default_rng(110).random((DRAWS, len(probability))) < probability
    errors = [calibration_error(probability, right) for right in drawn]
    return {"mean": round(float(np.mean(errors)), 4), "high": round(float(np.percentile(errors, 95)), 4)}


def plausible_sets(outcome: Outcome) -> dict[str, Any]:
    """How often the right destination is among the plausible ones, how many they are, how often only one."""
    sets = [s.destination.plausible for s in outcome.suggestions]
    held = np.array([truth in codes for truth, codes in zip(outcome.truth["destination"], sets, strict=True)])
    sizes = np.array([len(codes) for codes in sets])
    return {
        "coverage": bootstrap(held),
        "size": round(float(sizes.mean()), 2),
        "single": round(float((sizes == 1).mean()), 4),
    }


def measure(outcome: Outcome) -> dict[str, Any]:
    """Every figure of one model on one set of cases."""
    confident = np.array([s.confident for s in outcome.suggestions])
    right = {head: outcome.right(head) for head in ANSWERS}
    figures: dict[str, Any] = {
        "calls": len(outcome.cases),
        "accuracy": {head: bootstrap(values) for head, values in right.items()},
        "top3": bootstrap(outcome.in_top_three),
        "macro_f1": round(float(f1_score(outcome.truth["category"], outcome.guess["category"], average="macro",
                                         zero_division=0)), 4),
        "calibration_error": {head: calibration_error(outcome.probability[head], right[head]) for head in ANSWERS},
        "calibration_error_by_chance": {head: error_by_chance(outcome.probability[head]) for head in ANSWERS},
        "plausible": plausible_sets(outcome),
        "confident": round(float(confident.mean()), 4),
        "destination_error_when_confident": round(float(1 - right["destination"][confident].mean()), 4)
        if confident.any() else None,
    }  # fmt: skip
    if any(case.acceptable for case in outcome.cases):
        accepted = [c.category == s.category.code or s.category.code in c.acceptable
                    for c, s in zip(outcome.cases, outcome.suggestions, strict=True)]  # fmt: skip
        figures["acceptable"] = bootstrap(np.array(accepted))
    if any(case.danger is not None for case in outcome.cases):
        figures["danger"] = _danger(outcome)
    figures["slices"] = {name: _slice(outcome, chosen) for name, chosen in grouped(map(_kinds, outcome.cases)).items()}
    return figures


def _danger(outcome: Outcome) -> dict[str, Any]:
    """What happened to hidden dangers and to the look-alikes beside them, by the model alone and with red flags."""
    rows = list(zip(outcome.cases, outcome.suggestions, outcome.unflagged, strict=True))
    real = [(s, reply) for case, s, reply in rows if case.danger]
    harmless = [(s, reply) for case, s, reply in rows if case.danger is False]
    missed = [s for s, _ in real if under_called(s.destination.code, s.urgency.level)]
    return {
        "calls": len(real),
        "under_called_by_the_model_alone": sum(under_called(r.destination, r.urgency) for _, r in real),
        "under_called": len(missed),
        "passed_on_confidently": sum(s.confident for s in missed),
        "look_alikes": len(harmless),
        "raised_to_emergency_by_the_model_alone": sum(r.urgency is Urgency.EMERGENCY for _, r in harmless),
        "raised_to_emergency": sum(s.urgency.level is Urgency.EMERGENCY for s, _ in harmless),
    }


def under_called(destination: str, urgency: Urgency) -> bool:
    """Whether a danger so routed would not be met at once."""
    return destination in ("hotline_12345", "operator_closes") or urgency.rank >= Urgency.ROUTINE_ONSITE.rank


def grouped(kinds: Iterable[Iterable[str]]) -> dict[str, NDArray[np.bool_]]:
    """Which cases are of each kind, by its name; `kinds` names those of every case in turn."""
    names: dict[str, list[int]] = {}
    count = 0
    for number, found in enumerate(kinds):
        count = number + 1
        for kind in found:
            names.setdefault(kind, []).append(number)
    return {name: np.isin(np.arange(count), numbers) for name, numbers in sorted(names.items())}


def _kinds(case: Case) -> list[str]:
    difficulty = [f"difficulty: {case.difficulty}"] if case.difficulty else []
    return [f"style: {case.shape}", f"urgency: {case.urgency}", *difficulty]


def _slice(outcome: Outcome, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    accuracy = {head: round(float(outcome.right(head)[chosen].mean()), 4) for head in ANSWERS}
    return {"calls": int(chosen.sum()), **accuracy}


def per_category(outcome: Outcome) -> list[dict[str, Any]]:
    """Calls, precision, recall and the commonest mistake of every category that occurs."""
    truth, guess = outcome.truth["category"], outcome.guess["category"]
    rows = []
    for code in outcome.taxonomy.codes:
        real, said = truth == code, guess == code
        if not real.any() and not said.any():
            continue
        hit = int((real & said).sum())
        wrong, times = np.unique(guess[real & ~said], return_counts=True)
        rows.append({
            "category": code,
            "calls": int(real.sum()),
            "recall": round(hit / real.sum(), 3) if real.any() else None,
            "precision": round(hit / said.sum(), 3) if said.any() else None,
            "taken_for": str(wrong[times.argmax()]) if len(wrong) else "",
        })  # fmt: skip
    return rows


def compare(model: Outcome, baseline: Outcome) -> dict[str, Any]:
    """Difference of the model's accuracy from the baseline's on the same calls, with paired bootstrap intervals."""
    return {head: bootstrap(model.right(head).astype(float) - baseline.right(head)) for head in ANSWERS}
