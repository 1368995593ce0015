"""Runs a notebook in its own folder: `python -m tests.notebooks.execute IN OUT` (twice the same to write it anew)."""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

CELL_SECONDS = 900


def execute(source: Path, target: Path) -> None:
    """Writes the executed notebook, without times, which would differ from run to run.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    os.environ.setdefault("PYTHONWARNINGS", "ignore:IProgress not found")  # bars are not looked at here
    notebook = nbformat.read(source, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(
        notebook, timeout=CELL_SECONDS, kernel_name="python3", record_timing=False, coalesce_streams=True,
        resources={"metadata": {"path": str(source.parent)}},
    ).execute()  # fmt: skip
    notebook.metadata.language_info = {"name": "python"}
    nbformat.write(notebook, target)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    execute(Path(sys.argv[1]), Path(sys.argv[2]))
