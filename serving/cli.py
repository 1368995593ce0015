"""The command line `yidiantong`."""

import gc
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from data.policy import FOLLOWED, UnknownCity, cities
from data.records import Call, Suggestion
from data.tables import DataError, first_problem
from serving.cli_releases import app as releases_app
from serving.measure import app as measure_app
from serving.settings import Settings

if TYPE_CHECKING:
    from model.suggest import Suggester

app = typer.Typer(no_args_is_help=True, help="Routes 110 and 12345 calls.", pretty_exceptions_enable=False)
keys_app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")
app.add_typer(keys_app, name="keys")
app.add_typer(measure_app, name="measure")
app.add_typer(releases_app, name="releases")
City = Annotated[str | None, typer.Option(help="Policy to route by; the default city's if absent.")]


def fail(message: str) -> typer.Exit:
    """Prints the sentence and gives the exit to raise."""
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(2)


def settings() -> Settings:
    """The settings of the environment."""
    try:
        return Settings()
    except ValidationError as error:
        field, message = first_problem(error)
        raise fail(f"setting YIDIANTONG_{field.upper()}: {message}") from error


def suggester(chosen: Settings) -> "Suggester":
    """The release and the policies of the settings at work."""
    from model.suggest import Suggester

    FOLLOWED.read_from(chosen.policies)
    threads = chosen.threads if "threads" in chosen.model_fields_set else 0  # a command has the cores to itself
    return Suggester(chosen.release, threads, chosen.city)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind; 127.0.0.1 unless told otherwise.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to bind.")] = None,
) -> None:
    """Start the service. The first start makes the keys and says where they are."""
    import uvicorn

    from serving.app import create_app
    from serving.keys import KeyFileError, Role, first_keys
    from serving.logs import configure
    from serving.server import OPTIONS, share_heaps

    share_heaps()
    asked = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    chosen = settings().model_copy(update=asked)
    configure(chosen.log_level)
    application = create_app(chosen)
    address = f"http://{chosen.host}:{chosen.port}/"
    try:
        made = first_keys(chosen.state_dir)
    except (KeyFileError, OSError) as error:
        raise fail(str(error)) from error
    if made:
        typer.echo(f"keys made, see {made.path}")
        address += f"#key={made.secrets[Role.OPERATOR]}"
    typer.echo(f"open {address}")
    # What has been loaded stays for good: the collector need not walk it again, in the middle of a call.
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)  # walking what two thousand remembered calls hold stops all for 0.1 s: less often
    sys.setswitchinterval(0.001)  # seconds: a message that has come waits so long for a thread that computes, not 5 ms
    uvicorn.run(application, host=chosen.host, port=chosen.port, **OPTIONS)


@app.command()
def classify(
    text: Annotated[str, typer.Argument(help="What the caller said; - reads standard input.")],
    city: City = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the Suggestion as JSON.")] = False,
) -> None:
    """Classify one text and show the suggestion."""
    try:
        said = sys.stdin.buffer.read().decode("utf-8") if text == "-" else text
        call = Call.model_validate({"text": said, "city": city})
        suggestion = suggester(settings()).suggest(call)
    except UnicodeDecodeError as error:
        raise fail("standard input is not UTF-8") from error
    except ValidationError as error:
        raise fail("{}: {}".format(*first_problem(error))) from error
    if as_json:
        typer.echo(suggestion.model_dump_json(indent=1))
    else:
        Console(markup=False).print(_table(suggestion))


def _table(s: Suggestion) -> Table:
    table = Table(show_header=False, box=None)
    to = f"{s.destination.name} {s.destination.unit or ''}".strip()
    rows = {
        "警务/非警务": f"{s.police.label.label} {s.police.probability:.0%}",
        "类别": f"{s.category.name} {s.category.probability:.0%}",
        "紧急程度": f"{s.urgency.level.label} {s.urgency.probability:.0%}",
        "去向": f"{to} {s.destination.probability:.0%}",
        "联动": "、".join(party.name for party in s.linked),
        "把握": "有" if s.confident else "不足，请看备选：" + "、".join(a.name for a in s.category.alternatives),
        "依据": "；".join(s.reasons),
        "关键词": "、".join(f"“{e.text}”" for e in s.evidence),
        "告知": s.consent.script or "",
        "追问": " ".join(question.prompt for question in s.ask_next),
        "缺失": "、".join(s.degraded),
    }
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    return table


@app.command()
def predict(
    input: Annotated[Path, typer.Option("--input", help="JSONL: id, turns or text, optionally city and channel.")],
    output: Annotated[Path, typer.Option("--output", help="JSONL: a Suggestion with that id a line, same order.")],
    city: City = None,
) -> None:
    """Classify a file of calls, in constant memory."""
    from serving.bulk import predict as run

    try:
        answering = suggester(settings())
        answering.policy(city)
        columns = (BarColumn(), DownloadColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=input.stat().st_size)
            totals = run(input, output, answering, city, lambda read: bar.update(task, completed=read))
    except OSError as error:
        raise fail(str(error)) from error
    typer.echo(f"{totals.suggestions} suggestions, {totals.errors} bad lines → {output}")


@app.command("demo-data")
def demo_data(
    calls: Annotated[int, typer.Option(min=1, max=20_000, help="How many calls.")] = 400,
) -> None:
    """Fill the database with made-up calls, to try the pages with; more than once changes nothing."""
    from serving.demo import Demo
    from serving.store.entries import now
    from serving.store.store import Store, StoreAway

    chosen = settings()
    store = Store(chosen.store_url)
    demo = Demo(suggester(chosen), chosen.city, now(), calls)
    try:
        store.migrate()
        demo.fill(store)
    except (StoreAway, OSError) as error:
        raise fail(f"the database cannot be filled: {error}") from error
    finally:
        store.close()
    typer.echo(f"{calls} calls to try the pages with are in the database")


@keys_app.command("create")
def create_key(
    role: Annotated[str, typer.Argument(help="operator, reviewer, scientist or admin")],
    name: Annotated[str, typer.Option(help="Whose key it is, for lists and history.")] = "",
    city: Annotated[str | None, typer.Option(help="The only city its holder sees; every city if absent.")] = None,
) -> None:
    """Make a key and print it, this once."""
    from serving.keys import KeyRing, Role

    chosen = settings()
    try:
        if city is not None and city not in (known := cities(chosen.policies)):
            raise UnknownCity(city, known)
        key, secret = KeyRing(chosen.state_dir / "keys.json").create(Role(role), name, city)
    except (ValueError, OSError) as error:
        raise fail(str(error)) from error
    typer.echo(f"{key.id} {key.role} {secret}")


@keys_app.command("list")
def list_keys() -> None:
    """List keys: id, role, made, city, name, revoked."""
    from serving.keys import KeyFileError, KeyRing

    try:
        rows = KeyRing(settings().state_dir / "keys.json").all()
    except (KeyFileError, OSError) as error:
        raise fail(str(error)) from error
    for key in rows:
        typer.echo(f"{key.id} {key.role} {key.created} {key.city or '-'} {key.name or '-'} {key.revoked or '-'}")


@keys_app.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="The id that `keys list` shows.")]) -> None:
    """End a key at once."""
    from serving.keys import KeyFileError, KeyRing

    try:
        key = KeyRing(settings().state_dir / "keys.json").revoke(key_id)
    except KeyError as error:
        raise fail(f"no key {key_id}") from error
    except (OSError, KeyFileError) as error:
        raise fail(str(error)) from error
    typer.echo(f"{key.id} revoked {key.revoked}")


def main() -> None:
    """Entry point: the commands above, those on stored calls, and those that training adds (`yidiantong.commands`)."""
    from serving.cli_bulk import app as bulk_app
    from serving.cli_calls import app as calls_app
    from serving.cli_drift import app as drift_app

    app.add_typer(bulk_app)
    app.add_typer(calls_app)
    app.add_typer(drift_app)
    for entry in entry_points(group="yidiantong.commands"):
        app.add_typer(entry.load())
    try:
        app()
    except (DataError, UnknownCity) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
