"""From every released schema forward, with data in it."""

from typing import Any

import pytest
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import MetaData, inspect, text

from serving.store.calls import load
from serving.store.migrations import configuration, upgrade
from serving.store.rollup import refresh
from serving.store.schema import CallRow, DecisionRow, SuggestionRow
from serving.store.state import decided as decided_row
from serving.store.state import opened, suggestion_row
from serving.store.store import Store
from tests.serving.store.made import decided, suggested

REVISIONS = [script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()][::-1]


def columns(row: Any) -> dict[str, Any]:
    return {attribute.columns[0].name: getattr(row, attribute.key) for attribute in inspect(type(row)).column_attrs}


def fill(store: Store) -> None:
    """A call and what happened to it, into whatever columns there are."""
    shown = suggested("c1", text="楼上漏水")
    call = opened(shown)
    decision = decided_row(call, decided(shown))
    with store.engine.execution_options(writes=True).begin() as connection:
        tables = MetaData()
        tables.reflect(connection)
        for row in (call, suggestion_row(shown), decision):
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
