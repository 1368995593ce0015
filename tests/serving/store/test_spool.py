"""The spool keeps what it confirmed, in order, whatever dies."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from serving.store.spool import Spool


def drained(spool: Spool) -> list[bytes]:
    segments, _ = spool.seal()
    lines = [line.strip() for segment in segments for line in segment.lines()]
    for segment in segments:
        segment.remove()
    return lines


def test_lines_come_out_in_order_and_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    assert drained(spool) == []
    spool.append([b"1", b"2"])
    spool.flush(spool.append([b"3"]))
    assert drained(spool) == [b"1", b"2", b"3"]
    spool.append([b"4"])
    assert drained(spool) == [b"4"]
    assert drained(spool) == []
    assert spool.written == 4


def test_many_writers_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    found: list[bytes] = []

    def write(name: int) -> None:
        for number in range(50):
            spool.flush(spool.append([b"%d-%d" % (name, number)]))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found += drained(spool)
    found += drained(spool)
    assert len(found) == len(set(found)) == 400
    for name in range(8):
        mine = [line for line in found if line.startswith(b"%d-" % name)]
        assert mine == [b"%d-%d" % (name, number) for number in range(50)]


def test_what_a_killed_process_wrote_is_found(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from serving.store.spool import Spool;"
        "s = Spool(Path(sys.argv[1])); s.append([b'one']); s.append([b'two']); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert drained(Spool(tmp_path)) == [b"one", b"two"]


def test_a_segment_that_another_process_writes_is_left_alone(tmp_path: Path) -> None:
    one, two = Spool(tmp_path), Spool(tmp_path)
    one.append([b"one"])
    two.append([b"two"])
    assert drained(two) == [b"two"]
    assert drained(one) == [b"one"]


def test_a_torn_line_is_no_line(tmp_path: Path) -> None:
    (tmp_path / "00000000000000000001-1-a.jsonl").write_bytes(b"whole\nhal")
    assert drained(Spool(tmp_path)) == [b"whole"]


def test_a_full_disk_confirms_nothing_and_spoils_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    spool.append([b"before"])
    real = os.write

    def full(fd: int, data: bytes) -> int:
        if len(data) > 3:
            return real(fd, data[:3])  # some bytes fit
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        spool.append([b"too much"])
    monkeypatch.setattr(os, "write", real)
    spool.append([b"after"])
    assert drained(spool) == [b"before", b"after"]
