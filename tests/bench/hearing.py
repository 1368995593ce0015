"""What the reading of misheard characters puts right and what it spoils, on the validation split (seeded).

    python -m tests.bench.hearing

Every tenth character is replaced by one that sounds alike (`data.noise.homophones`); only those are counted.
"""

import random

from data.corpus import load_corpus, split_groups
from data.heard import heard
from data.noise import homophones
from data.plain import simplify

RATE, COUNT, SURER = 0.1, 3_000, (6.0, 8.0, 10.0, 12.0)


def misheard(text: str, rng: random.Random) -> str:
    """`text` with some characters that sound like those that were said."""
    return "".join(rng.choice(homophones().get(char, (char,))) if rng.random() < RATE else char for char in text)


def main() -> None:
    """Prints a line for every threshold."""
    items = load_corpus()
    side = split_groups(items)
    said = [simplify(turn.text) for item in items if side[item.group] == "validation" for turn in item.as_turns()]
    rng = random.Random(110)
    said = rng.sample(said, COUNT)
    wrong = [misheard(text, rng) for text in said]
    print(
        "| surer by | misheard characters put right | others changed | characters changed that were as they were said |"
    )
    print("| --- | --- | --- | --- |")
    for surer in SURER:
        right = lost = total = spoilt = 0
        for text, noisy in zip(said, wrong, strict=True):
            for a, b, c in zip(text, noisy, heard(noisy, surer), strict=True):
                right += a != b and c == a
                total += a != b
                lost += a == b != c
            spoilt += sum(a != b for a, b in zip(text, heard(text, surer), strict=True))
        chars = sum(map(len, said))
        print(
            f"| {surer:.0f} | {right / total:.3f} | {lost / (chars - total):.4f} | {spoilt / chars:.4f} |", flush=True
        )


if __name__ == "__main__":
    main()
