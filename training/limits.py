"""What stops the figures: releases together, error against the share that is confident, where police errors lie.

    python -m training.limits --data FILE.jsonl… RELEASE… [--readings FOLDER] [--misheard 0.1] [--output DIR]

With `--misheard` that share of the calls' characters is written down wrong (`training.misheard`). `FOLDER` holds, as
`FILE.NAME.jsonl`, what somebody answered who read the same calls by the guide without their labels: `id`, `category`
and `urgency` of each.

The first release is the one that is looked into. What only several together get right, more learning of this kind could
bring; what goes wrong among the surest calls wants other text, or another label.
"""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from data.corpus import CategoryCode, read_lines
from data.policy import DEFAULT_CITY, policies
from data.tables import DataError
from data.taxonomy import Urgency
from model.blend import Blend
from model.reading import Model, Reading
from model.risk import expected_cost
from model.text import render
from training.evaluate import ANSWERS, Outcome, columns, labelled, read_cases, run, under_called
from training.misheard import misheard
from training.report import table

SHARES = (0.5, 0.6, 0.7, 0.8, 0.88, 1.0)


class Label(BaseModel):
    """What a reader answered for the call `id`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    category: CategoryCode
    urgency: Urgency


class Together:
    """Several models as one: the mean of their probabilities."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = models
        self.version, self.taxonomy = " + ".join(model.version for model in models), models[0].taxonomy
        self.bars = models[0].bars

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading a text, with no support."""
        return [
            Reading(np.mean([one.joint for one in readings], axis=0), readings[0].spans, readings[0].support,
                    all(one.is_call for one in readings), self.taxonomy)
            for readings in zip(*(model.read(texts) for model in self._models), strict=True)
        ]  # fmt: skip


def read_blind(path: Path, outcome: Outcome) -> Outcome:
    """The same cases with a reader's answers, from a JSONL file of `Label`, in the model's place.

    Raises:
        DataError: a line that is no label; a case that has none.
    """
    given = {label.id: label for label in read_lines(path, Label, outcome.taxonomy)}
    if missing := [case.id for case in outcome.cases if case.id not in given]:
        raise DataError(path, 0, "id", f"{missing[0]!r} has not been read")
    policy = policies(outcome.taxonomy)[DEFAULT_CITY]
    answers = [case.model_copy(update={"category": given[case.id].category, "urgency": given[case.id].urgency})
               for case in outcome.cases]  # fmt: skip
    return replace(outcome, suggestions=(), guess=columns([labelled(case, policy) for case in answers]))


def accuracies(outcomes: Mapping[str, Outcome]) -> str:
    """A Markdown table of what each model or reader, by version or name, got right of the same cases."""
    return table(["", *ANSWERS], [[version, *(f"{found.right(head).mean():.3f}" for head in ANSWERS)]
                                  for version, found in outcomes.items()])  # fmt: skip


def risk(model: Model, outcome: Outcome) -> str:
    """A Markdown table: the surest calls, by expected cost, and what goes wrong among them."""
    policy = policies(model.taxonomy)[DEFAULT_CITY]
    readings = model.read([render(case.call().transcript).text for case in outcome.cases])
    costs = [expected_cost(reading.joint, policy, s.destination.code, s.urgency.level)
             for reading, s in zip(readings, outcome.suggestions, strict=True)]  # fmt: skip
    order, wrong = np.argsort(costs, kind="stable"), ~outcome.right("destination")
    missed = np.array([bool(case.danger) and under_called(s.destination.code, s.urgency.level)
                       for case, s in zip(outcome.cases, outcome.suggestions, strict=True)])  # fmt: skip
    rows = []
    for share in SHARES:
        kept = order[: round(share * len(order))]
        rows.append([f"{share:.0%}", f"{costs[kept[-1]]:.2f}", f"{wrong[kept].mean():.1%}", str(missed[kept].sum())])
    return table(["the surest", "expected cost up to", "destination wrong", "dangers passed on"], rows)


def police_errors(outcome: Outcome) -> str:
    """A Markdown table: between which categories police and non-police are mistaken, the commonest first."""
    wrong = np.flatnonzero(~outcome.right("police"))
    pairs = Counter((outcome.truth["category"][n], outcome.guess["category"][n]) for n in wrong)
    near = sum(bool(abs(outcome.probability["police"][n] - 0.5) < 0.25) for n in wrong)
    told = f"{len(wrong)} of {len(outcome.cases)} wrong, {near} of these at a probability under 0.75."
    rows = [[truth, guess, str(count)] for (truth, guess), count in pairs.most_common(12)]
    return f"{told}\n\n{table(['labelled', 'taken for', 'calls'], rows)}"


def main() -> None:
    """Writes limits.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("releases", nargs="+", type=Path)
    parser.add_argument("--data", nargs="+", type=Path, required=True)
    parser.add_argument("--readings", type=Path, default=Path("docs/evaluation/limits/readings"))
    parser.add_argument("--output", type=Path, default=Path("reports/limits"))
    parser.add_argument("--misheard", type=float, default=0.0)
    asked = parser.parse_args()
    models = [Blend(folder) for folder in asked.releases]
    answering: list[Model] = [*models, Together(models)] if len(models) > 1 else [*models]
    parts = ["# What stops the figures", (__doc__ or "").strip().split("\n\n")[-1]]
    for path in asked.data:
        cases = [misheard(case, asked.misheard) for case in read_cases(path)]
        outcomes = {model.version: run(model, cases) for model in answering}
        outcome = outcomes[models[0].version]
        for read in sorted(asked.readings.glob(f"{path.stem}.*.jsonl")):
            outcomes[f"read blind, {read.suffixes[0][1:]}"] = read_blind(read, outcome)
        parts += [f"## {path.stem}: {len(cases)} calls", accuracies(outcomes), risk(models[0], outcome),
                  police_errors(outcome)]  # fmt: skip
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / "limits.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
