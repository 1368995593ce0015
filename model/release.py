"""A release: the files of a trained model, their checksums, and the golden texts it must still answer alike."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.taxonomy import POLICE_LABELS, URGENCIES, categories

BUNDLED = Path(__file__).parent / "release"
MANIFEST = "manifest.json"
HEADS = {
    "category": list(categories()),
    "urgency": [level.value for level in URGENCIES],
    "police": [label.value for label in POLICE_LABELS],
}


class ReleaseError(ValueError):
    """A release that must not answer: a file is missing or changed, labels differ, golden texts do not hold."""


@dataclass(frozen=True)
class Files:
    """What a release consists of, beside its manifest and its card."""

    encoder: str = "encoder.onnx"
    tokenizer: str = "tokenizer.json"
    heads: str = "heads.npz"
    calibration: str = "calibration.json"
    golden: str = "golden.json"
    fallback: str = "fallback.npz"


FILES = Files()
NEURAL = (FILES.encoder, FILES.tokenizer, FILES.heads, FILES.calibration, FILES.golden)


@dataclass(frozen=True)
class Release:
    """A folder whose files are those that were released."""

    folder: Path
    version: str
    max_tokens: int

    def path(self, name: str) -> Path:
        """Where the file is."""
        return self.folder / name


def sha256(path: Path) -> str:
    """Checksum of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, version: str, facts: Mapping[str, Any]) -> None:
    """Writes `manifest.json` with the checksum of every other file in `folder`."""
    files = {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    manifest = {"version": version, **facts, "labels": HEADS, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def open_release(folder: Path, names: tuple[str, ...]) -> Release:
    """The release in `folder`, once the files `names` are found unchanged and the labels are this project's.

    Raises:
        ReleaseError: otherwise.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version, max_tokens = str(manifest["version"]), int(manifest["max_tokens"])
        files, labels = dict(manifest["files"]), manifest["labels"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{MANIFEST} cannot be read: {error}") from error
    if labels != HEADS:
        raise ReleaseError("the labels are not those of this taxonomy")
    for name in names:
        try:
            actual = sha256(folder / name)
        except OSError as error:
            raise ReleaseError(f"{name} cannot be read: {error.strerror}") from error
        if actual != files.get(name):
            raise ReleaseError(f"{name} is not the file that was released (sha256 differs)")
    return Release(folder, version, max_tokens)
