"""What `yidiantong earliness` leaves behind: earliness.json, earliness.md, earliness.png."""

import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from training.earliness import SHARES, TURNS

SIDES = {"with": "with hysteresis", "without": "without"}


def write_earliness(folder: Path, name: str, version: str, figures: dict[str, Any]) -> dict[str, Any]:
    """Writes everything to `folder` and returns what stands in earliness.json."""
    folder.mkdir(parents=True, exist_ok=True)
    report = {"set": name, "version": version} | figures
    (folder / "earliness.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "earliness.md").write_text(_markdown(report), encoding="utf-8")
    _picture(report, folder / "earliness.png")
    return report


def summary(report: dict[str, Any]) -> str:
    """Flips and time-to-final, as a Markdown table."""
    rows = {
        "flips per call": "flips_per_call",
        "first guesses, shown as such, included": "changes_per_call",
        "calls with at most one flip": "calls_with_at_most_one_flip",
        "median time-to-final (share of the caller's characters)": "median_time_to_final",
        "mean time-to-final": "mean_time_to_final",
    }
    lines = ["| | with hysteresis | without |", "| --- | --- | --- |"]
    return "\n".join(
        [
            *lines,
            *(f"| {text} | {report['with'][key]:.3f} | {report['without'][key]:.3f} |" for text, key in rows.items()),
        ]
    )


def _markdown(report: dict[str, Any]) -> str:
    rules = report["rules"]
    parts = [
        f"# Earliness on {report['set']}: {report['calls']} calls",
        f"Model `{report['version']}`. A call is evaluated every {report['step']} characters of the caller and at the "
        f"end of each of his turns. Hysteresis: nothing is held before {rules['earliest']} characters; margin "
        f"{rules['margin']}, patience {rules['patience']} characters, suspicion withdrawn below {rules['calm_at']}. "
        "A flip is a change of the destination shown once a suggestion is settled; time-to-final is the share of the "
        "caller's characters after "
        "which the destination shown stays the final one.",
        summary(report),
        "## After a share of the caller's characters\n\n" + _table(report, "after_share", "share", "{} %"),
        "## After whole turns of the caller\n\n" + _table(report, "after_turns", "turns", "{}"),
        "![earliness](earliness.png)",
    ]
    return "\n\n".join(parts) + "\n"


def _table(report: dict[str, Any], key: str, name: str, form: str) -> str:
    lines = [
        f"| {name} | calls | category with | without | destination with | without | final category already | without |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for at, ours in report["with"][key].items():
        plain = report["without"][key][at]
        if ours["calls"]:
            heads = ("category", "destination", "final_category")
            figures = [side[head] for head in heads for side in (ours, plain)]
            lines.append(f"| {form.format(at)} | {ours['calls']} | " + " | ".join(f"{f:.3f}" for f in figures) + " |")
    return "\n".join(lines)


def _picture(report: dict[str, Any], path: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), sharey=True)
    for axis, key, places, label in (
        (axes[0], "after_share", SHARES, "% of the caller's characters"),
        (axes[1], "after_turns", TURNS, "whole turns of the caller"),
    ):
        for colour, head in (("tab:blue", "destination"), ("tab:orange", "category")):
            for side, line in (("with", "-"), ("without", ":")):
                points = [(at, report[side][key][str(at)][head]) for at in places]
                known = [(at, value) for at, value in points if value is not None]
                axis.plot(*zip(*known, strict=True), line, color=colour, marker="o", markersize=4,
                          label=f"{head}, {SIDES[side]}")  # fmt: skip
        axis.set_xlabel(label)
        axis.set_ylim(0, 1)
        axis.grid(alpha=0.3)
    axes[0].axvline(100 * report["with"]["median_time_to_final"], color="grey", linewidth=1, linestyle="--")
    axes[0].set_ylabel("share right")
    axes[1].legend(loc="lower right", fontsize=8)
    figure.suptitle(f"{report['set']}: {report['with']['flips_per_call']:.2f} flips a call "
                    f"({report['without']['flips_per_call']:.2f} without), median time-to-final "
                    f"{report['with']['median_time_to_final']:.0%}", fontsize=10)  # fmt: skip
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)
