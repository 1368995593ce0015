"""The encoder of each release named, alone and on one thread: size of the release and median milliseconds a text.

    python -m tests.bench.encoder FOLDER…

The releases take turns on the same texts.
"""

import statistics
import sys
from pathlib import Path

from model.release import BUNDLED
from model.runtime import Encoder
from tests.bench.calls import text
from tests.bench.service import ROUNDS, WARM, milliseconds

TOKENS = (64, 128)


def tokens(encoder: Encoder, count: int) -> str:
    """The shortest call of which the encoder reads that many tokens, or a few more."""
    return next(found for length in range(10, 400) if len(encoder.read([found := text(length)])[0].spans) >= count)


def main() -> None:
    """Prints a line for each release and length."""
    encoders = {folder: Encoder(folder, threads=1) for folder in map(Path, sys.argv[1:] or [str(BUNDLED)])}
    print("| release | MB | tokens | ms |\n| --- | --- | --- | --- |")
    for count in TOKENS:
        for folder, encoder in encoders.items():
            size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
            calls = [tokens(encoder, count)] * (ROUNDS + WARM)
            took = statistics.median(milliseconds(lambda call, encoder=encoder: encoder.pooled([call]), calls))  # type: ignore[misc]
            print(f"| {encoder.version} | {size:.1f} | {count} | {took:.1f} |")


if __name__ == "__main__":
    main()
