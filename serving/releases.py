"""Which release serves: the registry's live one, followed while calls go on; the old one stays where the new fails."""

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from model.registry import Registry, RegistryError, Unavailable
from model.release import ReleaseError
from model.suggest import Suggester
from serving import metrics
from serving.known import learn, learn_all
from serving.settings import Settings

UNSEEN = object()
log = structlog.get_logger()


def live_folder(settings: Settings, registry: Registry) -> Path:
    """The folder of the release that is to serve: the registry's live one, or the setting's.

    Raises:
        RegistryError: the registry cannot be reached, its aliases are broken, or name a release that is not here.
    """
    version = registry.aliases().get("live")
    return registry.path(version) if version else settings.release


class Releases:
    """Loads the live release beside the one that serves and takes its place in one step.

    `suggester` is asked anew for every call; calls that are being answered finish with the one they began with.
    `problem` says why the registry's live release does not serve, if it does not, or cannot be known.
    """

    def __init__(self, settings: Settings) -> None:
        self.registry = settings.registry
        self._refusal = self._away = ""
        self._settings = settings
        self._turn = threading.Lock()
        self._seen: object = UNSEEN
        learn_all(self.registry)
        self.suggester = self._first()

    @property
    def problem(self) -> str:
        """Why the registry's live release does not serve, or may not; "" where it does."""
        return self._away or self._refusal

    def _first(self) -> Suggester:
        folder: Path | None = None
        try:
            self._seen = self.registry.stamp()
            folder = live_folder(self._settings, self.registry)
        except Unavailable as error:
            self._seen, folder = UNSEEN, self.registry.last_live()
            self._unavailable(str(error))
        except (RegistryError, ReleaseError) as error:
            self._refused(str(error))
        try:
            if folder is not None and folder != self._settings.release:
                return self._loaded(folder)
        except ReleaseError as error:
            self._refused(str(error))
        return self._made(self._settings.release)

    def look(self) -> None:
        """Takes the live release over if the aliases have changed; keeps the present one when that fails."""
        try:
            stamp = self.registry.stamp()
            if stamp != self._seen:
                self._take(stamp)
            self._unavailable("")
        except Unavailable as error:  # asked again next time
            self._unavailable(str(error))

    def _take(self, stamp: object) -> None:
        with self._turn:
            try:
                self._serve(self._loaded(live_folder(self._settings, self.registry)))
            except Unavailable:
                raise
            except (RegistryError, ReleaseError) as error:
                self._refused(str(error))
            self._seen = stamp

    def promote(self, version: str | None) -> str:
        """Loads `version` (without one, the candidate), and only then makes it live for every process.

        Raises:
            RegistryError: there is no such release.
            ReleaseError: it does not load; nothing has changed.
        """
        wanted = self.registry.chosen(version)
        self._change(self.registry.path(wanted), lambda: self.registry.promote(wanted))
        return wanted

    def rollback(self) -> str:
        """Loads the previous release, and makes it live again; the version that serves now.

        Raises:
            RegistryError: nothing has been promoted.
            ReleaseError: it does not load; nothing has changed.
        """
        previous = self.registry.before()
        folder = self.registry.path(previous) if previous else self._settings.release
        self._change(folder, self.registry.rollback)
        return self.suggester.model.version

    def _change(self, folder: Path, record: Callable[[], object]) -> None:
        with self._turn:
            suggester = self._loaded(folder)
            record()
            self._serve(suggester)
            try:
                self._seen = self.registry.stamp()
            except Unavailable:
                self._seen = UNSEEN  # the next look finds what has been written

    def _serve(self, suggester: Suggester) -> None:
        metrics.release_refused.set(0)
        metrics.degraded.set(len(suggester.degraded))
        self.suggester, self._refusal = suggester, ""
        log.info("release_serves", version=suggester.model.version)

    def _refused(self, why: str) -> None:
        self._refusal = f"release: {why}"
        metrics.release_refused.set(1)
        log.error("release_refused", why=why)

    def _unavailable(self, why: str) -> None:
        if why and not self._away:
            log.error("registry_unavailable", why=why)
        self._away = f"release: {why}" if why else ""
        metrics.registry_unavailable.set(bool(why))

    def _loaded(self, folder: Path) -> Suggester:
        """A suggester whose release works whole; one that would fall back is refused."""
        suggester = self._made(folder)
        if suggester.problems:
            raise ReleaseError(suggester.problems[0])
        return suggester

    def _made(self, folder: Path) -> Suggester:
        suggester = Suggester(folder, self._settings.threads, self._settings.city)
        learn(suggester.model.taxonomy)
        return suggester
