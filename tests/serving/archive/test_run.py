"""Runs by Ray: exactly one output for each call, whoever is killed on the way."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from serving.archive.output import MANIFEST
from tests.s3 import bucket

pytestmark = pytest.mark.soak
COMMAND = [
    sys.executable,
    "-c",
    "from serving.archive import pieces; pieces.PIECE_BYTES = 4_000; from serving.cli import main; main()",
    "bulk",
]
CALLS = 2_000


@pytest.fixture
def ray_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Ray keeps its sockets, whose paths must be short."""
    monkeypatch.setenv("RAY_worker_niceness", "0")  # other work goes on on this machine
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Calls in two files, three bad lines among them."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b"):
        rows = [json.dumps({"id": f"{name}{n}", "text": f"楼上漏水，第{n}位"}) for n in range(CALLS // 2)]
        rows[7], rows[500] = "not json", json.dumps({"id": f"{name}500", "text": ""})
        (folder / f"{name}.jsonl").write_text("\n".join(rows))
    return folder


def run(source: object, target: object, workers: int = 1) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, str(source), str(target), "--workers", str(workers)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip


def ended(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-2_000:]
    return out


def parts(target: Path) -> list[Path]:
    return [path for path in target.rglob("0*.parquet") if path.is_file()]


def when(true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Waits for something that a run does."""
    for _ in range(2_000):
        if true():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("nothing came of it in 100 s")


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Its processes that score; Ray gives them a name."""
    return [child for child in psutil.Process(process.pid).children(recursive=True)
            if "MapWorker" in " ".join(child.cmdline())]  # fmt: skip


def whole(target: Path) -> None:
    """Every call is there once, three of four bad ones by name."""
    rows = [row for path in parts(target) for row in pq.read_table(path, partitioning=None).to_pylist()]
    assert len(rows) == CALLS
    assert len({(row["file"], row["at"]) for row in rows}) == CALLS
    assert {row["id"] for row in rows if row["error"]} == {None, "a500", "b500"}
    assert sum(row["error"] is not None for row in rows) == 4
    assert len({row["id"] for row in rows}) == CALLS - 1
    assert not [path for path in target.rglob(".unfinished*") if path.is_file()]


@pytest.mark.usefixtures("ray_folder")
def test_workers_and_driver_are_killed(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    first = run(archive, target)
    when(lambda: len(parts(target)) >= 2, first)
    (worker,) = workers_of(first)
    worker.kill()
    before = len(parts(target))
    when(lambda: len(parts(target)) >= before + 3, first)
    first.kill()
    first.communicate()
    assert 0 < len(parts(target)) < 2 * CALLS // 100
    stamps = {path: path.stat().st_mtime_ns for path in parts(target)}
    said = ended(run(archive, target))
    assert "were there already" in said
    whole(target)
    kept = [path for path, stamp in stamps.items() if path.stat().st_mtime_ns == stamp]
    assert len(kept) >= len(stamps) - 1  # a worker may outlive its driver by a moment


@pytest.mark.usefixtures("ray_folder")
def test_another_release_is_refused(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    for name in ("a", "b"):
        (archive / f"{name}.jsonl").write_text('{"id": 1, "text": "楼上漏水"}')
    assert "2 suggestions, 0 bad rows" in ended(run(archive, target))
    manifest = json.loads((target / MANIFEST).read_text())
    (target / MANIFEST).write_text(json.dumps(manifest | {"release": "r0"}))
    process = run(archive, target)
    assert "the output of another run (release: r0, not " in process.communicate()[1]
    assert process.returncode == 2


@pytest.mark.usefixtures("ray_folder")
def test_an_archive_on_s3(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bucket("city", monkeypatch):
        import s3fs

        files = s3fs.S3FileSystem()
        files.put(str(archive), "city/archive", recursive=True)
        ended(run("s3://city/archive", "s3://city/out"))
        files.invalidate_cache()
        files.get("city/out", str(tmp_path / "out"), recursive=True)
    whole(tmp_path / "out")
