"""What `yidiantong compare` leaves behind: compare.json and one HTML page that needs nothing beside it."""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from jinja2 import Environment, FileSystemLoader

from training.gate import Finding

TEMPLATES = Path(__file__).parent / "templates"
PICTURED = ("style", "urgency", "length")


def write_comparison(folder: Path, figures: Mapping[str, Any], found: Sequence[Finding]) -> bool:
    """Writes both files to `folder` and returns whether every rule of the gate is kept."""
    promote = all(finding.kept for finding in found)
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"promote": promote, "gate": [asdict(finding) for finding in found], **figures}
    (folder / "compare.json").write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
    page = pages.get_template("compare.html").render(
        figures=figures, findings=found, promote=promote, gains=_gains(figures)
    )
    (folder / "compare.html").write_text(page, encoding="utf-8")
    return promote


def _gains(figures: Mapping[str, Any]) -> str:
    """The candidate's gain in category by slice, with intervals: an SVG in base64."""
    shown = {"all": figures["overall"]} | {
        name: heads for name, heads in figures["slices"].items() if name.startswith(PICTURED)
    } | figures["variants"]  # fmt: skip
    gains = [heads["category"]["gain"] for heads in shown.values()][::-1]
    plot, axes = plt.subplots(figsize=(9, 0.5 + 0.3 * len(gains)))
    for row, gain in enumerate(gains):
        axes.plot([gain["low"], gain["high"]], [row, row], color="#64748b", linewidth=2)
        axes.plot(gain["value"], row, "o", color="#15803d" if gain["value"] >= 0 else "#c2261f")
    axes.axvline(0, color="#0f172a", linewidth=0.8)
    axes.set_yticks(range(len(gains)), list(shown)[::-1])
    axes.set_xlabel("gain in category accuracy")
    plot.tight_layout()
    drawn = io.BytesIO()
    plot.savefig(drawn, format="svg")
    plt.close(plot)
    return base64.b64encode(drawn.getvalue()).decode()
