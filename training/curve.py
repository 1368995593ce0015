"""The learning curve over the corpus' size: what more text of this kind would still bring.

    python -m training.curve FILE.jsonl… [--output docs/evaluation/curve]

The linear model learns from shares of the training split (whole groups, seeded) and answers each labelled file. It
stands for the encoder, whose curve would take a night on two cores.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from data.corpus import Item, load_corpus
from model.fallback import Linear
from model.release import write_manifest
from training.baseline import train_baseline
from training.evaluate import Case, bootstrap, read_cases, run
from training.material import parted
from training.report import interval

SHARES = (0.125, 0.25, 0.5, 1.0)
SEED = 110
Row = dict[str, Any]


def shared(items: Sequence[Item], share: float) -> list[Item]:
    """That share of the groups; a larger share holds all of a smaller one."""
    groups = sorted({item.group for item in items})
    order = np.random.default_rng(SEED).permutation(len(groups))
    kept = {groups[n] for n in order[: round(share * len(groups))]}
    return [item for item in items if item.group in kept]


def curve(items: Sequence[Item], sets: dict[str, list[Case]]) -> list[Row]:
    """A row for each share: items learnt from, and the category accuracy (with interval) on each set."""
    rows: list[Row] = []
    for share in SHARES:
        part = shared(items, share)
        with tempfile.TemporaryDirectory() as folder:
            train_baseline(part, Path(folder))
            write_manifest(Path(folder), f"share-{share:g}", {"max_tokens": 320})
            model = Linear(Path(folder))
        found = {name: bootstrap(run(model, cases).right("category")) for name, cases in sets.items()}
        rows.append({"share": share, "items": len(part), **found})
    return rows


def write_curve(folder: Path, rows: Sequence[Row], names: Sequence[str]) -> str:
    """Writes curve.json, curve.md and curve.png, and returns the table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "curve.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    lines = ["| items learnt from | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|"]
    plot, axes = plt.subplots(figsize=(6, 4))
    for name in names:
        figures = [row[name] for row in rows]
        axes.plot([row["items"] for row in rows], [figure["value"] for figure in figures], "o-", label=name)
    for row in rows:
        lines.append(f"| {row['items']} | " + " | ".join(interval(row[name]) for name in names) + " |")
    axes.set_xscale("log", base=2)
    axes.set_xlabel("items learnt from")
    axes.set_ylabel("category accuracy of the linear model")
    axes.grid(alpha=0.3)
    axes.legend()
    plot.tight_layout()
    plot.savefig(folder / "curve.png", dpi=120)
    plt.close(plot)
    table = "\n".join(lines)
    (folder / "curve.md").write_text(f"# Learning curve\n\n{table}\n\n![curve](curve.png)\n", encoding="utf-8")
    return table


def main() -> None:
    """Draws the curve for the files named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, default=Path("reports/curve"))
    asked = parser.parse_args()
    sets = {path.stem: read_cases(path) for path in asked.files}
    rows = curve(parted(load_corpus())["train"], sets)
    print(write_curve(asked.output, rows, list(sets)))


if __name__ == "__main__":
    main()
