"""The READMEs tell the truth: every example is run and its output compared."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from serving import metrics
from serving.settings import Settings
from tests.serving.test_serve import first_keys, served

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")
VOLATILE = {"call_id", "suggestion_id", "elapsed_ms"}


def examples(name: str) -> dict[str, str]:
    """Command → output of every `console` block."""
    found: dict[str, str] = {}
    for block in re.findall(r"```console\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found[command] = output.strip()
    return found


def shell(command: str, folder: Path, **environment: str) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=True,
                          env=os.environ | {"PATH": path, "COLUMNS": "110"} | environment)  # fmt: skip
    return done.stdout.strip()


def blurred(text: str) -> str:
    """Percentages may differ by a point between machines."""
    return re.sub(r"\d+%", "%", " ".join(text.split()))


def steady(answer: dict[str, Any]) -> Any:
    kept = {key: value for key, value in answer.items() if key not in VOLATILE}
    return json.loads(json.dumps(kept), parse_float=lambda _: "")


@pytest.mark.parametrize("name", READMES)
def test_classify(name: str) -> None:
    ((command, output),) = [(c, o) for c, o in examples(name).items() if c.startswith("yidiantong classify")]
    assert blurred(shell(command, ROOT)) == blurred(output)


@pytest.mark.parametrize("name", READMES)
def test_the_service(name: str, tmp_path: Path) -> None:
    commands = examples(name)
    with served(tmp_path / "var") as (address, process):
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(2)]
        key = first_keys(tmp_path / "var")["operator"]
        lines = commands["make run"].splitlines()
        assert said[0].replace(str(tmp_path / "var"), "var") == lines[0]
        assert said[1] == lines[1].replace("http://127.0.0.1:8110", address).replace("ydt_…", key)
        ask = "\n".join(c for c in commands if c.startswith(("KEY=", "curl")))
        (shown,) = [o for c, o in commands.items() if c.startswith("curl")]
        answer = json.loads(shell(ask.replace("http://127.0.0.1:8110", address), tmp_path))
        assert steady(answer) == steady(json.loads(shown))


def test_every_command_and_setting_is_described() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in (
        "serve",
        "classify",
        "predict",
        "bulk",
        "keys create",
        "keys list",
        "keys revoke",
        "train",
        "evaluate",
        "measure redaction",
        "measure facts",
        "measure related",
        "drift [--weeks",
        "queue-suspected",
    ):
        assert command in text
    for name in Settings.model_fields:
        assert f"`{name.upper()}`" in text, name


def test_every_metric_is_described() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for value in vars(metrics).values():
        if isinstance(value, MetricWrapperBase):
            name, counted = next(iter(value.describe())).name, isinstance(value, Counter)
            assert f"`{name}{'_total' if counted else ''}`" in text, name


def test_links_lead_somewhere() -> None:
    for name in (*READMES, "data/corpus/README.md"):
        folder = (ROOT / name).parent
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / name).read_text(encoding="utf-8")):
            assert (folder / link).exists(), link


def test_figures_in_the_readme_are_those_of_the_reports() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs" / "evaluation").glob("*/report.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        figure = report["model"]["accuracy"]["category"]
        assert f"{figure['value']:.3f} ({figure['low']:.3f}–{figure['high']:.3f})" in text, path
