"""Which release serves: the registry's live one, followed while calls go on; the old one stays where the new fails."""

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from model.registry import Registry, RegistryError
from model.release import ReleaseError
from model.suggest import Suggester
from serving import metrics
from serving.settings import Settings

log = structlog.get_logger()


class Releases:
    """Loads the live release beside the one that serves and takes its place in one step.

    `suggester` is asked anew for every call; calls that are being answered finish with the one they began with.
    `problem` says why the registry's live release does not serve, if it does not.
    """

    def __init__(self, settings: Settings) -> None:
        self.registry = Registry(settings.releases_folder)
        self.problem = ""
        self._settings = settings
        self._turn = threading.Lock()
        self._seen = self.registry.stamp()
        self.suggester = self._first()

    def _first(self) -> Suggester:
        try:
            folder = self._live()
            if folder != self._settings.release:
                return self._loaded(folder)
        except (RegistryError, ReleaseError) as error:
            self._refused(str(error))
        return self._made(self._settings.release)

    def look(self) -> None:
        """Takes the live release over if the aliases have changed; keeps the present one when that fails."""
        stamp = self.registry.stamp()
        if stamp == self._seen:
            return
        with self._turn:
            self._seen = stamp
            try:
                self._serve(self._loaded(self._live()))
            except (RegistryError, ReleaseError) as error:
                self._refused(str(error))

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
            self._seen = self.registry.stamp()
            self._serve(suggester)

    def _live(self) -> Path:
        version = self.registry.aliases().get("live")
        return self.registry.path(version) if version else self._settings.release

    def _serve(self, suggester: Suggester) -> None:
        metrics.release_refused.set(0)
        metrics.degraded.set(len(suggester.degraded))
        self.suggester, self.problem = suggester, ""
        log.info("release_serves", version=suggester.model.version)

    def _refused(self, why: str) -> None:
        self.problem = f"release: {why}"
        metrics.release_refused.set(1)
        log.error("release_refused", why=why)

    def _loaded(self, folder: Path) -> Suggester:
        """A suggester whose release works whole; one that would fall back is refused."""
        suggester = self._made(folder)
        if suggester.problems:
            raise ReleaseError(suggester.problems[0])
        return suggester

    def _made(self, folder: Path) -> Suggester:
        return Suggester(folder, self._settings.threads, self._settings.city)
