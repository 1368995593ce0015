"""Releases for tests: copies of the bundled one under other names, whole or spoiled."""

import json
import shutil
from pathlib import Path

from model.release import BUNDLED, FILES, MANIFEST, write_manifest


def copied(folder: Path, version: str) -> Path:
    """The bundled release under another version."""
    shutil.copytree(BUNDLED, folder)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    write_manifest(folder, version, {"max_tokens": manifest["max_tokens"]})
    return folder


def truncated(folder: Path) -> Path:
    """As a copy that was interrupted leaves it."""
    path = folder / FILES.encoder
    path.write_bytes(path.read_bytes()[:1_000_000])
    return folder


def forgetful(folder: Path) -> Path:
    """Correctly signed, but its golden texts are answered differently."""
    path = folder / FILES.golden
    golden = json.loads(path.read_text(encoding="utf-8"))
    golden[0]["cell"] = (golden[0]["cell"] + 1) % 260
    path.write_text(json.dumps(golden), encoding="utf-8")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    write_manifest(folder, manifest["version"], {"max_tokens": manifest["max_tokens"]})
    return folder
