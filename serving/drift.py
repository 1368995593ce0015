"""Drift of stored calls: week by week against a reference, and for `/metrics` once an hour, beside the requests."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session
from tokenizers import Tokenizer

from data.records import Turn
from data.tables import DataError
from model.drift import Profile, Shift, largest, release_reference, shifts, tokenizer_of
from model.release import Release, ReleaseError, open_release
from serving import metrics
from serving.figures.periods import ONE, Span, window
from serving.following import Follower
from serving.releases import live_folder
from serving.settings import Settings
from serving.store.queues import today
from serving.store.schema import CallRow, TranscriptRow
from serving.store.store import Store, StoreAway

MOST = 4000  # calls of a window that are looked at, by lot: enough for any PSI, and half a second of a core
FIRST_SECONDS, EVERY_SECONDS = 60.0, 3600.0
RECENT_DAYS = 7
log = structlog.get_logger()


@dataclass
class Counted:
    """Some calls of a window: what is counted of them, and how many each release answered."""

    profile: Profile = field(default_factory=Profile)
    versions: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Week:
    """A week beside the reference; `complete` unless it still goes on."""

    span: Span
    complete: bool
    counted: Counted
    shifts: list[Shift]

    def to_json(self) -> dict[str, Any]:
        """As the command prints it."""
        return {
            "since": self.span.since.isoformat(),
            "to": self.span.last.isoformat(),
            "complete": self.complete,
            "calls": self.counted.profile.calls,
            "versions": dict(sorted(self.counted.versions.items())),
            "means": self.counted.profile.means(),
            "features": {
                s.feature: {"calls": s.calls, "psi": s.psi, "jensen_shannon": s.divergence, "level": s.level}
                for s in self.shifts
            },
            "moves": [asdict(move) for move in largest(self.shifts)],
        }


def weeks(count: int, until: date) -> list[Span]:
    """The last `count` weeks from Monday on, the newest last; the newest is the one that `until` lies in."""
    monday = until - timedelta(until.weekday())
    starts = [monday - timedelta(7 * number) for number in reversed(range(count))]
    return [Span(start, start + timedelta(7)) for start in starts]


def counted(session: Session, days: Span, tokenizer: Tokenizer, city: str | None = None) -> Counted:
    """The calls of these days, at most `MOST` of them: those of the lowest lots, so that nothing else chose them."""
    chosen = select(CallRow.id).where(CallRow.day >= days.since, CallRow.day < days.until)
    if city:
        chosen = chosen.where(CallRow.city == city)
    c = CallRow
    found = Counted()
    rows = session.execute(
        select(c.category, c.urgency, c.police, c.confident, c.category_probability, c.model_version,
               TranscriptRow.turns)
        .outerjoin(TranscriptRow, TranscriptRow.call_id == c.id)
        .where(c.id.in_(chosen.order_by(c.lottery, c.id).limit(MOST)))
    )  # fmt: skip
    for category, urgency, police, confident, probability, version, turns in rows:
        found.profile.output(category, urgency, police, confident, probability)
        found.versions[version] += 1
        if turns:
            found.profile.input([Turn(**turn) for turn in turns], tokenizer)
    return found


def reference(store: Store, release: Release, chosen: str, city: str | None = None) -> Profile:
    """What is compared with: the calls of a window such as `2026-09-01/2026-09-30`, or, where `chosen` is empty, those
    the release was measured on.

    Raises:
        DataError: the release has no reference.
        ValueError: `chosen` is no window.
        StoreAway: the database does not answer.
    """
    if not chosen:
        return release_reference(release)
    days = window(chosen)
    with store.reading() as session:
        return counted(session, days, tokenizer_of(release), city).profile


def by_week(store: Store, release: Release, compared: Profile, count: int, city: str | None = None) -> list[Week]:
    """The last `count` weeks beside `compared`, the newest last.

    Raises:
        StoreAway: the database does not answer.
    """
    tokenizer, found = tokenizer_of(release), []
    for days in weeks(count, today()):
        with store.reading() as session:
            calls = counted(session, days, tokenizer, city)
        found.append(Week(days, days.last < today(), calls, shifts(compared, calls.profile)))
    return found


class Watch:
    """Sets the gauges of drift: the last seven days beside the reference, while `follower` runs.

    A release without a reference, or a database that is away, leaves the gauges empty: no number is better than an old
    one. A window is counted once for each release.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._known: tuple[str, Profile] | None = None
        self.follower = Follower(EVERY_SECONDS, (self.look,), FIRST_SECONDS)

    def look(self) -> None:
        """Counts once."""
        try:
            found = self._shifts()
        except (DataError, ReleaseError, StoreAway, ValueError, OSError) as error:
            metrics.drift_psi.clear()
            metrics.drift_calls.clear()
            log.warning("drift_unknown", why=str(error))
            return
        for one in found:
            metrics.drift_psi.labels(one.feature).set(float("nan") if one.psi is None else one.psi)
            metrics.drift_calls.labels(one.feature).set(one.calls)

    def _shifts(self) -> list[Shift]:
        release = open_release(live_folder(self._settings, self._settings.registry), ())
        if self._known is None or self._known[0] != release.version:
            self._known = release.version, reference(self._store, release, self._settings.drift_reference)
        days = Span(today() - timedelta(RECENT_DAYS - 1), today() + ONE)
        with self._store.reading() as session:
            return shifts(self._known[1], counted(session, days, tokenizer_of(release)).profile)
