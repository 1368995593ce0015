"""Our runtime and service beside what a user would pick instead, on one core.

    taskset -c 1 python -m tests.bench.rivals [--cache DIR] [--output DIR] [--repeats N] [--data FILE.jsonl…]

Rivals take turns, each in a process of its own. What they are trained to is kept in the cache; accuracy is that of the
category on the held-out split of the corpus, and on every labelled file given. Prints a table and draws a picture.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from itertools import chain
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from model.release import BUNDLED
from tests.bench.rivals.one import CORPUS, LENGTHS
from tests.bench.rivals.runners import HTTP, RIVALS
from tests.bench.rivals.trained import prepare

SHOWN_AT, BESIDE = 120, "torch-base"  # characters of the picture and of the ratio; whom the ratio is with
OURS = (HTTP, "ours")
VERSIONS = ("onnxruntime", "tokenizers", "torch", "transformers", "scikit-learn", "jieba", "floret")
ROOT = BUNDLED.parents[1]


def installed(wheels: Sequence[str]) -> float:
    """Megabytes of these distributions and of all that they require here, byte code left out."""
    waiting, seen = list(wheels), dict[str, Distribution]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        try:
            seen[name] = distribution(name)
        except PackageNotFoundError:
            continue  # wanted on other machines only
        wanted = [Requirement(text) for text in seen[name].requires or ()]
        extras = {"extra": ""}
        waiting += [w.name for w in wanted if not w.marker or w.marker.evaluate(extras)]
    files = chain.from_iterable(found.files or () for found in seen.values())
    paths = (Path(str(file.locate())) for file in files if file.suffix != ".pyc")
    return sum(path.stat().st_size for path in paths if path.exists()) / 1e6


def size(name: str, cache: Path) -> float:
    """Megabytes to install: libraries, and the model or our code and data."""
    rival = RIVALS[name]
    if name not in OURS:
        return installed(rival.wheels) + sum((cache / rival.made_of / f).stat().st_size for f in rival.files) / 1e6
    folders = ("data", "model", "serving") if name == HTTP else ("data", "model")
    own = (path for folder in folders for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts)
    return installed(rival.wheels) + sum(path.stat().st_size for path in own if path.is_file()) / 1e6


def measured(name: str, cache: Path, sources: Sequence[str]) -> dict[str, Any]:
    """What one process found; `sources` are those whose answers are asked for."""
    learnt = list(sources) if RIVALS[name].learnt and name != HTTP else []
    command = [sys.executable, "-m", "tests.bench.rivals.one", name, str(cache), "--answers", *learnt]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def gathered(cache: Path, repeats: int, sources: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Each rival's runs, one after the other in turns; accuracy is asked for in the first only."""
    runs = defaultdict(list)
    for turn in range(repeats):
        for name in RIVALS:
            print(f"{name} {turn + 1}/{repeats}", file=sys.stderr, flush=True)
            runs[name].append(measured(name, cache, () if turn else sources))
    return runs


def summed(name: str, runs: Sequence[Mapping[str, Any]], cache: Path) -> dict[str, Any]:
    """One row of the table. CPU is the least of the runs: what others do at the same time only adds."""
    lengths = {}
    for length in map(str, LENGTHS):
        ms = sorted(chain.from_iterable(run["times"][length]["ms"] for run in runs))
        lengths[length] = {"p50": statistics.median(ms), "p99": ms[int(len(ms) * 0.99) - 1] if len(ms) > 1 else ms[0],
                           "cpu": min(run["times"][length]["cpu"] for run in runs)}  # fmt: skip
    return {
        "title": RIVALS[name].title,
        "lengths": lengths,
        "memory": statistics.median(run["memory"] for run in runs),
        "ready": statistics.median(run["ready"] for run in runs),
        "size": size(name, cache),
        "accuracy": {source: statistics.mean(found) for source, found in runs[0]["answers"].items()},
    }


def table(rows: Mapping[str, Mapping[str, Any]], sources: Sequence[str]) -> str:
    """Markdown."""
    names = ["category right, held-out" if source == CORPUS else Path(source).stem for source in sources]
    heads = [*(f"{length} characters" for length in LENGTHS), f"CPU ms at {SHOWN_AT}", "BERT-base pipeline ×",
             "resident MiB", "install MB", *names]  # fmt: skip
    lines = ["| p50 / p99 ms | " + " | ".join(heads) + " |", "| --- " * (len(heads) + 1) + "|"]
    slowest = rows[BESIDE]["lengths"][str(SHOWN_AT)]["cpu"]
    for row in rows.values():
        cpu = row["lengths"][str(SHOWN_AT)]["cpu"]
        cells = [f"{found['p50']:.1f} / {found['p99']:.1f}" for found in row["lengths"].values()]
        cells += [f"{cpu:.2f}", f"{slowest / cpu:.1f}", f"{row['memory']:.0f}", f"{row['size']:.0f}"]
        cells += [f"{row['accuracy'][source]:.3f}" if source in row["accuracy"] else "—" for source in sources]
        lines.append(f"| {row['title']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def front(rows: Mapping[str, Mapping[str, Any]], by: str) -> list[str]:
    """Those than which none is both righter and cheaper, in what `by` names."""
    learnt = {name: (cost(row, by), row["accuracy"][CORPUS]) for name, row in rows.items() if row["accuracy"]}
    return [name for name, (spent, right) in learnt.items()
            if not any(less <= spent and more >= right and (less, more) != (spent, right)
                       for less, more in learnt.values())]  # fmt: skip


def cost(row: Mapping[str, Any], by: str) -> float:
    """CPU milliseconds, resident MiB or megabytes to install."""
    return float(row["lengths"][str(SHOWN_AT)]["cpu"] if by == "cpu" else row[by])


def draw(rows: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Accuracy against time, memory and size; what nothing beats is joined."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import LogLocator

    mpl.rcParams["font.family"] = ["Noto Sans CJK SC", "DejaVu Sans"]
    axes = {"cpu": f"CPU milliseconds at {SHOWN_AT} characters", "memory": "resident MiB", "size": "MB to install"}
    figure, parts = plt.subplots(1, len(axes), figsize=(13, 5), sharey=True, layout="constrained")
    learnt = {name: row for name, row in rows.items() if row["accuracy"]}
    for part, (by, label) in zip(parts, axes.items(), strict=True):
        best = sorted((cost(rows[name], by), rows[name]["accuracy"][CORPUS]) for name in front(rows, by))
        part.plot(*zip(*best, strict=True), color="0.7", zorder=0)
        for number, (name, row) in enumerate(learnt.items()):
            at = cost(row, by), row["accuracy"][CORPUS]
            part.scatter(*at, s=70, color=f"C{number}", marker="*" if name in OURS else "o", label=row["title"])
        part.set_xscale("log")
        part.set_xlabel(label)
        part.grid(alpha=0.3, which="both")
        part.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        part.xaxis.set_major_formatter("{x:g}")
        part.xaxis.set_minor_formatter("")
    parts[0].set_ylabel("category right, held-out split")
    figure.legend(*parts[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Prints machine, table and fronts, and draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("runs/rivals"))
    parser.add_argument("--output", type=Path, default=Path("docs/performance"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", nargs="*", default=[])
    asked = parser.parse_args()
    prepare(asked.cache)
    sources = [CORPUS, *asked.data]
    runs = gathered(asked.cache, asked.repeats, sources)
    rows = {name: summed(name, found, asked.cache) for name, found in runs.items()}
    rows[HTTP]["accuracy"] = rows["ours"]["accuracy"]  # the same suggester answers
    print(f"{platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} cores, "
          f"load average {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, "
          + ", ".join(f"{name} {version(name)}" for name in VERSIONS) + "\n")  # fmt: skip
    print(table(rows, sources) + "\n")
    for by in ("cpu", "memory", "size"):
        print(f"nothing beats in accuracy and {by}: " + ", ".join(rows[name]["title"] for name in front(rows, by)))
    draw(rows, asked.output / "rivals.png")


if __name__ == "__main__":
    main()
