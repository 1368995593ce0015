"""The same store on both databases."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from serving.store.recorder import Recorder
from serving.store.schema import Base
from serving.store.store import Store
from tests import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with postgres.server() as address:
        yield address


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> str:
    """Address of a PostgreSQL server, or nothing for SQLite."""
    return str(request.getfixturevalue("postgres_server")) if request.param == "postgresql" else ""


@pytest.fixture
def empty_url(server: str, tmp_path: Path) -> Iterator[str]:
    """Address of a database without tables."""
    if not server:
        yield f"sqlite:///{tmp_path}/calls.db"
        return
    with postgres.database(server) as address:
        yield address


@pytest.fixture(scope="session")
def migrated(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("store")
        store = Store(stack.enter_context(postgres.database(server)) if server else f"sqlite:///{folder}/calls.db")
        store.migrate()
        yield store
        store.close()


@pytest.fixture
def store(migrated: Store) -> Store:
    """A store without a row."""
    with migrated.writing() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
    return migrated


@pytest.fixture
def recorder(store: Store, tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(store, tmp_path / "state", "hangzhou")
    recorder.start()
    yield recorder
    recorder.stop()
