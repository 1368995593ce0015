"""A candidate release beside the live one on the same calls: what got better, what got worse, and by how much."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from data.noise import drop_end
from data.own_taxonomy import Taxonomy, together
from data.policy import DEFAULT_CITY, load_policy
from data.records import Suggestion
from model.blend import Blend
from model.risk import cost_of_truths
from model.suggest import Suggester
from training.evaluate import ANSWERS, Case, Outcome, bootstrap, grouped, measure, run
from training.misheard import MISHEARD, misheard

BEGUN = (0.25, 0.5, 0.75)
LENGTHS = (30, 100, 250)
TIMED = 60
SHOWN = 30
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Pair:
    """The answers of both releases to the same cases."""

    live: Outcome
    candidate: Outcome

    def rights(self, head: str, chosen: Bools | None = None) -> tuple[Bools, Bools]:
        """Which of the chosen cases live and candidate got right."""
        where = np.ones(len(self.live.cases), bool) if chosen is None else chosen
        return self.live.right(head)[where], self.candidate.right(head)[where]


def judge(live: Path, candidate: Path, cases: Sequence[Case], dangers: Sequence[Case], variants: int) -> dict[str, Any]:
    """Every figure of the comparison; `variants` cases (seeded) are also heard badly and cut short.

    `dangers` are calls in which danger hides, and look-alikes. Where the releases have other categories, they are
    compared on what both know (`common`); calls of a category that only one of them has are told apart (`taxonomy`).

    Raises:
        ReleaseError: a release does not load.
        ValueError: both know none of the categories.
    """
    models = Blend(live), Blend(candidate)
    known = models[0].taxonomy, models[1].taxonomy
    names, every = common(*known), cases
    cases = [case for case in every if all(case.category in taxonomy for taxonomy in known)]
    if not cases:
        raise ValueError("no call is of a category that both releases know")

    def both(calls: Sequence[Case]) -> Pair:
        return Pair(*(_renamed(run(model, calls), names) for model in models))

    pair = both(cases)
    drawn = random.Random(110).sample(list(cases), min(variants, len(cases)))
    return {
        "versions": {"live": models[0].version, "candidate": models[1].version},
        "calls": len(cases),
        "taxonomy": _apart(models, names, every),
        "overall": {head: difference(*pair.rights(head)) for head in ANSWERS},
        "slices": {name: {head: difference(*pair.rights(head, chosen)) for head in ANSWERS}
                   for name, chosen in slices(pair.live).items()},
        "variants": {name: {head: difference(*found.rights(head)) for head in ANSWERS}
                     for name, change in disturbances().items()
                     for found in [both([change(case) for case in drawn])]},
        "sides": _sides(pair, _side),
        "danger": _sides(both(dangers), _danger) if dangers else {},
        "weight": dict(zip(("live", "candidate"), _weights((live, candidate), models, cases), strict=True)),
        "better": changed(pair, better=True),
        "worse": changed(pair, better=False),
    }  # fmt: skip


def common(live: Taxonomy, candidate: Taxonomy) -> dict[str, str]:
    """The name by which both know each category: those that one of them merges are one, and called the same."""
    names = {code: code for code in together(live, candidate).codes}
    for taxonomy in (live, candidate):
        for code, into in taxonomy.merged.items():
            one, whole = names[code], names[into]
            names = {each: whole if name == one else name for each, name in names.items()}
    return names


def _renamed(outcome: Outcome, names: Mapping[str, str]) -> Outcome:
    """The outcome with categories by their common names; where each goes stays what its release's own table says."""
    sides = [{**side, "category": np.array([names[str(code)] for code in side["category"]])}
             for side in (outcome.truth, outcome.guess)]  # fmt: skip
    return replace(outcome, truth=sides[0], guess=sides[1])


def _apart(models: tuple[Blend, Blend], names: Mapping[str, str], cases: Sequence[Case]) -> dict[str, Any]:
    """What the releases' categories differ in, and how each does on calls of its own; empty where they are the same."""
    if models[0].taxonomy == models[1].taxonomy:
        return {}
    found: dict[str, Any] = {"merged": {code: name for code, name in names.items() if code != name}}
    for side, model, other in zip(("live", "candidate"), models, reversed(models), strict=True):
        own = [case for case in cases if case.category in model.taxonomy and case.category not in other.taxonomy]
        found[side] = {
            "own": [code for code in model.taxonomy.codes if code not in other.taxonomy],
            "calls": len(own),
            "right": int(run(model, own).right("category").sum()) if own else 0,
        }
    return found


def difference(live: Bools, candidate: Bools) -> dict[str, Any]:
    """Accuracies, the candidate's gain with its paired bootstrap interval, and McNemar's exact p of both sides."""
    won, lost = int((candidate & ~live).sum()), int((live & ~candidate).sum())
    return {
        "calls": len(live),
        "live": round(float(live.mean()), 4),
        "candidate": round(float(candidate.mean()), 4),
        "gain": bootstrap(candidate.astype(float) - live),
        "won": won,
        "lost": lost,
        "p": round(float(binomtest(won, won + lost).pvalue), 4) if won + lost else 1.0,
    }


def slices(outcome: Outcome) -> dict[str, Bools]:
    """Cases by category, style, urgency, town of the place that was found, and length."""
    return grouped(map(_kinds, outcome.cases, outcome.suggestions))


def _kinds(case: Case, suggestion: Suggestion) -> list[str]:
    town = suggestion.location.town if suggestion.location else None
    return [f"category: {case.category}", f"style: {case.shape}", f"urgency: {case.urgency}",
            f"length: {_length(case)}", *([f"town: {town}"] if town else [])]  # fmt: skip


def _length(case: Case) -> str:
    count = sum(len(turn.text) for turn in case.call().transcript)
    over = [limit for limit in LENGTHS if count >= limit]
    return f"{over[-1]} characters and more" if over else f"under {LENGTHS[0]} characters"


def begun(case: Case, share: float) -> Case:
    """The case with that share of its words said so far."""
    return case.model_copy(update={"turns": tuple(drop_end(case.call().transcript, share)), "text": ""})


def disturbances() -> Mapping[str, Callable[[Case], Case]]:
    """What a recogniser's errors and an unfinished call do to the transcript, by name."""
    return {f"{rate:.0%} of the characters misheard": partial(misheard, rate=rate) for rate in (0.0, *MISHEARD)} | {
        f"the first {share:.0%} of the call": partial(begun, share=share) for share in BEGUN
    }


def _sides(pair: Pair, figures: Callable[[Outcome], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {"live": figures(pair.live), "candidate": figures(pair.candidate)}


def _side(outcome: Outcome) -> dict[str, Any]:
    figures = measure(outcome)
    kept = ("top3", "macro_f1", "calibration_error", "confident", "destination_error_when_confident")
    return {name: figures[name] for name in kept} | {"cost": bootstrap(costs(outcome))}


def costs(outcome: Outcome) -> NDArray[np.float64]:
    """What every suggestion costs by `data/costs.csv`, in questions to the operator."""
    policy, codes = load_policy(DEFAULT_CITY, taxonomy=outcome.taxonomy), outcome.taxonomy.codes
    return np.array([
        cost_of_truths(policy, said.destination.code, said.urgency.level)[codes.index(case.category), case.urgency.rank]
        for case, said in zip(outcome.cases, outcome.suggestions, strict=True)
    ], float)  # fmt: skip


def _danger(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = measure(outcome)["danger"]
    return found | {"recall": round(1 - found["under_called"] / max(1, found["calls"]), 4)}


def _weights(folders: Sequence[Path], models: Sequence[Blend], cases: Sequence[Case]) -> list[dict[str, float]]:
    """Size (MB) and median milliseconds a call, the releases taking turns on the same calls."""
    times: Mapping[int, list[float]] = {n: [] for n in range(len(models))}
    suggesters = [Suggester(model=model) for model in models]
    for case in cases[:TIMED]:
        for n, suggester in enumerate(suggesters):
            begun = time.perf_counter()
            suggester.suggest(case.call())
            times[n].append(time.perf_counter() - begun)
    return [
        {
            "megabytes": round(sum(path.stat().st_size for path in folder.iterdir()) / 1e6, 1),
            "milliseconds": round(1000 * float(np.median(times[n])), 2),
        }
        for n, folder in enumerate(folders)
    ]


def changed(pair: Pair, better: bool) -> list[dict[str, str]]:
    """Cases whose category only the candidate (`better`) or only the live release got right, the dearest first."""
    live, candidate = pair.rights("category")
    where = np.flatnonzero(candidate & ~live if better else live & ~candidate)
    price = costs(pair.live if better else pair.candidate)
    ordered = sorted(where.tolist(), key=lambda n: -price[n])[:SHOWN]
    return [
        {
            "id": pair.live.cases[n].id,
            "text": "\n".join(turn.text for turn in pair.live.cases[n].call().transcript),
            "truth": f"{pair.live.cases[n].category} · {pair.live.cases[n].urgency}",
            "live": _said(pair.live, n),
            "candidate": _said(pair.candidate, n),
        }
        for n in ordered
    ]


def _said(outcome: Outcome, n: int) -> str:
    return f"{outcome.guess['category'][n]} · {outcome.guess['urgency'][n]} → {outcome.guess['destination'][n]}"
