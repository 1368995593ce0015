"""Logging in with a key: a signed cookie that lives one shift, ends with its key, and needs no database.

The cookie is `key id.expiry.nonce.signature`. What was logged out stands in `ended-sessions.json` beside the keys where
every process sees it, until it would have expired anyway.
"""

import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections import OrderedDict
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from serving.keys import Key, KeyRing
from serving.problems import Problem
from serving.store.private import secret

COOKIE, TOKEN_COOKIE, TOKEN_HEADER = "ydt_session", "ydt_csrf", "x-csrf-token"
SESSION_SECONDS = 12 * 3600
FREE_TRIES, SHORTEST_LOCK, LONGEST_LOCK = 5, 30, 900  # wrong keys of one address, seconds
REMEMBERED_ADDRESSES = 10_000


class Sessions:
    """Sessions of the holders of keys in `ring`."""

    def __init__(self, state_dir: Path, ring: KeyRing) -> None:
        self._state_dir, self._ring = state_dir, ring
        self._path = state_dir / "ended-sessions.json"
        self._stamp: tuple[int, int] | None = None
        self._ended: dict[str, int] = {}
        self._lock = threading.Lock()
        self._secret: bytes | None = None

    def begin(self, key: Key) -> tuple[str, int]:
        """A new session's cookie, and when it expires (seconds since 1970)."""
        expires = int(time.time()) + SESSION_SECONDS
        body = f"{key.id}.{expires}.{secrets.token_hex(16)}"
        return f"{body}.{self._sign(body)}", expires

    def holder(self, cookie: str) -> Key | None:
        """Whose session it is; None for one that is forged, expired, logged out, or whose key was revoked."""
        parsed = self._parse(cookie)
        if parsed is None:
            return None
        key_id, expires, nonce = parsed
        if expires < time.time() or nonce in self._known_ended():
            return None
        return self._ring.valid(key_id)

    def end(self, cookie: str) -> None:
        """Logs out, in every process."""
        parsed = self._parse(cookie)
        if parsed is None:
            return
        with self._lock:
            ended = {nonce: at for nonce, at in self._read().items() if at > time.time()} | {parsed[2]: parsed[1]}
            fresh = self._path.with_suffix(f".{os.getpid()}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(ended, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)

    def token(self, cookie: str) -> str:
        """What unsafe requests of the session must carry in `X-CSRF-Token`."""
        return self._sign(f"csrf {cookie}")

    def _sign(self, text: str) -> str:
        if self._secret is None:
            self._secret = secret(self._state_dir)
        return hmac.new(self._secret, f"session {text}".encode(), hashlib.sha256).hexdigest()

    def _parse(self, cookie: str) -> tuple[str, int, str] | None:
        body, _, signature = cookie.rpartition(".")
        parts = body.split(".")
        if len(parts) != 3 or not cookie.isascii() or not hmac.compare_digest(self._sign(body), signature):
            return None
        return parts[0], int(parts[1]), parts[2]

    def _known_ended(self) -> dict[str, int]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return {}
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            self._ended, self._stamp = self._read(), stamp
        return self._ended

    def _read(self) -> dict[str, int]:
        try:
            found: dict[str, int] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return found


def same_origin(connection: HTTPConnection) -> bool:
    """Whether the browser says that a page of this service asks (Sec-Fetch-Site, or else Origin)."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = connection.headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == connection.headers.get("host")


class Guard:
    """Locks an address out that offers wrong keys: after five for half a minute, then twice as long each time."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, address: str) -> None:
        """Lets an address try that is not locked out.

        Raises:
            Problem: 429 with the seconds to wait.
        """
        with self._lock:
            tries, until = self._wrong.get(address, (0, 0.0))
        left = until - time.monotonic()
        if tries >= FREE_TRIES and left > 0:
            raise Problem(429, "too many wrong keys from this address", retry_after=int(left) + 1)

    def wrong(self, address: str) -> None:
        """Counts a wrong key."""
        with self._lock:
            tries = self._wrong.pop(address, (0, 0.0))[0] + 1
            lock = min(LONGEST_LOCK, SHORTEST_LOCK * 2 ** min(10, max(0, tries - FREE_TRIES)))
            self._wrong[address] = (tries, time.monotonic() + lock)
            while len(self._wrong) > REMEMBERED_ADDRESSES:
                self._wrong.popitem(last=False)

    def right(self, address: str) -> None:
        """Forgets the wrong ones."""
        with self._lock:
            self._wrong.pop(address, None)
