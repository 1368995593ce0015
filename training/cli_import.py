"""`yidiantong import`: a city's own records as a corpus."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from data.tables import DataError

app = typer.Typer()
SHOWN = 30


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="CSV, XLSX, JSONL or Parquet files of records.")],
    mapping: Annotated[Path, typer.Option(help="TOML: their columns and categories, see docs/retraining.md.")],
    output: Annotated[Path, typer.Option(help="Corpus folder to write to.")] = Path("runs/imported"),
    name: Annotated[str, typer.Option(help="Name of the corpus part, and beginning of every id.")] = "own",
    encoding: Annotated[str, typer.Option(help="utf-8 or gb18030; found out when not given.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would happen.")] = False,
) -> None:
    """Read a city's own records as a corpus: mapped, redacted, grouped, in constant memory."""
    from training.importing.mapping import load_mapping
    from training.importing.records import import_records

    if not name.isalnum() or not name.isascii():
        raise typer.BadParameter("letters and digits only", param_hint="--name")
    if encoding and encoding.lower() not in ("utf-8", "utf-8-sig", "gb18030", "gbk"):
        raise typer.BadParameter("utf-8 or gb18030", param_hint="--encoding")
    shown = Progress(TextColumn("{task.completed:,} records"), TimeElapsedColumn(), transient=True)
    try:
        with shown:
            task = shown.add_task("", total=None)
            tally = import_records(
                files, load_mapping(mapping), name, None if dry_run else output, encoding,
                lambda count: shown.update(task, completed=count),
            )  # fmt: skip
    except DataError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{tally.taken} records {'would be ' * dry_run}taken, {tally.grouped} of them near to another; "
               f"{tally.repeated} repeated, {tally.skipped} skipped, {tally.rejected.total()} rejected")  # fmt: skip
    for reason, count in tally.rejected.most_common(SHOWN):
        typer.echo(f"  {count} rejected: {reason}")
    for theirs, count in tally.unmapped.most_common(SHOWN):
        typer.echo(f"  unmapped: {theirs} ({count})")
    for category, count in tally.categories.most_common():
        typer.echo(f"  {category} {count}")
    if not dry_run:
        typer.echo(f"→ {output}")
