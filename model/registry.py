"""Releases in one folder, and which of them is live: the aliases that every serving process follows."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Literal, get_args

from model.blend import Blend
from model.release import FILES, NEURAL, open_release

Alias = Literal["live", "candidate", "previous"]
ALIASES: tuple[Alias, ...] = get_args(Alias)
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
POINTERS = "aliases.json"


class RegistryError(ValueError):
    """What was asked of the registry cannot be done; the message says why."""


class Unavailable(RegistryError):
    """The registry, or a part of it, cannot be read now; asking again may help."""


class Registry:
    """Releases by version in `folder`, which may lie on a share that several machines mount.

    A release becomes visible whole or not at all, and so do the aliases.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self) -> list[str]:
        """The versions that are here, the oldest name first."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir() and NAME.fullmatch(path.name))

    def aliases(self) -> Mapping[Alias, str]:
        """Which version each alias stands for; those that stand for none are left out.

        Raises:
            RegistryError: the file of aliases is broken, or cannot be read.
        """
        raw = self._pointers()
        return {} if raw is None else pointers(raw)

    def stamp(self) -> object:
        """Changes whenever the aliases do; None while there are none.

        Raises:
            Unavailable: they cannot be read.
        """
        try:
            state = (self.folder / POINTERS).stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_ino

    def path(self, version: str) -> Path:
        """The folder of a version.

        Raises:
            RegistryError: no such version is here.
        """
        found = self.folder / checked(version)
        if not found.is_dir():
            raise RegistryError(f"no release {version} in {self.folder}")
        return found

    def chosen(self, version: str | None) -> str:
        """`version`, or the candidate's where none is named.

        Raises:
            RegistryError: there is no candidate, or `version` can be no release's name.
        """
        wanted = version if version is not None else self.aliases().get("candidate")
        if wanted is None:
            raise RegistryError("there is no candidate")
        return checked(wanted)

    def before(self) -> str | None:
        """The version that a rollback makes live, None for the bundled release.

        Raises:
            RegistryError: nothing has been promoted.
        """
        aliases = self.aliases()
        if "live" not in aliases:
            raise RegistryError("nothing has been promoted, so there is nothing to take back")
        return aliases.get("previous")

    def add(self, source: Path) -> str:
        """Copies the release in `source` here, as the candidate, and returns its version.

        Raises:
            ReleaseError: it is broken, or does not answer its golden texts.
            RegistryError: this version is here already.
        """
        version = checked(Blend(source).version)
        with self._alone():
            if self._has(version):
                raise RegistryError(f"release {version} is here already")
            self._put(source, version)
            self._choose({**self.aliases(), "candidate": version})
        return version

    def promote(self, version: str) -> None:
        """Makes `version` the live one, and the live one the previous.

        Raises:
            RegistryError: no such version is here.
        """
        self.path(version)
        with self._alone():
            aliases = dict(self.aliases())
            if aliases.get("live") != version:
                aliases |= {"previous": aliases["live"]} if "live" in aliases else {}
                aliases["live"] = version
            if aliases.get("candidate") == version:
                del aliases["candidate"]
            self._choose(aliases)

    def rollback(self) -> str | None:
        """Makes the previous release the live one and the other way round; the version that is live now.

        With nothing before the first promotion, the bundled release serves again (None).

        Raises:
            RegistryError: nothing has been promoted.
        """
        with self._alone():
            previous, aliases = self.before(), dict(self.aliases())
            aliases["previous"] = aliases.pop("live")
            if previous:
                aliases["live"] = previous
            self._choose(aliases)
        return previous

    def last_live(self) -> Path | None:
        """Where the live release is while the registry cannot be read; None where nothing is kept of it."""
        return None

    def _pointers(self) -> bytes | None:
        try:
            return (self.folder / POINTERS).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RegistryError(f"{POINTERS} cannot be read: {error}") from error

    def _has(self, version: str) -> bool:
        return (self.folder / version).exists()

    def _put(self, source: Path, version: str) -> None:
        scratch = Path(tempfile.mkdtemp(prefix=".incoming-", dir=self.folder))
        try:
            shutil.copytree(source, scratch / version)
            open_release(scratch / version, (*NEURAL, FILES.fallback))
            os.rename(scratch / version, self.folder / version)
        finally:
            shutil.rmtree(scratch)

    def _choose(self, aliases: Mapping[Alias, str]) -> None:
        self._point(json.dumps(aliases).encode())

    def _point(self, raw: bytes) -> None:
        scratch = self.folder / f".{POINTERS}.{os.getpid()}"
        with scratch.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, self.folder / POINTERS)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One change of the registry at a time, whichever process makes it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / ".lock").open("w") as lock:
                flock(lock, LOCK_EX)
                yield
        except OSError as error:
            raise RegistryError(f"{self.folder} cannot be changed: {error.strerror}") from error


def pointers(raw: bytes) -> Mapping[Alias, str]:
    """The aliases in the file of aliases.

    Raises:
        RegistryError: it is broken.
    """
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise RegistryError(f"{POINTERS} cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
        raise RegistryError(f"{POINTERS} is not a table of versions")
    return {alias: checked(found[alias]) for alias in ALIASES if alias in found}


def checked(name: str) -> str:
    """`name`, if a release can have it.

    Raises:
        RegistryError: it cannot: it would lead somewhere else.
    """
    if not NAME.fullmatch(name):
        raise RegistryError(f"{name[:80]!r} is no name of a release")
    return name
