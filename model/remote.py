"""The registry at a URL that fsspec knows (S3 and others): releases are fetched once, whole and checked."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from model.registry import NAME, POINTERS, Registry, RegistryError, Unavailable, checked, pointers
from model.release import MANIFEST, ReleaseError, open_release

FRESH_SECONDS = 5.0
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2}}},
}
T = TypeVar("T")


class RemoteRegistry(Registry):
    """Releases by version under `url`; those that are used are kept in `cache`, by URL, version and checksum.

    A release is there once its manifest is, which is written last and names every file with its checksum. Stores of
    objects know no lock: of two people who promote in the same moment, the later one wins.

    Raises:
        RegistryError: no such kind of URL, or what reads it is not installed.
    """

    def __init__(self, url: str, cache: Path) -> None:
        super().__init__(cache / hashlib.sha256(url.encode()).hexdigest()[:12])
        try:
            from fsspec.core import url_to_fs

            self._files, self._root = url_to_fs(url, **OPTIONS.get(url.partition("://")[0], {}))
        except (ImportError, ValueError) as error:
            raise RegistryError(f"the registry cannot be opened: {error}") from error
        self._shown = url.rpartition("@")[2]  # what stands before may be a password
        self._read: tuple[float, bytes | None] = (float("-inf"), None)
        self._lock = Lock()

    def versions(self) -> list[str]:
        """The versions that are here whole, the oldest name first."""
        self._files.invalidate_cache()
        found = self._asked(lambda: self._files.glob(f"{self._root}/*/{MANIFEST}")) or ()
        return sorted(name for path in found if NAME.fullmatch(name := str(path).split("/")[-2]))

    def stamp(self) -> object:
        """The aliases' bytes, read anew."""
        raw = self._asked(lambda: bytes(self._files.cat_file(f"{self._root}/{POINTERS}")))
        if raw is None and (self.folder / POINTERS).exists():
            raise Unavailable(f"{POINTERS} is gone from {self._shown}")
        self._remember(raw)
        return raw

    def path(self, version: str) -> Path:
        """The folder of a version in the cache, once it is there whole and unchanged.

        Raises:
            Unavailable: it cannot be read, or is not there whole (yet).
            ReleaseError: a file is not the one that was released.
        """
        raw = self._object(version, MANIFEST)
        target = self.folder / f"{checked(version)}-{hashlib.sha256(raw).hexdigest()[:16]}"
        if _whole(target):
            return target
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".incoming-", dir=self.folder))
        try:
            for name in _listed(raw):
                (scratch / name).write_bytes(self._object(version, name))
            (scratch / MANIFEST).write_bytes(raw)
            open_release(scratch, tuple(_listed(raw)))
            shutil.rmtree(target, ignore_errors=True)
            if not target.exists():  # otherwise another process was faster
                os.rename(scratch, target)
        except OSError as error:
            if not _whole(target):
                raise RegistryError(f"{self.folder} cannot be written: {error.strerror}") from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return target

    def last_live(self) -> Path | None:
        """The release in the cache that was live when the aliases could last be read."""
        try:
            version = pointers((self.folder / POINTERS).read_bytes()).get("live")
        except (OSError, RegistryError):
            return None
        found = [path for path in self.folder.glob(f"{version}-*") if path.name[:-17] == version]
        return max(found, key=lambda path: path.stat().st_mtime, default=None)

    def _pointers(self) -> bytes | None:
        if time.monotonic() - self._read[0] > FRESH_SECONDS:
            self.stamp()
        return self._read[1]

    def _remember(self, raw: bytes | None) -> None:
        if raw is not None and raw != self._read[1]:
            with suppress(OSError):
                self.folder.mkdir(parents=True, exist_ok=True)
                super()._point(raw)  # what `last_live` goes by
        self._read = (time.monotonic(), raw)

    def _point(self, raw: bytes) -> None:
        self._written(f"{self._root}/{POINTERS}", raw)
        self._remember(raw)

    def _has(self, version: str) -> bool:
        return version in self.versions()

    def _put(self, source: Path, version: str) -> None:
        raw = (source / MANIFEST).read_bytes()
        open_release(source, tuple(_listed(raw)))
        self._asked(lambda: self._files.makedirs(f"{self._root}/{version}", exist_ok=True))
        for name in (*_listed(raw), MANIFEST):
            self._written(self._at(version, name), (source / name).read_bytes())
        self.path(version)

    def _at(self, version: str, name: str) -> str:
        return f"{self._root}/{checked(version)}/{name}"

    def _object(self, version: str, name: str) -> bytes:
        place = self._at(version, name)
        found = self._asked(lambda: bytes(self._files.cat_file(place)))
        if found is None:
            raise Unavailable(f"no release {version} in {self._shown}, or not the whole of it: {name} is missing")
        return found

    def _written(self, place: str, content: bytes) -> None:
        if self._asked(lambda: (self._files.pipe_file(place, content), True)) is None:
            raise Unavailable(f"{self._shown} cannot be written: there is no such place")

    def _asked(self, ask: Callable[[], T]) -> T | None:
        """What the store answers, None where it has no such thing."""
        try:
            return ask()
        except FileNotFoundError:
            return None
        except Exception as error:  # each kind of store has exceptions of its own
            raise Unavailable(f"{self._shown} cannot be reached: {str(error)[:200] or type(error).__name__}") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            self.stamp()
            yield


def _listed(raw: bytes) -> list[str]:
    """The files that a manifest names.

    Raises:
        ReleaseError: it is none.
    """
    try:
        return [checked(name) for name in dict(json.loads(raw)["files"])]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ReleaseError(f"{MANIFEST} cannot be read: {error}") from error


def _whole(folder: Path) -> bool:
    try:
        open_release(folder, tuple(_listed((folder / MANIFEST).read_bytes())))
    except (OSError, ReleaseError):
        return False
    return True


def registry_at(place: str, cache: Path) -> Registry:
    """The registry in a folder, or at a URL, whose releases are then kept in the folder `cache`.

    Raises:
        RegistryError: as `RemoteRegistry`.
    """
    return RemoteRegistry(place, cache) if "://" in place else Registry(Path(place))
