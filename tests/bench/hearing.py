"""What the reading of misheard characters puts right and what it spoils, on the validation split (seeded).

    python -m tests.bench.hearing

Every tenth character is replaced by one that sounds alike (`data.noise.homophones`); only those are counted.
"""

import random
import time
from collections.abc import Sequence

from data.corpus import load_corpus, split_groups
from data.heard import heard, spelled
from data.noise import homophones
from data.plain import simplify

RATE, COUNT, SURER = 0.1, 3_000, (6.0, 8.0, 10.0, 12.0)
LETTERS = "women" * 60  # as many as are read of a call


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
        "| surer by | misheard characters put right | others changed | changed as they were said | turns with a change |"
    )
    print("| --- | --- | --- | --- | --- |")
    for surer in SURER:
        right = lost = total = 0
        for text, noisy in zip(said, wrong, strict=True):
            for a, b, c in zip(text, noisy, heard(noisy, surer), strict=True):
                right += a != b and c == a
                total += a != b
                lost += a == b != c
        found = [heard(text, surer) for text in said]
        spoilt = sum(a != b for pair in zip(said, found, strict=True) for a, b in zip(*pair, strict=True))
        turns = sum(text != now for text, now in zip(said, found, strict=True)) / len(said)
        chars = sum(map(len, said))
        figures = f"{right / total:.3f} | {lost / (chars - total):.4f} | {spoilt / chars:.4f} | {turns:.3f}"
        print(f"| {surer:.0f} | {figures} |", flush=True)
    print(
        f"\n{timed(said):.2f} ms a turn; {timed([LETTERS]):.0f} ms for {len(LETTERS)} letters that may be cut in many ways"
    )


def timed(texts: Sequence[str]) -> float:
    """Milliseconds that reading one of `texts` takes, nothing of which is remembered."""
    began = time.perf_counter()
    for text in texts:
        list(spelled(heard(text), {}))
    return (time.perf_counter() - began) / len(texts) * 1_000


if __name__ == "__main__":
    main()
