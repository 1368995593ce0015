"""A PostgreSQL for the tests: the one of this machine, or one of our own that may be stopped and killed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

SHARED = "postgresql://postgres@127.0.0.1:5432/postgres"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """A server of our own, made from Debian's binaries; as root it runs as `postgres`, since it refuses root."""

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not found:
            raise RuntimeError("tests of the store need Debian's package postgresql")
        self._bin, self.port = found[-1], free_port()
        self._user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self._folder = Path(tempfile.mkdtemp(prefix="ydt-pg"))
        if os.getuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
        self._run("initdb", "-D", f"{self._folder}/data", "-U", "postgres", "-A", "trust", "-N", "--locale=C.UTF-8")

    def _run(self, command: str, *arguments: str) -> None:
        subprocess.run([str(self._bin / command), *arguments], user=self._user, check=True, cwd=self._folder,
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)  # fmt: skip

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder}"
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-w", "-l", f"{self._folder}/log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-w", "-m", "fast", "stop")

    def kill(self) -> None:
        """kill −9 of the server, in the middle of whatever it does."""
        pid = int((self._folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        for _ in range(200):
            if not Path(f"/proc/{pid}").exists():
                break
            time.sleep(0.02)
        for _ in range(300):  # its children end by themselves; the next start waits for the shared memory
            if not any(str(self._folder) in line for line in _command_lines()):
                break
            time.sleep(0.02)
        (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def remove(self) -> None:
        if (self._folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().decode(errors="replace")
        except OSError:
            continue


@contextmanager
def server() -> Iterator[str]:
    """Address of a server that answers."""
    try:
        psycopg.connect(SHARED, connect_timeout=2).close()
    except psycopg.OperationalError:
        own = Postgres()
        own.start()
        try:
            yield own.url
        finally:
            own.remove()
    else:
        yield SHARED


@contextmanager
def database(server: str) -> Iterator[str]:
    """Address of an empty database, dropped at the end."""
    name = f"ydt_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        yield server.rpartition("/")[0] + f"/{name}"
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
