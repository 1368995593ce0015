"""How long words are kept: transcripts go after a time, or when a caller asks; figures and labels stay."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import delete, select, update

from serving.owner import put
from serving.store.entries import ENTRY, By, Noted, now
from serving.store.schema import CallRow, DecisionRow, NumberRow, OutcomeRow, SuggestionRow, TranscriptRow
from serving.store.store import Store

AT_ONCE = 500
COMMAND = By(id="command-line", role="admin", name="命令行")


def purge(store: Store, before: datetime) -> int:
    """Forgets the words of calls that ended before `before`; gives how many. Safe to stop and run again.

    Raises:
        StoreAway: the database does not answer.
    """
    total = 0
    while True:
        with store.reading() as session:
            query = select(CallRow.id).where(CallRow.last_at < before, CallRow.purged_at.is_(None)).limit(AT_ONCE)
            ids = list(session.scalars(query))
        if not ids:
            return total
        forget(store, ids)
        total += len(ids)


def forget(store: Store, ids: Sequence[str]) -> None:
    """Forgets what was said in these calls, what was quoted of it, notes, and the hashes of numbers.

    Codes, times, towns, reasons of returns and reviewers' labels stay: they carry the figures and the history.

    Raises:
        StoreAway: the database does not answer.
    """
    with store.writing() as session:
        session.execute(delete(TranscriptRow).where(TranscriptRow.call_id.in_(ids)))
        session.execute(delete(NumberRow).where(NumberRow.call_id.in_(ids)))
        session.execute(update(SuggestionRow).where(SuggestionRow.call_id.in_(ids)).values(payload={}))
        session.execute(update(DecisionRow).where(DecisionRow.call_id.in_(ids)).values(note="", reason=""))
        session.execute(update(OutcomeRow).where(OutcomeRow.call_id.in_(ids)).values(note=""))
        session.execute(update(CallRow).where(CallRow.id.in_(ids)).values(purged_at=now()))


def calls_of(store: Store, digest: str) -> list[str]:
    """Ids of the calls in which a number was said, oldest first.

    Raises:
        StoreAway: the database does not answer.
    """
    query = (
        select(CallRow.id)
        .join(NumberRow, NumberRow.call_id == CallRow.id)
        .where(NumberRow.digest == digest)
        .order_by(CallRow.started_at)
    )
    with store.reading() as session:
        return list(session.scalars(query))


def note(store: Store, action: str, ids: Sequence[str]) -> None:
    """Writes into the audit trail what a command did with calls.

    Raises:
        StoreAway: the database does not answer.
    """
    store.apply([Noted(by=COMMAND, action=action, call_id=call_id) for call_id in ids])


def purge_rejected(path: Path, before: datetime) -> int:
    """Drops rejected entries older than `before` from `rejected.jsonl`; gives how many."""
    if not path.exists():
        return 0
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not _is_older(line, before)]
    fresh = path.with_suffix(".purging")
    fresh.write_bytes(b"".join(kept))
    fresh.chmod(0o600)
    put(fresh, path)
    return len(lines) - len(kept)


def _is_older(line: bytes, before: datetime) -> bool:
    try:
        return ENTRY.validate_json(line).at < before
    except ValidationError:
        return False


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """`ids` in portions that fit one statement."""
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
