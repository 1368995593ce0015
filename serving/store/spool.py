"""A durable spool: entries are appended to a file before anything else happens, and leave it when they are stored.

One flush serves all who wait for it (group commit). A segment that was left by a process that died is found by the
next start, in the order of its name.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".jsonl"


@dataclass(frozen=True)
class Segment:
    """A closed part of the spool."""

    path: Path

    def lines(self) -> Iterator[bytes]:
        """Its complete lines; one torn by a power cut was never confirmed to anybody."""
        with self.path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line

    def remove(self) -> None:
        """Forgets it."""
        self.path.unlink(missing_ok=True)


class Spool:
    """The spool in `folder`. Several processes may share the folder: each writes segments of its own.

    Raises (at every append):
        OSError: the disk is full or gone; nothing was confirmed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        self._fd: int | None = None
        self._written = self._synced = 0

    def append(self, lines: Sequence[bytes]) -> int:
        """Writes `lines` (without newline) and gives the number of the last one.

        When it returns the system has them: they survive the end of this process, and a power cut from the next
        flush on.
        """
        data = b"".join(line + b"\n" for line in lines)
        with self._writing:
            self._write(data)
            self._written += len(lines)
            return self._written

    @property
    def written(self) -> int:
        """Number of the last line appended."""
        return self._written

    def seal(self) -> tuple[list[Segment], int]:
        """Closes the segment being written; gives every closed segment of this process and of dead ones, oldest first,
        and the number of the last line in them."""
        with self._syncing:
            with self._writing:
                number, fd, self._fd = self._written, self._fd, None
            if fd is not None:
                os.fsync(fd)
                os.close(fd)
            self._synced = number
        return [Segment(path) for path in sorted(self.folder.glob(f"*{SUFFIX}")) if not _is_written(path)], number

    def close(self) -> None:
        """Flushes and closes."""
        self.seal()

    def flush(self, number: int) -> None:
        """Returns when line `number` and all before it are on the disk."""
        with self._syncing:  # whoever comes in here flushes for all who wrote before
            if self._synced >= number:
                return
            with self._writing:
                covered, fd = self._written, self._fd
            if fd is not None:
                os.fsync(fd)
                _sync_folder(self.folder)
            self._synced = covered

    def _write(self, data: bytes) -> None:
        if self._fd is None:
            self._open()
        assert self._fd is not None
        before = os.fstat(self._fd).st_size
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            os.ftruncate(self._fd, before)  # half a line would spoil the next one
            raise

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self._behind_all():020d}-{os.getpid()}-{id(self):x}{SUFFIX}"
        fresh = path.with_suffix(".new")
        self._fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fresh.rename(path)  # seen by others only once it is locked

    def _behind_all(self) -> int:
        """The time in ns, or later: a segment comes behind all that wait, though the clock may have been set back."""
        others = (path.name.partition("-")[0] for path in self.folder.glob(f"*{SUFFIX}"))
        return max(time.time_ns(), *(int(name) + 1 for name in others if name.isdigit()), 0)


def _is_written(path: Path) -> bool:
    """Whether a process is still writing it: writers hold a lock on what they write."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
