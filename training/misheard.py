"""What a recogniser's errors cost: the same calls with some of their characters written down wrong."""

import random

from data.noise import mishear
from model.reading import Model
from training.evaluate import ANSWERS, Case, Outcome, bootstrap, run

MISHEARD = (0.05, 0.1, 0.2)


def misheard(case: Case, rate: float) -> Case:
    """The case with that share of its characters written down wrong, as a recogniser does it (seeded)."""
    turns = mishear(case.call().transcript, rate, random.Random(case.id))
    return case.model_copy(update={"turns": tuple(turns), "text": ""})


def lost_when_misheard(model: Model, plain: Outcome) -> dict[str, dict[str, dict[str, float]]]:
    """By share of characters heard wrong, what the accuracy of each answer loses against `plain`, the model's own."""
    heard = {f"{rate:.0%}": run(model, [misheard(case, rate) for case in plain.cases]) for rate in MISHEARD}
    return {
        share: {head: bootstrap(plain.right(head).astype(float) - found.right(head)) for head in ANSWERS}
        for share, found in heard.items()
    }
