"""`python -m tests.bench.importing [ROWS]`: that many call notes (a million unless said) imported from CSV and Parquet.

Each file is read by a process of its own, whose seconds of a core tell the speed where other work runs beside it. A note is two of the corpus put together and a telephone or another number,
70 characters in the middle; one in ten is a note seen lately with another number, so that there is something to group.
"""

import csv
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from data.corpus import load_corpus

MAPPING = '[columns]\ntext = "text"\ncategory = "category"\n[categories]\n'
CHILD = """
import resource, sys
from serving.cli import main
sys.argv[1:] = ["import", *sys.argv[1:]]
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def notes(rows: int) -> Iterator[tuple[str, str]]:
    """Text and category of so many notes, the same ones every time."""
    chance = random.Random(7)
    known = [(item.text, item.category) for item in load_corpus() if item.style == "note"]
    lately: deque[tuple[str, str]] = deque(maxlen=1_000)
    for _ in range(rows):
        if lately and chance.random() < 0.1:
            text, category = chance.choice(lately)
        else:
            text, category = chance.choice(known)
            text += chance.choice(known)[0]
            lately.append((text, category))
        tail = f"电话13{chance.randrange(10**9):09d}" if chance.random() < 0.2 else f"第{chance.randrange(10**6)}次"
        yield text + tail, category


def as_csv(path: Path, rows: int) -> None:
    """The notes as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "category"])
        writer.writerows(notes(rows))


def as_parquet(path: Path, rows: int) -> None:
    """The notes as Parquet, in groups of ten thousand rows."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schema = pa.schema([("text", pa.string()), ("category", pa.string())])
    with ParquetWriter(path, schema) as writer:
        held: list[dict[str, str]] = []
        for text, category in notes(rows):
            held.append({"text": text, "category": category})
            if len(held) == 10_000:
                writer.write_table(pa.Table.from_pylist(held, schema))
                held = []
        writer.write_table(pa.Table.from_pylist(held, schema))


def imported(path: Path, folder: Path) -> tuple[str, float, float, float]:
    """What the command says first, its seconds by the clock and of a core, and its peak in MiB."""
    command = [sys.executable, "-c", CHILD, str(path), "--mapping", str(folder / "mapping.toml"),
               "--output", str(folder / path.suffix[1:])]  # fmt: skip
    begun = time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = done.stdout.strip().splitlines()
    return lines[0], time.monotonic() - begun, *map(float, lines[-1].split())  # type: ignore[return-value]


def main() -> None:
    """Prints a row for each kind of file, once it is done."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    codes = sorted({item.category for item in load_corpus()})
    print("| file | MB | seconds | of a core | rows/s of a core | peak MiB | |\n" + "| --- " * 7 + "|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "mapping.toml").write_text(MAPPING + "".join(f'{code} = "{code}"\n' for code in codes))
        for name, write in (("notes.csv", as_csv), ("notes.parquet", as_parquet)):
            write(folder / name, rows)
            told, seconds, own, peak = imported(folder / name, folder)
            size = (folder / name).stat().st_size / 1e6
            print(f"| {name[6:]} | {size:.0f} | {seconds:.0f} | {own:.0f} | {rows / own:,.0f} | {peak:.0f} | {told} |",
                  flush=True)  # fmt: skip
            (folder / name).unlink()


if __name__ == "__main__":
    main()
