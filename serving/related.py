"""Repeat and related calls: the same matter reported by another caller, or again within 72 hours."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from data.policy import DEFAULT_CITY
from data.records import Call, Record, Suggestion, Turn
from model.likeness import vector
from serving.related_window import MOST_CALLS, WINDOW_HOURS, Marks, Window
from serving.store.private import Hasher, said_numbers
from serving.store.recorder import Recorder
from serving.store.schema import CallRow, NumberRow, TranscriptRow, Turns
from serving.store.store import Store, StoreAway

AT_ONCE = 500  # stored calls that are read at a time


class RelatedCall(Record):
    """A call of the last 72 hours that seems to be about the same matter, and why."""

    call_id: str
    minutes_ago: int
    why: str


def marks(call: Call, suggestion: Suggestion, digest: Callable[[str], str] | None = None) -> Marks:
    """The marks of a call; telephone numbers count only with `digest`, which hashes them."""
    place = suggestion.location
    try:
        numbers = frozenset(map(digest, said_numbers(call.transcript))) if digest else frozenset()
    except OSError:  # the key of the hashes cannot be read: words and place still tell
        numbers = frozenset()
    return Marks(
        suggestion.call_id,
        suggestion.category.code,
        tuple(other.code for other in suggestion.category.alternatives),
        place.district if place else None,
        place.town if place else None,
        vector(call.transcript, without_place(place.district, place.town, place.text) if place else ()),
        numbers,
    )


def without_place(district: str, town: str | None, text: str = "") -> list[str]:
    """The words of a place, which is compared by itself: whole names first, then their first two characters."""
    names = [text, district, town or "", district[:2], (town or "")[:2]]
    return [name for name in names if name]


class Related:
    """Finds the related calls of a call among those of its city (`city` where it names none).

    Safe for threads. Holds no words, only vectors; telephone numbers count only with `digest`, which hashes them.
    """

    def __init__(self, city: str = DEFAULT_CITY, digest: Callable[[str], str] | None = None) -> None:
        self._city, self._digest = city, digest
        self._cities: dict[str, Window] = {}
        self._lock = threading.Lock()

    def find(self, call: Call, suggestion: Suggestion, at: float | None = None) -> list[RelatedCall]:
        """At most five calls of the last 72 hours about the same matter, likeliest first; `at` is in Unix seconds."""
        return self._look(call, suggestion, at, keep=False)

    def find_and_keep(self, call: Call, suggestion: Suggestion, at: float | None = None) -> list[RelatedCall]:
        """As `find`; the call itself can be found from now on, by its newest words."""
        return self._look(call, suggestion, at, keep=True)

    def _look(self, call: Call, suggestion: Suggestion, at: float | None, keep: bool) -> list[RelatedCall]:
        now = time.time() if at is None else at
        made = marks(call, suggestion, self._digest)
        with self._lock:
            window = self._cities.setdefault(call.city or self._city, Window())
            found = window.find(made, now)
            if keep:
                window.put(made, now)
        return [
            RelatedCall(call_id=call_id, minutes_ago=max(0, round((now - when) / 60)), why=why)
            for call_id, when, why in found
        ]

    def keep(self, city: str, marks: Marks, at: float) -> None:
        """Keeps a call that is known by its marks."""
        with self._lock:
            self._cities.setdefault(city, Window()).put(marks, at)

    def __len__(self) -> int:
        return sum(map(len, self._cities.values()))


def fill(related: Related, store: Store, now: datetime | None = None) -> int:
    """Keeps the stored calls of the last 72 hours, the newest of each city; how many there were.

    Raises:
        StoreAway: the database does not answer.
    """
    since = (now or datetime.now(UTC)) - timedelta(hours=WINDOW_HOURS)
    latest = select(CallRow.id).where(CallRow.started_at >= since).order_by(CallRow.started_at.desc()).limit(MOST_CALLS)
    newest = latest.subquery()
    query = select(CallRow, TranscriptRow.turns).join(newest, newest.c.id == CallRow.id)
    query = query.join(TranscriptRow, TranscriptRow.call_id == CallRow.id).order_by(CallRow.started_at)
    numbers: dict[str, set[str]] = {}
    count = 0
    with store.reading() as session:
        wanted = select(NumberRow.call_id, NumberRow.digest).join(CallRow, CallRow.id == NumberRow.call_id)
        for call_id, digest in session.execute(wanted.where(CallRow.started_at >= since)):
            numbers.setdefault(call_id, set()).add(digest)
        for row, turns in session.execute(query.execution_options(yield_per=AT_ONCE)):
            known = frozenset(numbers.get(row.id, ()))
            related.keep(row.city, _stored_marks(row, turns, known), row.started_at.timestamp())
            count += 1
    return count


def fill_quietly(related: Related, recorder: Recorder) -> None:
    """As `fill`, for a thread at the start, once what a former process left behind is stored.

    Without the database the window begins empty, and calls go on.
    """
    recorder.settled()
    try:
        fill(related, recorder.store)
    except (StoreAway, DBAPIError) as error:
        structlog.get_logger().warning("related calls of the last days are not known", kind=type(error).__name__)


def digests(state_dir: Path) -> Callable[[str], str]:
    """Hashes of telephone numbers as the store makes them; the key is read when the first number is said."""

    @cache
    def hasher() -> Hasher:
        return Hasher(state_dir)

    return lambda number: hasher().digest(number)


def _stored_marks(row: CallRow, turns: Turns, numbers: frozenset[str]) -> Marks:
    """The marks of a call as the store has it: redacted words, hashed numbers."""
    said = [Turn.model_validate(turn) for turn in turns]
    words = vector(said, without_place(row.district, row.town) if row.district else ())
    return Marks(row.id, row.category, (), row.district, row.town, words, numbers)
