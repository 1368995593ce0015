"""`yidiantong drift`: how far the calls of the last weeks are from those of a reference."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from model.drift import Move
    from serving.drift import Week

app = typer.Typer()
LEVELS = {"too_few": "样本不足", "steady": "平稳", "watch": "留意", "alarm": "报警"}
NAMES = {
    "length": "字数", "shape": "形式", "unknown": "生字占比", "category": "类别", "urgency": "紧急程度",
    "police": "警务/非警务", "confident": "有无把握", "category_probability": "类别概率",
}  # fmt: skip


@app.command()
def drift(
    weeks: Annotated[int, typer.Option(min=1, max=520, help="How many weeks, this one included.")] = 8,
    reference: Annotated[
        str | None,
        typer.Option(help="First and last day of an earlier period, 2026-09-01/2026-09-30; release: what the release "
                          "was measured on. Without it, the setting DRIFT_REFERENCE."),
    ] = None,
    city: Annotated[str | None, typer.Option(help="Only calls of this city.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Compare what came in and what was suggested, week by week, with a reference."""
    from rich.console import Console

    from model.registry import RegistryError
    from model.release import ReleaseError, open_release
    from serving import drift as found
    from serving.cli import fail
    from serving.cli_calls import stored
    from serving.releases import live_folder

    with stored() as (store, chosen):
        wanted = chosen.drift_reference if reference is None else "" if reference == "release" else reference
        try:
            release = open_release(live_folder(chosen, chosen.registry), ())
            compared = found.reference(store, release, wanted, city)
        except (RegistryError, ReleaseError) as error:
            raise fail(str(error)) from error
        except ValueError as error:
            raise fail(f"--reference {wanted}: {error}" if wanted else str(error)) from error
        rows = found.by_week(store, release, compared, weeks, city)
    if as_json:
        told = {"reference": wanted or f"release {release.version}", "calls": compared.calls,
                "means": compared.means(), "weeks": [row.to_json() for row in rows]}  # fmt: skip
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    typer.echo(f"基准：{wanted or '模型 ' + release.version + ' 的留出来电'}，{compared.calls} 件")
    Console(markup=False).print(_table(rows))


def _table(rows: "list[Week]") -> "Table":
    from rich.table import Table

    from model.drift import largest

    table = Table("周", "来电", *NAMES.values(), "变动最大", box=None)
    for row in rows:
        cells = [LEVELS[s.level] if s.psi is None else f"{s.psi:.2f} {LEVELS[s.level]}" for s in row.shifts]
        name = f"{row.span.since}{'' if row.complete else '（未完）'}"
        table.add_row(name, str(row.counted.profile.calls), *cells, "；".join(map(_told, largest(row.shifts))))
    return table


def _told(move: "Move") -> str:
    from data.taxonomy import URGENCY_NAMES, PoliceLabel, Urgency, categories
    from model.drift import REST

    value = move.value
    if value == REST:
        value = "其余"
    elif move.feature == "category" and value in categories():
        value = categories()[value].name
    elif move.feature == "urgency":
        value = URGENCY_NAMES[Urgency(value)]
    elif move.feature == "police":
        value = PoliceLabel(value).label
    return f"{NAMES[move.feature]} {value} {move.before:.0%}→{move.now:.0%}"
