"""Who may import whom, and what serving must not carry."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "data": {"data"},
    "model": {"model", "data"},
    "serving": {"serving", "model", "data"},
    "training": {"training", "model", "data"},
}
HEAVY = ("torch", "transformers", "sklearn", "pandas", "datasets", "scipy", "matplotlib")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_go_one_way(package: str) -> None:
    ours = set(MAY_IMPORT)
    for path in (ROOT / package).rglob("*.py"):
        assert imported(path) & ours <= MAY_IMPORT[package], path


@pytest.mark.parametrize("package", ["data", "model", "serving"])
def test_no_module_on_the_way_of_a_call_imports_training_libraries(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        assert not imported(path) & set(HEAVY), path


def test_a_served_call_loads_no_training_library() -> None:
    code = (
        "import sys, serving.app, serving.cli; from data.records import Call; from model.suggest import Suggester;"
        "Suggester().suggest(Call.model_validate({'text': '楼上漏水'}));"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_modules_stay_small() -> None:
    for package in MAY_IMPORT:
        for path in (ROOT / package).rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path
