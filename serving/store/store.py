"""The database: made, migrated, written to by the spool's drain, read by routes and commands."""

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from serving.store.batch import Batch
from serving.store.entries import AnyEntry

BUSY_SECONDS = 10
CONNECT_SECONDS = 3
CACHE_KIB = 1_000  # of pages, for each connection of SQLite; four times as much is no faster with 20,000 calls
MIGRATION_LOCK = 110_12345
REFUSED = ("25006", "42501")  # PostgreSQL takes nothing now: it only reads (a standby), or the role may not write
ANALYSED_FIRST, ANALYSED_FOR = 5.0, 3_600.0  # seconds; a connection of SQLite knows what was found when it was made
PostgresOptions = {"connect_timeout": CONNECT_SECONDS, "keepalives_idle": 5, "keepalives_interval": 2,
                   "keepalives_count": 2, "tcp_user_timeout": 10_000}  # fmt: skip


class StoreAway(Exception):
    """The database does not answer."""


class Store:
    """The database behind `url` (`sqlite:///…` or `postgresql://…`). Threads share it."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if not self.is_sqlite:
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.url = parsed
        arguments = {"timeout": BUSY_SECONDS} if self.is_sqlite else PostgresOptions
        self.engine: Engine = create_engine(
            parsed, connect_args=arguments, json_serializer=partial(json.dumps, ensure_ascii=False),
            pool_pre_ping=not self.is_sqlite, pool_timeout=5, pool_recycle=int(ANALYSED_FOR) if self.is_sqlite else -1,
            pool_use_lifo=True,  # a few connections with warm caches, not five that each hold the same pages
        )  # fmt: skip
        if self.is_sqlite:
            _tune_sqlite(self.engine)
        self._writer = self.engine.execution_options(writes=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session to read with.

        Raises:
            StoreAway: the database does not answer.
        """
        with _away(), Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are kept when the block ends well.

        Raises:
            StoreAway: the database does not answer.
        """
        with _away(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def migrate(self) -> None:
        """Brings the schema up to this release's; two processes at once take turns.

        Raises:
            StoreAway: the database does not answer.
            CommandError: the schema is newer than this release.
        """
        from serving.store.migrations import upgrade

        with _away(), self._taking_turns(), self._writer.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": MIGRATION_LOCK})
            upgrade(connection)

    @contextmanager
    def _taking_turns(self) -> Iterator[None]:
        if not self.is_sqlite or not self.url.database:
            yield
            return
        path = Path(self.url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".migrating").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def analyse(self) -> None:
        """Has SQLite look at what its indexes hold, or it takes the wrong ones; PostgreSQL does so by itself.

        Raises:
            StoreAway: the database does not answer.
        """
        if self.is_sqlite:
            with _away(), self._writer.begin() as connection:
                connection.exec_driver_sql("ANALYZE")  # of some rows only, all queues would look alike

    def ping(self) -> None:
        """Returns if the database answers.

        Raises:
            StoreAway: it does not.
        """
        with _away(), self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()

    def apply(self, entries: Sequence[AnyEntry]) -> None:
        """Stores `entries` in one transaction; those that are stored already are passed over.

        Raises:
            StoreAway: the database does not answer; nothing was stored.
            DBAPIError, KeyError, ValueError: an entry cannot be stored; nothing was.
        """
        for last in (False, False, True):
            try:
                with self.writing() as session:
                    Batch(session, entries).run()
                return
            except IntegrityError:  # another process stored the same call or entry at this moment
                if last:
                    raise


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise StoreAway(type(error).__name__) from error
    except DBAPIError as error:
        if error.connection_invalidated or getattr(error.orig, "sqlstate", None) in REFUSED:
            raise StoreAway(type(error).__name__) from error
        raise


def _tune_sqlite(engine: Engine) -> None:
    """Write-ahead log, every commit on the disk, and transactions that really are ones (DDL too)."""

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"cache_size=-{CACHE_KIB}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
