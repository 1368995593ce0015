"""`yidiantong releases …`: register, promote, take back. Running services follow within seconds."""

from pathlib import Path
from typing import Annotated

import typer

from model.registry import Registry, RegistryError
from model.release import ReleaseError
from serving.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Register, promote and take back releases.")


def _registry() -> Registry:
    return Registry(Settings().releases_folder)


def _fail(error: Exception) -> typer.Exit:
    typer.echo(f"error: {error}", err=True)
    return typer.Exit(2)


@app.command("list")
def listed() -> None:
    """The releases that are here, with their aliases."""
    registry = _registry()
    try:
        aliases = registry.aliases()
    except RegistryError as error:
        raise _fail(error) from error
    for version in registry.versions():
        names = ", ".join(alias for alias, found in aliases.items() if found == version)
        typer.echo(f"{version}  {names}".rstrip())
    if "live" not in aliases:
        typer.echo("none is live: the bundled release serves")


@app.command()
def add(folder: Annotated[Path, typer.Argument(help="Folder of the release, as `train` leaves it.")]) -> None:
    """Check a release, copy it in and make it the candidate."""
    try:
        version = _registry().add(folder)
    except (RegistryError, ReleaseError) as error:
        raise _fail(error) from error
    typer.echo(f"{version} is the candidate")


@app.command()
def promote(version: Annotated[str | None, typer.Argument(help="Without one, the candidate.")] = None) -> None:
    """Make a release the live one."""
    registry = _registry()
    try:
        wanted = version or registry.aliases().get("candidate")
        if wanted is None:
            raise RegistryError("there is no candidate")
        registry.promote(wanted)
    except RegistryError as error:
        raise _fail(error) from error
    typer.echo(f"{wanted} is live")


@app.command()
def shadow(version: Annotated[str | None, typer.Argument(help="Without one, the candidate.")] = None) -> None:
    """What the candidate would have said beside the live release, where `SHADOW_SHARE` had it asked."""
    from model.registry import checked
    from serving.shadow import answers, summary

    try:
        wanted = checked(version or _registry().aliases().get("candidate", ""))
    except RegistryError as error:
        raise _fail(error) from error
    found = summary(answers(Settings().state_dir, wanted))
    typer.echo(f"{found['calls']} calls answered by both")
    for head, share in found["agreement"].items():
        typer.echo(f"  {head}: {share:.1%} alike")
    for change, count in found["changes"]:
        typer.echo(f"  {count} × {change}")
    for call_id in found["apart"]:
        typer.echo(call_id)


@app.command()
def rollback() -> None:
    """Make the previous release the live one again."""
    try:
        version = _registry().rollback()
    except RegistryError as error:
        raise _fail(error) from error
    typer.echo(f"{version or 'the bundled release'} is live")
