"""Writes down what happens without making anybody wait for the database.

Every entry goes to the spool first; a thread brings the spool into the database and waits where that is away.
"""

import os
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

import structlog
from pydantic import ValidationError
from sqlalchemy import select

from data.records import Call, Suggestion
from serving import metrics
from serving.keys import Key
from serving.store.calls import CallRecord, Recent, load
from serving.store.entries import ENTRY, AnyEntry, By, Doubted, Ended, Noted, Suggested
from serving.store.private import Hasher, keepable_turns, redact_suggestion, said_numbers
from serving.store.schema import CallRow
from serving.store.spool import Segment, Spool
from serving.store.store import Store, StoreAway

BATCH = 200
GATHER = 1.0  # seconds in which entries gather for one transaction, unless a reader waits for them
SLOWEST_RETRY = 2.0  # seconds
PATIENCE = 2.0  # seconds that a reader waits for what this process wrote
START_PATIENCE = 15.0  # seconds that a reader waits for the first connection, which may migrate


def by(key: Key) -> By:
    """The holder of `key` as entries name him."""
    return By(id=key.id, role=key.role.value, name=key.name, city=key.city)


class Recorder:
    """The way into `store`. `city` is that of calls that name none; threads share it.

    `start` begins to drain; until then, and while the database is away, entries wait in `state_dir`/spool.
    """

    def __init__(self, store: Store, state_dir: Path, city: str) -> None:
        self.store, self._state_dir, self._city = store, state_dir, city
        self._spool = Spool(state_dir / "spool")
        self._recent = Recent()
        self._lock = threading.Lock()
        self._moved = threading.Condition(self._lock)
        self._pending: dict[str, int] = {}
        self._drained = 0
        self._work = threading.Event()
        self._hurry = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._hasher: Hasher | None = None
        self._ready = False
        self.problem: str | None = None

    def missing(self) -> tuple[str, ...]:
        """`("store",)` while the database does not take entries."""
        return () if self.problem is None else ("store",)

    # writing

    def suggested(self, call: Call, suggestion: Suggestion, by: Key) -> None:
        """A suggestion was shown to the holder of `by`. What is kept is redacted before it is written anywhere."""
        self.suggested_all([(call, suggestion)], by)

    def suggested_all(self, shown: Sequence[tuple[Call, Suggestion]], key: Key) -> None:
        """Suggestions were shown. A full disk does not keep anybody from an answer: it is counted, and logged."""
        try:
            self.write([self._entry(call, suggestion, by(key)) for call, suggestion in shown], durable=False)
        except OSError as error:
            metrics.unrecorded.inc(len(shown))
            structlog.get_logger().error("not recorded", kind=type(error).__name__, suggestions=len(shown))

    def ended(self, call_id: str, by_key: Key) -> None:
        """A call that went on is over."""
        self.note(Ended(by=by(by_key), call_id=call_id))

    def read(self, call_id: str, by_key: Key, action: str = "read") -> None:
        """Somebody looked at a call."""
        self.note(Noted(by=by(by_key), action=action, call_id=call_id))

    def note(self, entry: Noted | Doubted | Ended) -> None:
        """For the audit trail and the queues. A full disk keeps nobody from his work: it is logged."""
        try:
            self.write([entry], durable=False)
        except OSError as error:
            structlog.get_logger().error("not noted", kind=type(error).__name__, entry=entry.kind)

    def write(self, entries: Sequence[AnyEntry], durable: bool = True) -> None:
        """Writes `entries`; with `durable` it returns when they are on the disk.

        Raises:
            OSError: they could not be written; nothing may be confirmed.
        """
        lines = [entry.model_dump_json().encode() for entry in entries]
        with self._lock:  # memory and spool in the same order
            number = self._spool.append(lines)
            for entry in entries:
                self._recent.remember(entry)
                self._pending[getattr(entry, "call_id", None) or ""] = number
            metrics.spool_waiting.set(number - self._drained)
        self._work.set()
        if durable:
            self._spool.flush(number)

    def _entry(self, call: Call, suggestion: Suggestion, by: By) -> Suggested:
        if self._hasher is None:
            self._hasher = Hasher(self._state_dir)
        turns = keepable_turns(call.transcript)
        return Suggested(
            by=by,
            call_id=suggestion.call_id,
            city=call.city or self._city,
            channel=call.channel,
            turns=turns,
            numbers=tuple(self._hasher.digest(number) for number in said_numbers(call.transcript)),
            suggestion=redact_suggestion(suggestion, turns),
            partial=call.partial,
        )

    # reading

    def call(self, call_id: str) -> CallRecord | None:
        """The call with all that was written of it; from memory while the database is behind or away.

        Raises:
            StoreAway: the database is away and the call is not remembered.
        """
        if not self.settled(call_id):
            with self._lock:
                if found := self._recent.get(call_id):
                    return found
        with self.store.reading() as session:
            return load(session, call_id)

    def owners(self, call_ids: Collection[str]) -> dict[str, str]:
        """The keys that calls belong to, of those that are known: a new call waits for no database."""
        with self._lock:
            known = {call_id: found.row.operator for call_id in call_ids if (found := self._recent.get(call_id))}
        if call_ids and self._ready and self.problem is None:
            query = select(CallRow.id, CallRow.operator).where(CallRow.id.in_(call_ids))
            with suppress(StoreAway), self.store.reading() as session:
                known |= {row.id: row.operator for row in session.execute(query)}
        return known

    def settled(self, call_id: str | None = None) -> bool:
        """Waits until what this process wrote – of this call, or at all – is in the database; False if it is not."""
        with self._moved:
            number = self._spool.written if call_id is None else self._pending.get(call_id, 0)

            def stored() -> bool:
                return self._ready and self._drained >= number and self.problem is None

            if not stored():
                self._hurry.set()
            patience = PATIENCE if self._ready else START_PATIENCE
            self._moved.wait_for(lambda: stored() or self.problem is not None, patience)
            return stored()

    # draining

    def start(self) -> None:
        """Remembers what a former process left, and begins to drain."""
        segments, _ = self._spool.seal()
        for entry in chain.from_iterable(self._entries(segment) for segment in segments):
            self._recent.remember(entry)
        self._stopping.clear()
        self._work.set()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Drains once more, and ends."""
        self._stopping.set()
        self._hurry.set()
        self._work.set()
        if self._thread:
            self._thread.join(START_PATIENCE)
        self._spool.close()

    def _run(self) -> None:
        pause, migrated = 0.1, False
        while True:
            self._work.wait(SLOWEST_RETRY)
            self._hurry.wait(GATHER)
            self._hurry.clear()
            self._work.clear()
            ending = self._stopping.is_set()
            try:
                self._spool.flush(self._spool.written)
                if not migrated:
                    self.store.migrate()
                    migrated = True
                self.store.ping()
                self._drain()
                pause = 0.1
            except Exception as error:  # whatever it is, entries wait in the spool and the next attempt comes
                self._away(error)
                self._stopping.wait(pause)
                self._work.set()
                pause = min(SLOWEST_RETRY, pause * 2)
            if ending:
                return

    def _drain(self) -> None:
        segments, number = self._spool.seal()
        for segment in segments:
            self._store(segment)
        with self._moved:
            if self.problem is not None:
                structlog.get_logger().info("store answers", waited=number - self._drained)
            self._drained, self.problem, self._ready = number, None, True
            self._pending = {call: last for call, last in self._pending.items() if last > number}
            metrics.spool_waiting.set(self._spool.written - number)
            self._moved.notify_all()
        metrics.store_up.set(1)

    def _away(self, error: Exception) -> None:
        with self._moved:
            if self.problem is None:
                structlog.get_logger().error("store away", kind=type(error).__name__, cause=str(error)[:80])
            self.problem = f"store: {type(error).__name__}"
            self._moved.notify_all()
        metrics.store_up.set(0)

    def _store(self, segment: Segment) -> None:
        batch: list[AnyEntry] = []
        for entry in self._entries(segment):
            batch.append(entry)
            if len(batch) == BATCH:
                self._apply(batch)
                batch = []
        self._apply(batch)
        segment.remove()

    def _entries(self, segment: Segment) -> Iterator[AnyEntry]:
        for line in segment.lines():
            try:
                yield ENTRY.validate_json(line)
            except ValidationError as error:
                self._reject(line, error)

    def _apply(self, batch: list[AnyEntry]) -> None:
        if not batch:
            return
        try:
            self.store.apply(batch)
        except StoreAway:
            raise
        except Exception as error:
            if len(batch) == 1:
                self._reject(batch[0].model_dump_json().encode(), error)
                return
            for entry in batch:
                self._apply([entry])
            return
        for entry in batch:
            metrics.stored.labels(entry.kind).inc()

    def _reject(self, line: bytes, error: Exception) -> None:
        """Keeps an entry that cannot be stored, so that those behind it arrive and nothing is lost."""
        with (self._state_dir / "rejected.jsonl").open("ab") as file:
            file.write(line.rstrip() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        metrics.rejected.inc()
        structlog.get_logger().error("entry rejected", error=type(error).__name__)
