"""Commands that measure a part of the service on its written set: the figures of the README come from here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from data.redaction import FOLDER as REDACTION

app = typer.Typer(no_args_is_help=True, help="Measure a part of the service on its written set.")
Misses = Annotated[bool, typer.Option("--misses", help="Show every text that went wrong.")]


def show(title: str, rows: Sequence[tuple[str, ...]], *heads: str) -> None:
    """Prints a table."""
    table = Table(title=title, title_justify="left")
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@app.command()
def redaction(
    data: Annotated[Path, typer.Option(help="Folder with personal.txt and look_alikes.txt.")] = REDACTION,
    misses: Misses = False,
) -> None:
    """What redaction misses, and what it destroys."""
    from data.redaction_measure import measure

    found = measure(data)
    rows = [
        ("personal data gone (recall)", f"{found.recall:.4f}", f"{found.gone} of {found.pieces}"),
        ("other characters destroyed", f"{found.destruction:.4f}", f"{found.destroyed} of {found.characters}"),
        ("texts of look-alikes touched", f"{found.touched_share:.4f}", f"{found.touched} of {found.look_alikes}"),
    ]
    show(f"redaction, {found.texts} texts", rows, "", "share", "count")
    if misses:
        for line in [*found.missed, *found.spoilt]:
            typer.echo(line)


@app.command()
def facts(
    data: Annotated[Path | None, typer.Option(help="JSONL of annotated calls; the bundled set if absent.")] = None,
    misses: Misses = False,
) -> None:
    """Precision, recall and F1 of each kind of key information; the blind half was written after the rules."""
    from model.facts_measure import SET, load_set, measure

    calls = load_set(data or SET)
    for part in ("before", "after"):
        chosen = [call for call in calls if call.part == part]
        scores = measure(chosen)
        rows = [
            (name, f"{score.precision:.3f}", f"{score.recall:.3f}", f"{score.f1:.3f}", str(score.right + score.missed),
             f"{score.exact}/{score.right}")
            for name, score in scores.items()
        ]  # fmt: skip
        show(
            f"facts, {len(chosen)} calls written {part} the rules", rows, "", "P", "R", "F1", "in the set", "exact span"
        )
        if misses:
            for score in scores.values():
                typer.echo("\n".join(score.errors))


@app.command()
def related(
    data: Annotated[Path | None, typer.Option(help="JSONL of pairs; the bundled set if absent.")] = None,
    misses: Misses = False,
) -> None:
    """How often the same matter is pointed out, and how often another one is; and what a look-up costs."""
    from data.records import Call
    from model.suggest import Suggester
    from serving.related_measure import SET, load_pairs, measure, milliseconds

    suggester = Suggester()
    pairs = load_pairs(data or SET)
    found = measure(pairs, suggester)
    rows = [
        (
            half,
            f"{figures.precision:.3f}",
            f"{figures.recall:.3f}",
            str(figures.right),
            str(figures.wrong),
            str(figures.missed),
        )
        for half, figures in found.items()
    ]
    show(f"related calls, {len(pairs)} pairs", rows, "half", "precision", "recall", "right", "wrong", "missed")
    call = Call(text=pairs[0].first)
    typer.echo(f"one look-up among 10,000 calls: {milliseconds(call, suggester.suggest(call)):.2f} ms")
    if misses:
        for figures in found.values():
            typer.echo("\n".join(figures.errors))
