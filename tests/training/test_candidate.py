"""A candidate is judged on the same calls, and the whole command promotes or refuses."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.corpus import load_corpus, split_groups
from model.release import BUNDLED, FILES, MANIFEST, write_manifest
from tests.releases import copied
from training.candidate import difference, disturbances, slices
from training.evaluate import Case, run


@pytest.fixture(scope="module")
def cases(some_parts: Path) -> list[Case]:
    items = load_corpus(some_parts)
    splits = split_groups(items)
    held = [Case.of(item) for item in items if splits[item.group] == "test"]
    return held[:: len(held) // 60]


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled release with the heads of two common categories exchanged, correctly signed."""
    folder = copied(tmp_path_factory.mktemp("spoiled") / "release", "spoiled")
    with np.load(folder / FILES.heads) as arrays:
        heads = dict(arrays)
    order = np.roll(np.arange(len(heads["category.bias"])), 1)
    heads["category.weight"], heads["category.bias"] = heads["category.weight"][order], heads["category.bias"][order]
    np.savez(folder / FILES.heads, allow_pickle=False, **heads)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / FILES.golden).write_text(json.dumps(refreshed(folder, manifest)), encoding="utf-8")
    write_manifest(folder, "spoiled", {"max_tokens": manifest["max_tokens"]})
    return folder


def refreshed(folder: Path, manifest: dict[str, object]) -> list[dict[str, object]]:
    """Golden texts as the spoiled release answers them, so that it loads."""
    from data.records import Turn
    from model.runtime import Encoder
    from model.text import render

    golden: list[dict[str, object]] = json.loads((folder / FILES.golden).read_text(encoding="utf-8"))
    write_manifest(folder, "spoiled", {"max_tokens": manifest["max_tokens"]})
    texts = [render([Turn.model_validate(turn) for turn in item["turns"]]).text for item in golden]  # type: ignore[attr-defined]
    for item, reading in zip(golden, Encoder(folder, golden=False).read(texts), strict=True):
        item |= {"cell": int(reading.joint.argmax()), "probability": float(reading.joint.max())}
    return golden


def compared(*more: str, live: Path = BUNDLED, candidate: Path = BUNDLED) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).parent / "yidiantong"), "compare", str(live), str(candidate), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def judged(live: Path, candidate: Path, data: list[Case], folder: Path) -> "subprocess.CompletedProcess[str]":
    path = folder / "calls.jsonl"
    path.write_text("\n".join(case.model_dump_json() for case in data), encoding="utf-8")
    (folder / "danger.jsonl").write_text(json.dumps(
        {"id": "1", "text": "楼上打架，有人拿刀", "category": "fight", "urgency": "emergency", "danger": True}
    ), encoding="utf-8")  # fmt: skip
    return compared("--data", str(path), "--danger", str(folder / "danger.jsonl"), "--variants", "5",
                    "--output", str(folder / "out"), live=live, candidate=candidate)  # fmt: skip


def test_a_spoiled_candidate_is_refused(cases: list[Case], spoiled: Path, tmp_path: Path) -> None:
    done = judged(BUNDLED, spoiled, cases, tmp_path)
    assert done.returncode == 1, done.stderr
    assert "refuse spoiled" in done.stdout
    assert "BROKEN category" in done.stdout
    figures = json.loads((tmp_path / "out" / "compare.json").read_text(encoding="utf-8"))
    assert figures["overall"]["category"]["lost"] > 10 > figures["overall"]["category"]["won"]
    assert figures["worse"]
    assert figures["overall"]["category"]["p"] < 0.01
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "Refuse" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_the_same_again_is_promoted(cases: list[Case], tmp_path: Path) -> None:
    gate = "time: at most"
    done = judged(BUNDLED, BUNDLED, cases[:12], tmp_path)
    kept = [line for line in done.stdout.splitlines() if line.startswith("BROKEN") and gate not in line]
    assert kept == [], done.stdout + done.stderr
    assert "kept   danger" in done.stdout


def test_a_safety_set_without_dangers_is_an_error(cases: list[Case], tmp_path: Path) -> None:
    for name, content in (("empty", ""), ("harmless", cases[0].model_dump_json())):
        (tmp_path / name).write_text(content, encoding="utf-8")
        done = compared("--danger", str(tmp_path / name), "--output", str(tmp_path / "out"))
        assert done.returncode == 2
        assert "holds no call in which danger hides" in done.stderr


def test_no_release_is_an_error(cases: list[Case], tmp_path: Path) -> None:
    done = judged(BUNDLED, tmp_path / "nothing", cases[:2], tmp_path)
    assert done.returncode == 2
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_differences_are_paired() -> None:
    live, candidate = np.array([True] * 8 + [False] * 12), np.array([True] * 20)
    found = difference(live, candidate)
    assert (found["won"], found["lost"], found["live"], found["candidate"]) == (12, 0, 0.4, 1.0)
    assert found["p"] == pytest.approx(2 * 0.5**12, abs=1e-4)
    assert difference(live, live)["p"] == 1


def test_slices_name_style_length_and_town(cases: list[Case]) -> None:
    from model.fallback import Linear

    call = Case(id="1", text="我在西湖区古荡街道，楼上漏水", category="neighbour_dispute", urgency="routine_onsite")
    names = set(slices(run(Linear(), [call])))
    assert {"category: neighbour_dispute", "style: note", "town: 古荡街道", "length: under 30 characters"} <= names


def test_disturbances_leave_enough_to_read(cases: list[Case]) -> None:
    for name, change in disturbances().items():
        changed = change(cases[0])
        assert changed == change(cases[0]), name
        assert changed.turns, name
        assert all(turn.text for turn in changed.turns)
