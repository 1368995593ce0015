"""What of a call may be kept: everything redacted, and phone numbers as keyed hashes that find a caller's calls."""

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from data.disguise import UNSEEN
from data.records import Suggestion, Turn
from data.redaction import redact, redact_turns

NUMBER = re.compile(r"(?<!\d)(?:\+?86)?(1[3-9]\d{9}|0\d{9,11})(?!\d)")
SPOKEN = str.maketrans("〇零幺一二三四五六七八九", "001123456789")
BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s,，、.\-—]+(?=\d)")


def keepable(text: str) -> str:
    """`text` as both databases keep it: PostgreSQL knows no NUL."""
    return text.replace("\x00", "\ufffd")


def keepable_turns(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """`turns` redacted, as they may be kept."""
    return tuple(Turn(speaker=turn.speaker, text=keepable(turn.text)) for turn in redact_turns(turns))


def redact_suggestion(suggestion: Suggestion, turns: Sequence[Turn]) -> dict[str, Any]:
    """The suggestion with every quoted word redacted; `turns` are redacted, and evidence points into them.

    Evidence whose words did not stay as they were is left out.
    """
    kept = suggestion.model_dump(mode="json")
    for quoted in [*kept["red_flags"], *([kept["location"]] if kept["location"] else [])]:
        quoted["text"] = keepable(redact(quoted["text"]))
    kept["reasons"] = [keepable(redact(reason)) for reason in kept["reasons"]]
    evidence = []
    for item in kept["evidence"]:
        start = turns[item["turn"]].text.find(item["text"]) if item["turn"] < len(turns) else -1
        if start >= 0:
            evidence.append(item | {"start": start, "end": start + len(item["text"])})
    kept["evidence"] = evidence
    return kept


def said_numbers(turns: Iterable[Turn]) -> tuple[str, ...]:
    """Phone numbers in the caller's words, as digits: written, full width, spoken or spaced."""
    found: dict[str, None] = {}
    for turn in turns:
        if turn.speaker == "caller":
            digits = unicodedata.normalize("NFKC", UNSEEN.sub("", turn.text)).translate(SPOKEN)
            found.update(dict.fromkeys(NUMBER.findall(BETWEEN_DIGITS.sub("", digits))))
    return tuple(found)


class Hasher:
    """Keyed hashes of phone numbers; the key is made on first use and lies in `state_dir`.

    Raises (when made):
        OSError: the key can be neither read nor written.
    """

    def __init__(self, state_dir: Path) -> None:
        self._key = secret(state_dir)

    def digest(self, number: str) -> str:
        """The hash of one number; the same digits give the same hash."""
        digits = said_numbers([Turn(speaker="caller", text=number)]) or (number,)
        return hmac.new(self._key, digits[0].encode(), hashlib.sha256).hexdigest()


def secret(state_dir: Path) -> bytes:
    """32 random bytes of this installation."""
    path = state_dir / "secret"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        state_dir.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)  # the first of two processes wins
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_bytes()
