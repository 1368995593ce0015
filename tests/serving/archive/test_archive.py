"""The parts of a run that want no Ray: pieces have every call once, output is whole, of one run, and in its order."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.lines import LONGEST_LINE
from model.fallback import Linear
from model.suggest import Suggester
from serving.archive import pieces as pieces_module
from serving.archive.output import MANIFEST, UNFINISHED, Manifest, Output, rescore, schema
from serving.archive.pieces import Archive, ArchiveError, Piece
from serving.archive.run import _reason
from serving.bulk import Totals
from tests.conftest import said

CALLS: list[Any] = [
    {"id": "a", "text": "称电瓶车被偷", "extra": 1},
    {"id": 5, "turns": [{"speaker": "caller", "text": "诸暨牌头这边楼上漏水"}], "city": "shaoxing"},
    {"id": "c", "text": ""},
    {"id": "d", "text": "喂", "city": "atlantis"},
    {"text": "一个女的要跳楼"},
]


@pytest.fixture(scope="module")
def quick() -> Suggester:
    """The linear model: what is said matters little here."""
    return Suggester(model=Linear())


def manifest(archive: Archive, quick: Suggester) -> Manifest:
    return Manifest.of(archive, archive.sizes(), quick, "hangzhou")


def all_rows(archive: Archive) -> list[tuple[int, Any]]:
    found = [piece for name, size in archive.sizes().items() for piece in archive.pieces(name, size)]
    return [row for piece in found for row in archive.rows(piece)]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n\n"])
@pytest.mark.parametrize(("step", "long"), [(1, False), (7, False), (40, False), (2**16, True), (2**22, True)])
def test_lines_belong_to_the_piece_they_begin_in(tmp_path: Path, step: int, long: bool, end: bytes) -> None:
    lines = [b'{"id": %d}' % n + b" " * (n % 50) for n in range(12)]
    lines[4:4] = [b"", b"  ", b"x" * 3]
    if long:
        lines.insert(8, b"y" * (LONGEST_LINE + 10))
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines) + end)
    with patch.object(pieces_module, "PIECE_BYTES", step):
        rows = all_rows(Archive(str(tmp_path)))
    assert [row["id"] for _, row in rows if isinstance(row, dict)] == list(range(12))
    assert len({at for at, _ in rows}) == len(rows) == 13 + long
    content = (tmp_path / "a.jsonl").read_bytes()
    assert all(content[at - 1 : at] in (b"", b"\n") for at, _ in rows)


@pytest.mark.parametrize("group", [1, 2, 4, 100])
def test_rows_of_a_parquet_file_whatever_its_groups(tmp_path: Path, group: int) -> None:
    table = pa.table({"id": range(11), "text": [f"第{n}件" for n in range(11)], "other": range(11)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=group)
    with patch.object(pieces_module, "PIECE_ROWS", 3):
        rows = all_rows(Archive(str(tmp_path)))
    assert rows == [(n, {"id": n, "text": f"第{n}件"}) for n in range(11)]


def test_a_folder_without_calls_is_refused(tmp_path: Path) -> None:
    for name in ("_manifest.jsonl", ".hidden/a.jsonl", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    with pytest.raises(ArchiveError, match="holds no file that ends in"):
        Archive(str(tmp_path)).sizes()
    with pytest.raises(ArchiveError, match="holds no file"):
        Archive(str(tmp_path / "gone")).sizes()
    with pytest.raises(ArchiveError, match="cannot be opened"):
        Archive("nonsense://x")


def test_a_part_has_a_row_for_every_call(tmp_path: Path, quick: Suggester) -> None:
    source = tmp_path / "in" / "2026"
    source.mkdir(parents=True)
    (source / "a.jsonl").write_bytes(
        b"\n".join(json.dumps(call, ensure_ascii=False).encode() for call in CALLS) + b"\nnot json\n"
    )
    (source / "b.parquet").write_bytes(b"PAR1 and then nothing")
    archive, output = Archive(f"file://{tmp_path}/in"), Output(f"file://{tmp_path}/out")
    assert output.begin(manifest(archive, quick)) == set()
    (tmp_path / "out" / f"{UNFINISHED}x").write_bytes(b"killed here")
    done = [
        rescore(archive, piece, output, quick, "hangzhou")
        for name, size in archive.sizes().items()
        for piece in archive.pieces(name, size)
    ]
    assert done == [Totals(3, 3), Totals(0, 1)]
    output.end()
    parts = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("0*.parquet"))
    assert parts == [Piece(f"2026/{name}", 0, 0).part for name in ("a.jsonl", "b.parquet")]
    assert output.begin(manifest(archive, quick)) == set(parts)
    table = pq.read_table(tmp_path / "out" / parts[0])
    assert table.schema.equals(schema())
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == ["a", "5", "c", "d", None, None]
    assert [bool(row["error"]) for row in rows] == [False, False, True, True, False, True]
    assert "atlantis" in rows[3]["error"]
    assert rows[1]["policy_version"].startswith("shaoxing")
    shown = quick.suggest_many([said("称电瓶车被偷")])[0]
    assert (rows[0]["category"], rows[0]["model_version"]) == (shown.category.code, shown.model_version)
    (broken,) = pq.read_table(tmp_path / "out" / parts[1]).to_pylist()
    assert broken["error"].startswith("is no Parquet file")
    assert broken["file"] == "2026/b.parquet"


def test_rows_behind_a_broken_page_are_told_one_by_one(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": range(9), "text": ["楼上漏水"] * 9}), tmp_path / "a.parquet", row_group_size=3)
    whole = bytearray((tmp_path / "a.parquet").read_bytes())
    second = pq.read_metadata(tmp_path / "a.parquet").row_group(1).column(0)
    begins = second.dictionary_page_offset or second.data_page_offset
    whole[begins : begins + 30] = b"\xff" * 30
    (tmp_path / "a.parquet").write_bytes(whole)
    rows = all_rows(Archive(str(tmp_path)))
    assert [at for at, _ in rows] == list(range(9))
    assert isinstance(rows[-1][1], str)


def test_output_of_another_run_is_refused(tmp_path: Path, quick: Suggester) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1, "text": "楼上漏水"}')
    ours = manifest(Archive(str(tmp_path)), quick)
    output = Output(str(tmp_path / "out"))
    output.begin(ours)
    output.begin(ours)
    for theirs, named in (
        (replace(ours, release="r2"), "release"),
        (replace(ours, city="shaoxing"), "city: hangzhou, not shaoxing"),
        (replace(ours, files={"a.jsonl": 5}), "files: a.jsonl"),
        (replace(ours, files={}), "files: a.jsonl"),
        (replace(ours, policies={**ours.policies, "hangzhou": "x"}), "policies: hangzhou"),
    ):
        with pytest.raises(ArchiveError, match=f"output of another run .*{named}"):
            output.begin(theirs)
    (tmp_path / "out" / MANIFEST).write_text("[]x")
    with pytest.raises(ArchiveError, match="is no manifest"):
        output.begin(ours)
    (tmp_path / "out" / MANIFEST).unlink()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(ArchiveError, match="holds files, but none of an earlier run"):
        output.begin(ours)


def test_what_a_makeshift_says_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1, "text": "楼上漏水"}')
    broken = Suggester(tmp_path / "nowhere")
    archive, output = Archive(str(tmp_path)), Output(str(tmp_path / "out"))
    with pytest.raises(ArchiveError, match="the release does not work"):
        rescore(archive, Piece("a.jsonl", 0, 99), output, broken, "hangzhou")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "ray::MapWorker.submit()\n  File x\nTypeError: readline() takes 1\n\nThe above exception was the direct cause:\n"
            "ray.exceptions.UserCodeException: UDF failed\nTo change retry attempts, backoff: configure them",
            "TypeError: readline() takes 1",
        ),
        (
            "The actor died because of an error raised in its creation task\n"
            "serving.archive.pieces.ArchiveError: the release does not work: model: gone",
            "the release does not work: model: gone",
        ),
        ("", "RuntimeError"),
    ],
)
def test_what_a_worker_ended_with_is_told(text: str, told: str) -> None:
    assert _reason(RuntimeError(text)) == told


def test_a_store_whose_files_only_read_whole_lines(tmp_path: Path) -> None:
    import fsspec

    files = fsspec.filesystem("memory")
    files.pipe_file("/calls/a.jsonl", b'{"text": "1"}\n\n{"text": "2"}')
    assert [row for _, row in all_rows(Archive("memory://calls"))] == [{"text": "1"}, {"text": "2"}]
