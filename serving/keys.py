"""API keys with roles. Only their SHA-256 is kept: a key is 256 random bits, so a plain hash cannot be reversed."""

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from serving.owner import put

PREFIX = "ydt_"
LONGEST_NAME = 64


class Role(StrEnum):
    """Who holds a key."""

    OPERATOR = "operator"
    REVIEWER = "reviewer"
    SCIENTIST = "scientist"
    ADMIN = "admin"


@dataclass(frozen=True)
class Key:
    """A key as it is kept. `id` names it in lists and logs; `name` is its holder, `city` None means every city."""

    id: str
    role: Role
    digest: str
    created: str
    revoked: str = ""
    name: str = ""
    city: str | None = None


class KeyFileError(ValueError):
    """The key file is not one."""


def digest(secret: str) -> str:
    """SHA-256 of a key, as hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class KeyRing:
    """The keys in `path`. Every look-up sees what another process wrote, so a revoked key ends at once.

    Raises (at every use):
        KeyFileError: the file is broken, or not to be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int] | None = None
        self._by_digest: dict[str, Key] = {}

    def holder(self, secret: str) -> Key | None:
        """The key that `secret` is, unless unknown or revoked."""
        self._refresh()
        found = self._by_digest.get(digest(secret))
        return None if found is None or found.revoked else found

    def all(self) -> list[Key]:
        """Every key, revoked ones too, oldest first."""
        self._refresh()
        return list(self._by_digest.values())

    def valid(self, key_id: str) -> Key | None:
        """The key of that id, unless unknown or revoked."""
        self._refresh()
        found = next((key for key in self._by_digest.values() if key.id == key_id), None)
        return None if found is None or found.revoked else found

    def create(self, role: Role, name: str = "", city: str | None = None) -> tuple[Key, str]:
        """A new key and its secret, which is shown this once and never again.

        Raises:
            ValueError: a name over 64 characters or with control characters.
        """
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise ValueError(f"a name has at most {LONGEST_NAME} printable characters")
        secret = PREFIX + secrets.token_urlsafe(32)
        key = Key(secrets.token_hex(4), role, digest(secret), _now(), name=name, city=city)
        self._write([*self.all(), key])
        return key, secret

    def revoke(self, key_id: str) -> Key:
        """Ends the key `key_id`; `KeyError` when there is none."""
        keys = self.all()
        revoked = {key.id: Key(**asdict(key) | {"revoked": key.revoked or _now()}) for key in keys if key.id == key_id}
        if not revoked:
            raise KeyError(key_id)
        self._write(revoked.get(key.id, key) for key in keys)
        return revoked[key_id]

    def _refresh(self) -> None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self._by_digest, self._stamp = {}, None
            return
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            self._by_digest, self._stamp = {key.digest: key for key in self._read()}, stamp

    def _read(self) -> list[Key]:
        try:
            rows: list[dict[str, Any]] = json.loads(self.path.read_text(encoding="utf-8"))
            if not isinstance(rows, list):
                raise TypeError("not a list")
            return [Key(**row | {"role": Role(row["role"]), "revoked": row["revoked"]}) for row in rows]
        except OSError as error:
            raise KeyFileError(f"{self.path} cannot be read: {error}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise KeyFileError(f"{self.path} is not a key file: {error}") from error

    def _write(self, keys: Iterable[Key]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump([asdict(key) for key in keys], file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        put(fresh, self.path)


@dataclass(frozen=True)
class FirstKeys:
    """The keys of the first start, and the file they are written to."""

    path: Path
    secrets: dict[Role, str]


def first_keys(state_dir: Path) -> FirstKeys | None:
    """Makes one key for each role when there is none yet; None when there were keys."""
    ring = KeyRing(state_dir / "keys.json")
    if ring.all():
        return None
    made = FirstKeys(state_dir / "first-keys.txt", {role: ring.create(role)[1] for role in Role})
    with os.fdopen(os.open(made.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write("# Hand these out, then delete this file: only their hashes are kept in keys.json.\n")
        file.writelines(f"{role.value} {secret}\n" for role, secret in made.secrets.items())
    return made


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
