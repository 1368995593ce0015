"""What `yidiantong evaluate` leaves behind: report.json, report.md and pictures."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import confusion_matrix

from model.blend import Blend
from model.fallback import Linear
from model.runtime import Encoder
from training.evaluate import ANSWERS, Case, Outcome, compare, measure, per_category, run
from training.misheard import lost_when_misheard

BINS = 10


def write_report(folder: Path, name: str, cases: Sequence[Case], release: Path) -> dict[str, Any]:
    """Measures the release as served, its encoder alone and the baseline on the same calls.

    Writes everything to `folder` and returns what stands in report.json.

    Raises:
        ReleaseError: the release does not load.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model, encoder, baseline = Blend(release), Encoder(release), Linear(release)
    ours, alone, theirs = run(model, cases), run(encoder, cases), run(baseline, cases)
    report = {
        "set": name,
        "versions": {"model": model.version, "baseline": baseline.version},
        "model": measure(ours),
        "encoder": measure(alone),
        "baseline": measure(theirs),
        "model_minus_baseline": compare(ours, theirs),
        "lost_when_misheard": {
            side: lost_when_misheard(answering, plain)
            for side, answering, plain in (("model", model, ours), ("baseline", baseline, theirs))
        },
        "categories": per_category(ours),
    }
    (folder / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(_markdown(report), encoding="utf-8")
    _confusion(ours, folder / "confusion.png")
    _reliability({"model": ours, "baseline": theirs}, folder / "reliability.png")
    _slices(report, folder / "slices.png")
    return report


def interval(figure: dict[str, float]) -> str:
    """`0.812 (0.790–0.834)`."""
    return f"{figure['value']:.3f} ({figure['low']:.3f}–{figure['high']:.3f})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells as a Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def figures_table(report: dict[str, Any]) -> str:
    """The main figures side by side, as a Markdown table; the difference is the model's from the baseline."""
    sides = [report[side] for side in ("model", "encoder", "baseline")]
    rows = [[head, *(interval(side["accuracy"][head]) for side in sides),
             interval(report["model_minus_baseline"][head])] for head in ANSWERS]  # fmt: skip
    rows.insert(1, ["category in top three", *(interval(side["top3"]) for side in sides), ""])
    if "acceptable" in report["model"]:
        rows.insert(1, ["category acceptable", *(interval(side["acceptable"]) for side in sides), ""])
    return table(["accuracy (95 % interval)", "model", "its encoder alone", "jieba + scikit-learn", "difference"], rows)


def slices_table(report: dict[str, Any]) -> str:
    """The model's accuracies by slice, as a Markdown table."""
    table = "| slice | calls | " + " | ".join(ANSWERS) + " |\n| --- | --- " + "| --- " * len(ANSWERS) + "|"
    for name, row in report["model"]["slices"].items():
        table += f"\n| {name} | {row['calls']} | " + " | ".join(f"{row[head]:.3f}" for head in ANSWERS) + " |"
    return table


def _calibration_table(model: dict[str, Any]) -> str:
    rows = []
    for head, chance in model["calibration_error_by_chance"].items():
        figures = (model["calibration_error"][head], chance["mean"], chance["high"])
        rows.append([head, *(f"{figure:.3f}" for figure in figures)])
    head = ["expected calibration error", "of the model", "of a perfect one on so few calls", "its 95th percentile"]
    return table(head, rows)


def _misheard_table(report: dict[str, Any]) -> str:
    rows = []
    for share, lost in report["lost_when_misheard"]["model"].items():
        theirs = report["lost_when_misheard"]["baseline"][share]["category"]
        rows.append([share, *(interval(figure) for figure in (*lost.values(), theirs))])
    return table(["lost when so many characters are heard wrong", *ANSWERS, "category, jieba + scikit-learn"], rows)


def _markdown(report: dict[str, Any]) -> str:
    model, baseline = report["model"], report["baseline"]
    parts = [
        f"# {report['set']}: {model['calls']} calls",
        f"Model `{report['versions']['model']}`, baseline `{report['versions']['baseline']}`.",
        figures_table(report),
        f"Macro F1 {model['macro_f1']:.3f} / {baseline['macro_f1']:.3f}. Confident on {model['confident']:.1%} of the "
        "calls; destination wrong on "
        + (f"{model['destination_error_when_confident']:.1%} of these." if model["confident"] else "none of these."),
        _calibration_table(model),
        f"The plausible destinations hold the right one in {interval(model['plausible']['coverage'])} of the calls "
        f"(stated: 0.95); they are {model['plausible']['size']:.2f} on average, one alone in "
        f"{model['plausible']['single']:.1%} of the calls.",
    ]
    parts.append(_misheard_table(report))
    if "danger" in model:
        parts.append(
            "Hidden danger: " + ", ".join(f"{key.replace('_', ' ')} {n}" for key, n in model["danger"].items())
        )
    parts.append("## Slices\n\n" + slices_table(report))
    parts.append(
        "## Categories\n\n| category | calls | recall | precision | mostly taken for |\n| --- | --- | --- | --- | --- |"
    )
    for row in report["categories"]:
        parts[-1] += "\n| " + " | ".join("–" if row[key] is None else str(row[key]) for key in row) + " |"
    parts.append("![confusion](confusion.png)\n![reliability](reliability.png)\n![slices](slices.png)")
    return "\n\n".join(parts) + "\n"


def _confusion(outcome: Outcome, path: Path) -> None:
    codes = list(outcome.taxonomy.codes)
    matrix = confusion_matrix(outcome.truth["category"], outcome.guess["category"], labels=codes).astype(float)
    matrix /= np.maximum(1, matrix.sum(1, keepdims=True))
    figure, axes = plt.subplots(figsize=(15, 14))
    axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(codes)), codes, rotation=90, fontsize=7)
    axes.set_yticks(range(len(codes)), codes, fontsize=7)
    axes.set_xlabel("suggested")
    axes.set_ylabel("labelled")
    _save(figure, path)


def _reliability(outcomes: dict[str, Outcome], path: Path) -> None:
    figure, axes = plt.subplots(1, len(ANSWERS), figsize=(4 * len(ANSWERS), 4), sharey=True)
    for axis, head in zip(axes, ANSWERS, strict=True):
        axis.plot([0, 1], [0, 1], color="grey", linewidth=1)
        for name, outcome in outcomes.items():
            probability, right = outcome.probability[head], outcome.right(head)
            bins = np.minimum((probability * BINS).astype(int), BINS - 1)
            points = [
                (probability[bins == b].mean(), right[bins == b].mean()) for b in range(BINS) if (bins == b).any()
            ]
            axis.plot(*zip(*points, strict=True), marker="o", label=name)
        axis.set_title(head)
        axis.set_xlabel("probability")
    axes[0].set_ylabel("share right")
    axes[0].legend()
    _save(figure, path)


def _slices(report: dict[str, Any], path: Path) -> None:
    names = list(report["model"]["slices"])
    figure, axis = plt.subplots(figsize=(9, 0.45 * len(names) + 1.5))
    places = np.arange(len(names))
    for offset, side in ((0.2, "model"), (-0.2, "baseline")):
        axis.barh(places + offset, [report[side]["slices"][name]["category"] for name in names], 0.4, label=side)
    axis.set_yticks(places, names)
    axis.set_xlabel("category accuracy")
    axis.set_xlim(0, 1)
    axis.legend(loc="lower right")
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)
