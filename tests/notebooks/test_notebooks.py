"""The notebooks run from the first cell to the last, and what is committed of them is small and no one's own."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
AT_MOST = 150_000
PRIVATE = re.compile(r"/(?:home|tmp|root|Users|work|usr|opt)/|\d\d:\d\d:\d\d|\b1[3-9]\d{9}\b")


def executed(path: Path, folder: Path) -> Path:
    """The notebook as it comes out of a process of its own."""
    own = {
        "PYTHONPATH": str(ROOT),
        "IPYTHONDIR": str(folder),
        "OMP_NUM_THREADS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    command = [sys.executable, "-m", "tests.notebooks.execute", str(path), str(folder / path.name)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return folder / path.name


def cells(path: Path, kind: str) -> list[Any]:
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def kinds(cell: Any) -> list[str]:
    """What a cell shows: streams, and pictures by their type."""
    return sorted({kind for output in cell.outputs for kind in output.get("data", {output.get("name", ""): 0})})


def test_there_are_five() -> None:
    assert [name[:2] for name in NAMES] == ["01", "02", "03", "04", "05"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_it_runs_and_shows_what_is_committed(path: Path, tmp_path: Path) -> None:
    fresh, committed = cells(executed(path, tmp_path), "code"), cells(path, "code")
    assert [kinds(cell) for cell in fresh] == [kinds(cell) for cell in committed]
    assert sum("image/png" in kinds(cell) for cell in fresh) >= 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_what_is_committed_is_small_and_whole(path: Path) -> None:
    assert path.stat().st_size < AT_MOST
    assert all(re.search("[一-龥]", cell.source) for cell in cells(path, "markdown"))
    for number, cell in enumerate(cells(path, "code"), 1):
        assert cell.execution_count == number, cell.source
        assert not cell.metadata, cell.metadata
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text
            shown = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            assert not PRIVATE.search(shown), shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_links_lead_somewhere(path: Path) -> None:
    for cell in cells(path, "markdown"):
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", cell.source):
            assert (path.parent / link).exists(), link
