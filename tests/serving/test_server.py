"""How the process is set up before it serves."""

import subprocess
import sys
from pathlib import Path

THREADS = 8
ALLOCATING = f"""
import ctypes, sys, threading
from serving.server import share_heaps

share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
meet = threading.Barrier({THREADS})

def allocate():
    meet.wait()
    for _ in range(100):
        libc.malloc(10_000)
    meet.wait()

threads = [threading.Thread(target=allocate) for _ in range({THREADS})]
for thread in threads: thread.start()
for thread in threads: thread.join()
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""


def heaps(path: Path, program: str) -> int:
    """How many heaps glibc says that it keeps when so many threads have allocated."""
    subprocess.run([sys.executable, "-c", program, path], check=True, timeout=60)
    return path.read_text().count("<heap nr=")


def test_threads_share_two_heaps(tmp_path: Path) -> None:
    assert heaps(tmp_path / "apart.xml", ALLOCATING.replace("\nshare_heaps()\n", "\n")) > 2
    assert heaps(tmp_path / "shared.xml", ALLOCATING) <= 2
