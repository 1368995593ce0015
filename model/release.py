"""A release: the files of a trained model, their checksums, and the golden texts it must still answer alike."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.own_taxonomy import PACKAGED, Taxonomy, load_taxonomy
from data.tables import DataError

BUNDLED = Path(__file__).parent / "release"
MANIFEST = "manifest.json"


class ReleaseError(ValueError):
    """A release that must not answer: a file is missing or changed, labels differ, golden texts do not hold."""


@dataclass(frozen=True)
class Files:
    """What a release consists of, beside its manifest and its card; the taxonomy only where it is a city's own."""

    encoder: str = "encoder.onnx"
    tokenizer: str = "tokenizer.json"
    heads: str = "heads.npz"
    calibration: str = "calibration.json"
    golden: str = "golden.json"
    fallback: str = "fallback.npz"
    taxonomy: str = "taxonomy.csv"


FILES = Files()
NEURAL = (FILES.encoder, FILES.tokenizer, FILES.heads, FILES.calibration, FILES.golden)


@dataclass(frozen=True)
class Release:
    """A folder whose files are those that were released, and the categories that it answers in."""

    folder: Path
    version: str
    max_tokens: int
    taxonomy: Taxonomy = PACKAGED

    def path(self, name: str) -> Path:
        """Where the file is."""
        return self.folder / name


def sha256(path: Path) -> str:
    """Checksum of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, version: str, facts: Mapping[str, Any]) -> None:
    """Writes `manifest.json` with the checksum of every other file in `folder`, and the labels of its taxonomy."""
    files = {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    labels = (load_taxonomy(folder / FILES.taxonomy) if FILES.taxonomy in files else PACKAGED).labels
    manifest = {"version": version, **facts, "labels": labels, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def open_release(folder: Path, names: tuple[str, ...]) -> Release:
    """The release in `folder`, once the files `names` are found unchanged and the labels are its taxonomy's.

    A taxonomy of its own is always read; without one the labels are this project's.

    Raises:
        ReleaseError: otherwise.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version, max_tokens = str(manifest["version"]), int(manifest["max_tokens"])
        files, labels = dict(manifest["files"]), manifest["labels"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{MANIFEST} cannot be read: {error}") from error
    own = (FILES.taxonomy,) if FILES.taxonomy in files else ()
    for name in (*own, *names):
        try:
            actual = sha256(folder / name)
        except OSError as error:
            raise ReleaseError(f"{name} cannot be read: {error.strerror}") from error
        if actual != files.get(name):
            raise ReleaseError(f"{name} is not the file that was released (sha256 differs)")
    try:
        taxonomy = load_taxonomy(folder / FILES.taxonomy) if own else PACKAGED
    except DataError as error:
        raise ReleaseError(f"its taxonomy cannot be read: {error}") from error
    if labels != taxonomy.labels:
        raise ReleaseError("the labels are not those of this taxonomy")
    return Release(folder, version, max_tokens, taxonomy)
