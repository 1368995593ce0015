"""`yidiantong releases …`: register, promote, take back. Running services follow within seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from model.registry import Registry, RegistryError
from model.release import ReleaseError

if TYPE_CHECKING:
    from serving.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Register, promote and take back releases.")


@contextmanager
def registry() -> "Iterator[tuple[Registry, Settings]]":
    """The registry; what goes wrong ends the command with one sentence."""
    from serving.cli import fail, settings

    chosen = settings()
    try:
        yield chosen.registry, chosen
    except (RegistryError, ReleaseError) as error:
        raise fail(str(error)) from error


@app.command("list")
def listed() -> None:
    """The releases that are here, with their aliases."""
    with registry() as (found, _):
        aliases, versions = found.aliases(), found.versions()
    for version in versions:
        names = ", ".join(alias for alias, other in aliases.items() if other == version)
        typer.echo(f"{version}  {names}".rstrip())
    if "live" not in aliases:
        typer.echo("none is live: the bundled release serves")


@app.command()
def add(folder: Annotated[Path, typer.Argument(help="Folder of the release, as `train` leaves it.")]) -> None:
    """Check a release, copy it in and make it the candidate."""
    with registry() as (found, _):
        typer.echo(f"{found.add(folder)} is the candidate")


@app.command()
def promote(version: Annotated[str | None, typer.Argument(help="Without one, the candidate.")] = None) -> None:
    """Make a release the live one."""
    with registry() as (found, _):
        wanted = found.chosen(version)
        found.promote(wanted)
        typer.echo(f"{wanted} is live")


@app.command()
def shadow(
    version: Annotated[str | None, typer.Argument(help="Without one, the candidate.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write the report to this Markdown file instead.")] = None,
) -> None:
    """What the candidate would have said beside the live release, where `SHADOW_SHARE` had it asked."""
    from serving.cli import fail
    from serving.shadow import answers, as_markdown, summary

    with registry() as (found, chosen):
        candidate = found.chosen(version)
        told = summary(answers(chosen.state_dir, candidate))
    if output:
        try:
            output.write_text(as_markdown(candidate, told), encoding="utf-8")
        except OSError as error:
            raise fail(str(error)) from error
        typer.echo(f"{told['calls']} calls answered by both → {output}")
        return
    typer.echo(f"{told['calls']} calls answered by both")
    for head, share in told["agreement"].items():
        typer.echo(f"  {head}: {share:.1%} alike")
    for change, count in told["changes"]:
        typer.echo(f"  {count} × {change}")
    for call_id in told["apart"]:
        typer.echo(call_id)


@app.command()
def rollback() -> None:
    """Make the previous release the live one again."""
    with registry() as (found, _):
        typer.echo(f"{found.rollback() or 'the bundled release'} is live")
