"""From every released schema forward, with data in it."""

from typing import Any

import pytest
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import MetaData, inspect, text

from serving.store.calls import load
from serving.store.entries import Happened, OutcomeStatus
from serving.store.migrations import configuration, upgrade
from serving.store.rollup import refresh
from serving.store.schema import CallRow, DecisionRow, SuggestionRow
from serving.store.state import decided as decided_row
from serving.store.state import happened, opened, suggestion_row
from serving.store.store import Store
from tests.serving.store.made import ANNA, NOON, decided, suggested

REVISIONS = [script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()][::-1]


def columns(row: Any) -> dict[str, Any]:
    return {attribute.columns[0].name: getattr(row, attribute.key) for attribute in inspect(type(row)).column_attrs}


def fill(store: Store, call_id: str = "c1", *outcomes: Happened, **decision: Any) -> None:
    """A call and what happened to it, into whatever columns there are."""
    shown = suggested(call_id, text="楼上漏水")
    call = opened(shown)
    then = [decided_row(call, decided(shown, **decision)), *(happened(call, outcome) for outcome in outcomes)]
    with store.engine.execution_options(writes=True).begin() as connection:
        tables = MetaData()
        tables.reflect(connection)
        for row in (call, suggestion_row(shown), *then):
            table = tables.tables[row.__tablename__]
            types = {column.name: column.type for column in type(row).__table__.columns}
            for column in table.columns:
                column.type = types[column.name]
            values = {name: value for name, value in columns(row).items() if name in table.columns}
            connection.execute(table.insert().values(values))


@pytest.mark.parametrize("revision", REVISIONS)
def test_from_every_schema_forward(empty_url: str, revision: str) -> None:
    store = Store(empty_url)
    with store.engine.execution_options(writes=True).begin() as connection:
        upgrade(connection, revision)
    fill(store)
    store.migrate()
    with store.reading() as session:
        record = load(session, "c1")
        assert record is not None
        assert record.decision is not None
        assert record.row.city == "hangzhou"
        assert session.query(CallRow).count() == session.query(SuggestionRow).count() == 1
        assert session.query(DecisionRow).count() == 1
    assert refresh(store)
    store.apply([suggested("c1")])
    store.close()


def test_what_was_closed_is_due_no_more(empty_url: str) -> None:
    def outcome(call_id: str, status: OutcomeStatus, owner: str | None = None) -> Happened:
        return Happened(by=ANNA, call_id=call_id, status=status, owner=owner, due_at=NOON)

    store = Store(empty_url)
    with store.engine.execution_options(writes=True).begin() as connection:
        upgrade(connection, "0006")
    closed: dict[str, Any] = {"destination": "operator_closes", "due_at": NOON}
    fill(store, "handed-on", outcome("handed-on", "accepted"), due_at=NOON)
    fill(store, "closed", **closed)
    fill(store, "closed-twice", outcome("closed-twice", "accepted"), **closed)
    back = [outcome("back", "accepted"), outcome("back", "returned", "department"), outcome("back", "accepted")]
    fill(store, "back", *back, **closed)
    fill(store, "ends", outcome("ends", "returned", "operator_closes"), due_at=NOON)
    store.migrate()
    with store.reading() as session:
        found = {call_id: load(session, call_id) for call_id in ("handed-on", "closed", "closed-twice", "back", "ends")}
        due = {
            name: [record.row.due_at, *(row.due_at for row in record.outcomes)]
            for name, record in found.items()
            if record
        }
    assert due == {
        "handed-on": [NOON, NOON], "closed": [None], "closed-twice": [None, None], "back": [NOON, None, NOON, NOON],
        "ends": [None, None],
    }  # fmt: skip
    store.close()


def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(empty_url)

    def broken(connection: Any) -> None:
        upgrade(connection, "0001")
        raise CommandError("power cut")

    monkeypatch.setattr("serving.store.migrations.upgrade", broken)
    with pytest.raises(CommandError):
        store.migrate()
    assert inspect(store.engine).get_table_names() == []
    monkeypatch.undo()
    store.migrate()
    store.close()


def test_a_schema_from_the_future_is_refused(store: Store, empty_url: str) -> None:
    newer = Store(empty_url)
    newer.migrate()
    with newer.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CommandError, match="9999"):
        newer.migrate()
    newer.close()
