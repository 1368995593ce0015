"""The whole of training in small: one command makes a release that serves."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from model.drift import REFERENCE, release_reference
from model.release import BUNDLED, open_release
from model.runtime import Encoder
from model.suggest import Suggester
from tests.conftest import said
from training.card import write_card
from training.config import CONFIG_DIR, BaseEncoder, Config, Fit


def trained(*options: str, folder: Path) -> None:
    command = [str(Path(sys.executable).parent / "yidiantong"), "train", "--config", str(CONFIG_DIR / "smoke.toml"),
               "--output", str(folder), *options]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "release" in done.stdout


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    trained(folder=folder)
    return folder


def test_a_release_comes_out(run_folder: Path) -> None:
    release = run_folder / "release"
    assert Encoder(release).version == json.loads((run_folder / "run.json").read_text())["version"]
    assert Suggester(release).suggest(said("称电瓶车被偷")).degraded == ()
    assert release_reference(open_release(release, (REFERENCE,))).calls > 0


def test_the_run_can_be_told_again(run_folder: Path) -> None:
    facts = json.loads((run_folder / "run.json").read_text())
    assert {"corpus", "config", "commit", "fp32", "int8", "minutes", "train", "validation", "test"} <= set(facts)
    assert json.loads((run_folder / "config.json").read_text())["base"]["layers"] == 2
    assert (run_folder / "report" / "report.md").is_file()
    assert list((run_folder / "checkpoints").rglob("events.out.tfevents.*"))


def test_the_card_is_written_from_the_run(run_folder: Path) -> None:
    facts = json.loads((run_folder / "run.json").read_text())
    card = (run_folder / "release" / "MODEL_CARD.md").read_text()
    report = json.loads((run_folder / "report" / "report.json").read_text())
    for said_there in (facts["version"], facts["corpus"], f"{facts['train']} calls", f"int8 {facts['int8']:.4f}",
                       f"{report['model']['accuracy']['category']['value']:.3f}"):  # fmt: skip
        assert said_there in card
    for heading in ("Intended use", "Data", "Slices", "Limits", "Privacy", "jieba + scikit-learn"):
        assert heading in card
    slices = report["model"]["slices"]
    assert all(f"| {name} | {row['calls']} | {row['category']:.3f} |" in card for name, row in slices.items())


def test_the_card_says_where_a_network_that_learnt_nothing_is_from(run_folder: Path) -> None:
    facts = json.loads((run_folder / "run.json").read_text())
    report = json.loads((run_folder / "report" / "report.json").read_text())
    config = Config(base=BaseEncoder(warm_start=BUNDLED), fit=Fit(epochs=0, others=(Path("a.pt"), Path("b.pt"))))
    card = write_card(facts, config, report)
    begun = open_release(BUNDLED, ()).version
    assert f"None of its own, warm start from {begun}, in the mean with a.pt, b.pt. Config hash" in card
    assert "epochs" not in card


def test_the_dataset_card_counts_what_was_learnt_from(run_folder: Path) -> None:
    facts = json.loads((run_folder / "run.json").read_text())
    card = (run_folder / "DATASET_CARD.md").read_text()
    (source,) = facts["sources"]
    for said_there in (facts["version"], facts["corpus"], f"| `{source['hash']}` | {source['calls']} |",
                       f"All that was taken: {facts['train'] + facts['validation'] + facts['test']} calls"):  # fmt: skip
        assert said_there in card


def test_a_run_that_died_after_training_goes_on_from_there(run_folder: Path) -> None:
    for gone in ("release", "checkpoints"):
        shutil.rmtree(run_folder / gone)
    trained("--resume", folder=run_folder)
    assert Suggester(run_folder / "release").suggest(said("称电瓶车被偷")).degraded == ()
    assert not (run_folder / "checkpoints").exists(), "it was trained already"
