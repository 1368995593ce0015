"""`yidiantong bulk`: an archive of calls, suggested anew on one machine or many."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def bulk(
    source: Annotated[
        str, typer.Argument(help="Folder or URL (s3://…) of Parquet and JSONL files; fields as in predict.")
    ],
    target: Annotated[str, typer.Argument(help="Folder or URL for the suggestions, as Parquet.")],
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; as many as there are cores if absent.")] = None,
    city: Annotated[str | None, typer.Option(help="Policy of calls without one; the default city's if absent.")] = None,
) -> None:  # fmt: skip
    """Classify an archive with Ray. The same command again goes on where a run ended."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    from data.policy import UnknownCity, cities
    from serving.archive.pieces import ArchiveError
    from serving.archive.run import Job, run
    from serving.cli import fail, settings

    chosen = settings()
    if city is not None and city not in (known := cities(chosen.policies)):
        raise UnknownCity(city, known)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=None)
            job = Job(chosen, source, target, city or chosen.city)
            done = run(job, workers, lambda done, pieces: bar.update(task, completed=done, total=pieces))
    except (ArchiveError, OSError) as error:
        raise fail(str(error)) from error
    again = f"; {done.there} of {done.pieces} pieces were there already" if done.there else ""
    typer.echo(f"{done.suggestions} suggestions, {done.errors} bad rows → {target}{again}")
