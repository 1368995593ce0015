"""Commands on stored calls: the schema, how long words are kept, one caller's calls, reviews for training."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from serving.settings import Settings
    from serving.store.store import Store

app = typer.Typer()
calls_app = typer.Typer(no_args_is_help=True, help="Export or delete the calls of one caller.")
app.add_typer(calls_app, name="calls")
Caller = Annotated[str, typer.Option(help="The phone number that was said in the calls.")]


@contextmanager
def stored() -> "Iterator[tuple[Store, Settings]]":
    """The store, its schema up to date; what goes wrong ends the command with one sentence."""
    from alembic.util import CommandError

    from serving.cli import fail, settings
    from serving.store.store import Store, StoreAway

    chosen = settings()
    store = Store(chosen.store_url)
    try:
        store.migrate()
        yield store, chosen
    except StoreAway as error:
        raise fail(f"the database does not answer ({error})") from error
    except (CommandError, OSError) as error:
        raise fail(str(error)) from error
    finally:
        store.close()


@app.command()
def migrate() -> None:
    """Bring the database up to this release's schema; `serve` does so itself at its start."""
    with stored():
        typer.echo("the database is up to date")


@app.command()
def purge(
    days: Annotated[int | None, typer.Option(min=0, help="Days to keep; the setting KEEP_DAYS if absent.")] = None,
) -> None:
    """Forget what was said in calls older than KEEP_DAYS; figures and labels stay. Run it daily."""
    from serving.store import keep
    from serving.store.entries import now

    with stored() as (store, chosen):
        before = now() - timedelta(days=chosen.keep_days if days is None else days)
        done = keep.purge(store, before)
        dropped = keep.purge_rejected(chosen.state_dir / "rejected.jsonl", before)
    typer.echo(f"{done} calls purged" + (f", {dropped} rejected entries dropped" if dropped else ""))


def _of(store: "Store", chosen: "Settings", caller: str) -> list[str]:
    from data.records import Turn
    from serving.cli import fail
    from serving.store import keep
    from serving.store.private import Hasher, said_numbers

    if len(said_numbers([Turn(speaker="caller", text=caller)])) != 1:
        raise fail(f"{caller!r} is not a phone number")
    return keep.calls_of(store, Hasher(chosen.state_dir).digest(caller))


@calls_app.command("export")
def export_calls(caller: Caller) -> None:
    """Print every stored call in which a number was said, one JSON object a line."""
    from serving.store import keep
    from serving.store.calls import load, names
    from serving.views import people, view

    with stored() as (store, chosen):
        ids = _of(store, chosen, caller)
        for call_id in ids:
            with store.reading() as session:
                record = load(session, call_id)
                if record:
                    shown = view(record, names(session, people(record)), behind=False)
                    sys.stdout.buffer.write(shown.model_dump_json().encode() + b"\n")
        keep.note(store, "exported", ids)
    typer.echo(f"{len(ids)} calls exported", err=True)


@calls_app.command("delete")
def delete_calls(caller: Caller) -> None:
    """Forget what was said in every call in which a number was said; codes and figures stay."""
    from serving.store import keep

    with stored() as (store, chosen):
        ids = _of(store, chosen, caller)
        for chunk in keep.chunks(ids):
            keep.forget(store, chunk)
        keep.note(store, "deleted", ids)
    typer.echo(f"{len(ids)} calls deleted")


@app.command()
def queue_suspected(
    suspected: Annotated[Path, typer.Argument(help="suspected.jsonl, as `label-quality` leaves it.")],
) -> None:
    """Put suspected labels of exported reviews into the review page's queue of suspected labels."""
    from serving.suspected import read, suspect

    found = read(suspected)
    with stored() as (store, _):
        told = suspect(store, found)
    typer.echo(
        f"{told.queued} of {len(found)} suspected labels are in the queue; {told.known} were claimed before, "
        f"{told.changed} have another label by now, {told.unknown} calls are not in the database, "
        f"{told.foreign} items are no stored calls (corpus or own records: see the file)"
    )


@app.command()
def export_reviews(
    output: Annotated[Path, typer.Option(help="Folder for reviews.jsonl (a corpus) and provenance.ndjson.")],
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First local day of the calls.")] = None,
    city: Annotated[str | None, typer.Option(help="Only calls of this city.")] = None,
) -> None:
    """Write reviewed calls as a corpus that training takes, with where each label came from."""
    from serving.store.export import reviewed
    from serving.store.schema import CallRow

    scope = [CallRow.city == city] if city else []
    number = 0
    with stored() as (store, _), store.reading() as session:
        output.mkdir(parents=True, exist_ok=True)
        with (output / "reviews.jsonl").open("w", encoding="utf-8") as items, \
             (output / "provenance.ndjson").open("w", encoding="utf-8") as sources:  # fmt: skip
            for item, source in reviewed(session, scope, since.date() if since else None):
                items.write(item.model_dump_json(exclude_defaults=True) + "\n")
                sources.write(source.model_dump_json() + "\n")
                number += 1
    typer.echo(f"{number} reviewed calls → {output}")
