"""What a run over an archive writes: a manifest that says of what and by what, and one Parquet file for each piece."""

import io
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import islice
from typing import Any

from data.records import Suggestion
from model.suggest import Suggester
from serving.archive.pieces import BATCH, PIECE_BYTES, PIECE_ROWS, Archive, ArchiveError, Piece, below, opened, shown
from serving.bulk import Line, Totals, parsed, suggested

MANIFEST = "_manifest.json"
UNFINISHED = ".unfinished-"


@dataclass(frozen=True)
class Manifest:
    """What output is made of, and by what. Two runs write the same output if, and only if, their manifests are equal.

    `files` are bytes by file, `policies` versions by city; `city` is that of calls that name none.
    """

    source: str
    files: Mapping[str, int]
    city: str
    release: str
    policies: Mapping[str, str]
    program: str
    piece_rows: int = PIECE_ROWS
    piece_bytes: int = PIECE_BYTES

    @classmethod
    def of(cls, archive: Archive, files: Mapping[str, int], suggester: Suggester, city: str) -> "Manifest":
        """That of a run that begins now."""
        policies = {name: policy.version for name, policy in sorted(suggester.policies.items())}
        return cls(archive.shown, files, city, suggester.model.version, policies, version("yidiantong"))

    def difference(self, other: Mapping[str, Any]) -> str:
        """The first thing in which a manifest that was written differs, as `name: theirs, not ours`; empty if none."""
        for name, ours in asdict(self).items():
            if (theirs := other.get(name)) == ours:
                continue
            if isinstance(ours, dict) and isinstance(theirs, dict):
                key = next(key for key in sorted(ours | theirs) if ours.get(key) != theirs.get(key))
                return f"{name}: {key} {theirs.get(key, 'absent')}, not {ours.get(key, 'absent')}"
            return f"{name}: {theirs}, not {ours}"
        return ""


class Output:
    """The folder at `url`, which one run, or one that goes on after it, fills.

    Files are written under another name and then renamed, so that a part is there whole or not at all.

    Raises:
        ArchiveError: as `Archive`.
    """

    def __init__(self, url: str) -> None:
        self._files, self._root = opened(url)
        self.shown = shown(url)

    def begin(self, manifest: Manifest) -> set[str]:
        """Writes the manifest, or finds it there; the parts that are there already.

        Raises:
            ArchiveError: the folder has other output – of another release, archive or setting – or cannot be written.
        """
        try:
            self._files.invalidate_cache()
            found = self._files.find(self._root, detail=True) if self._files.exists(self._root) else {}
            there = {below(path, self._root) for path, about in found.items() if about["size"]}
            if MANIFEST in there:
                self._same(manifest, self._files.cat_file(f"{self._root}/{MANIFEST}"))
            elif any(UNFINISHED not in name for name in there):
                raise ArchiveError(f"{self.shown} holds files, but none of an earlier run: name an empty folder")
            else:
                self._put(MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode())
        except ArchiveError:
            raise
        except Exception as error:  # each kind of store has exceptions of its own
            raise ArchiveError(f"{self.shown} cannot be written: {error}") from error
        return there - {MANIFEST}

    def _same(self, manifest: Manifest, raw: bytes) -> None:
        try:
            differs = manifest.difference(dict(json.loads(raw)))
        except (ValueError, TypeError) as error:
            raise ArchiveError(f"{self.shown}/{MANIFEST} is no manifest: {error}") from error
        if differs:
            raise ArchiveError(f"{self.shown} has the output of another run ({differs}): name another folder")

    def write(self, piece: Piece, batches: Iterable[list[dict[str, Any]]]) -> None:
        """Writes the part of `piece`."""
        from pyarrow import Table
        from pyarrow.parquet import ParquetWriter

        held = io.BytesIO()
        with ParquetWriter(held, schema()) as writer:
            for batch in batches:
                writer.write_table(Table.from_pylist(batch, schema()))
        self._put(piece.part, held.getvalue())

    def end(self) -> None:
        """Removes what workers that were killed have left."""
        for path in self._files.find(self._root):
            if UNFINISHED in below(path, self._root):
                self._files.rm_file(path)

    def _put(self, name: str, content: bytes) -> None:
        path = f"{self._root}/{name}"
        folder, _, last = path.rpartition("/")
        fresh = f"{folder}/{UNFINISHED}{uuid.uuid4().hex}-{last}"
        self._files.makedirs(folder, exist_ok=True)
        self._files.pipe_file(fresh, content)
        self._files.mv(fresh, path)


def schema() -> Any:
    """The columns of a part."""
    import pyarrow as pa

    text, number, names = pa.string(), pa.float32(), pa.list_(pa.string())
    return pa.schema([
        ("id", text), ("file", text), ("at", pa.int64()), ("error", text),
        ("category", text), ("category_probability", number), ("police", text), ("police_probability", number),
        ("urgency", text), ("urgency_probability", number), ("destination", text), ("destination_probability", number),
        ("unit", text), ("track", text), ("action", text), ("linked", names), ("red_flags", names),
        ("confident", pa.bool_()), ("model_version", text), ("policy_version", text),
    ])  # fmt: skip


def row(piece: Piece, at: int, line: Line, suggestion: Suggestion | None) -> dict[str, Any]:
    """The output of one call; columns that are missing are null."""
    told: dict[str, Any] = {"id": _text(line.id), "file": piece.file, "at": at}
    if suggestion is None:
        return told | {"error": line.error.encode("utf-8", "replace").decode()}
    s = suggestion
    return told | {
        "category": s.category.code, "category_probability": s.category.probability,
        "police": s.police.label, "police_probability": s.police.probability,
        "urgency": s.urgency.level, "urgency_probability": s.urgency.probability,
        "destination": s.destination.code, "destination_probability": s.destination.probability,
        "unit": s.destination.unit, "track": s.destination.track, "action": s.action,
        "linked": [party.code for party in s.linked], "red_flags": [flag.id for flag in s.red_flags],
        "confident": s.confident, "model_version": s.model_version, "policy_version": s.policy_version,
    }  # fmt: skip


def _text(line_id: Any) -> str | None:
    """An id as text: whatever kind it has in the archive, a column has one."""
    if line_id is None:
        return None
    text = line_id if isinstance(line_id, str) else json.dumps(line_id, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode()


def rescore(archive: Archive, piece: Piece, output: Output, suggester: Suggester, city: str) -> Totals:
    """Writes the part of `piece`: one row for each of its calls.

    Raises:
        ArchiveError: the release does not work (any more): nobody wants an archive of what a makeshift says.
        OSError: the archive or the output is away.
    """
    errors = calls = 0

    def batches() -> Iterator[list[dict[str, Any]]]:
        nonlocal errors, calls
        rows = archive.rows(piece)
        while found := list(islice(rows, BATCH)):
            lines = [parsed(values, suggester, city) for _, values in found]
            made = list(suggested(lines, suggester))
            whole(suggester)
            errors, calls = errors + sum(line.call is None for line in lines), calls + len(lines)
            yield [row(piece, at, *one) for (at, _), one in zip(found, made, strict=True)]

    output.write(piece, batches())
    return Totals(calls - errors, errors)


def whole(suggester: Suggester) -> None:
    """Refuses a suggester that is not the whole release.

    Raises:
        ArchiveError: it is not.
    """
    if suggester.problems:
        raise ArchiveError(f"the release does not work: {suggester.problems[0]}")
