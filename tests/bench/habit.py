"""What reviewed calls do for a city of its own ways: `python -m tests.bench.habit [RUN_FOLDER] [REVIEWS]`.

The city of `habit.toml` labels some categories otherwise and writes its notes in its own way. The bundled release goes on
with so many of its reviewed notes (500), as `training/configs/reviews.toml` has it; both releases are measured on notes of
the city that no training has seen, and on the held-out split of the corpus, which knows nothing of the city.
"""

import random
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.corpus import Item, load_corpus
from model.blend import Blend
from model.release import BUNDLED
from training.candidate import difference
from training.config import CONFIG_DIR, load_config
from training.evaluate import ANSWERS, Case, run
from training.material import parted
from training.pipeline import train

HABIT = Path(__file__).with_suffix(".toml")
REVIEWS = 500


def city_s(items: Sequence[Item], habit: dict[str, Any], seed: int) -> list[Item]:
    """Notes as the city's call-takers write them and its reviewers label them."""
    rng, made = random.Random(seed), []
    for item in items:
        text = item.text
        for ours, theirs in habit["words"].items():
            text = text.replace(ours, theirs)
        text = rng.choice(habit["notes"]["before"]) + text + rng.choice(habit["notes"]["after"])
        label = habit["labels"].get(item.category, item.category)
        made.append(item.model_copy(update={"id": f"city-{item.id}", "group": f"city-{item.group}", "text": text,
                                            "category": label}))  # fmt: skip
    return made


def mixed(items: Sequence[Item], habit: dict[str, Any], count: int, seed: int) -> list[Item]:
    """`count` notes, one in five of a category that the city labels otherwise."""
    notes = [item for item in items if item.style == "note"]
    random.Random(seed).shuffle(notes)
    other = [item for item in notes if item.category in habit["labels"]][: count // 5]
    rest = [item for item in notes if item.category not in habit["labels"]][: count - len(other)]
    return city_s([*other, *rest], habit, seed)


def main(folder: Path, reviews: int) -> None:
    habit, parts = tomllib.loads(HABIT.read_text(encoding="utf-8")), parted(load_corpus())
    reviewed, unseen = folder / "reviews", mixed([*parts["validation"], *parts["test"]], habit, 400, 2)
    reviewed.mkdir(parents=True, exist_ok=True)
    lines = (item.model_dump_json(exclude_defaults=True) for item in mixed(parts["train"], habit, reviews, 1))
    (reviewed / "reviews.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = load_config(CONFIG_DIR / "reviews.toml")
    config = config.model_copy(update={
        "base": config.base.model_copy(update={"warm_start": BUNDLED}),
        "corpus": config.corpus.model_copy(update={"more": (reviewed,)}),
    })  # fmt: skip
    begun = time.monotonic()
    candidate = train(config, folder / "run", print)
    print(f"\n{reviews} reviewed notes, {(time.monotonic() - begun) / 60:.1f} minutes from reviews to release\n")
    print("| calls | head | bundled | retrained | gain (95 % interval) |\n| --- | --- | --- | --- | --- |")
    for name, items in (("the city's notes", unseen), ("held-out split of the corpus", parts["test"])):
        before, after = (run(Blend(release), [Case.of(item) for item in items]) for release in (BUNDLED, candidate))
        for head in ANSWERS:
            found = difference(before.right(head), after.right(head))
            gain = found["gain"]
            print(f"| {name}, {found['calls']} | {head} | {found['live']:.3f} | {found['candidate']:.3f} "
                  f"| {gain['value']:+.3f} ({gain['low']:+.3f} … {gain['high']:+.3f}) |")  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/habit"), int(sys.argv[2]) if len(sys.argv) > 2 else REVIEWS)
