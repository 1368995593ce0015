"""The bundled release is whole; a changed one is refused, and the fallback answers."""

import json
import shutil
from pathlib import Path

import pytest

from model.fallback import Linear, Nothing
from model.release import BUNDLED, FILES, MANIFEST, NEURAL, ReleaseError, open_release, sha256, write_manifest
from model.runtime import Encoder
from model.suggest import Suggester
from tests.conftest import said


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(BUNDLED, tmp_path / "release")
    return tmp_path / "release"


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def test_the_bundle_is_small_and_names_every_file() -> None:
    manifest = json.loads((BUNDLED / MANIFEST).read_text(encoding="utf-8"))
    present = {path.name for path in BUNDLED.iterdir()} - {MANIFEST}
    assert set(manifest["files"]) == present
    assert {FILES.fallback, "MODEL_CARD.md", *NEURAL} <= present
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) <= 35_000_000
    assert len(json.loads((BUNDLED / FILES.golden).read_text(encoding="utf-8"))) >= 10


@pytest.mark.parametrize("name", NEURAL)
def test_one_byte_changed_is_refused_and_the_fallback_answers(copy: Path, name: str) -> None:
    flip(copy / name)
    with pytest.raises(ReleaseError, match="sha256 differs"):
        Encoder(copy)
    degraded = Suggester(copy)
    assert degraded.degraded == ("model",)
    suggestion = degraded.suggest(said("称停在楼下的电瓶车被偷了"))
    assert suggestion.degraded == ("model",)
    assert suggestion.category.code == "theft"
    assert suggestion.model_version.endswith("+fallback")
    assert not suggestion.confident


def test_without_its_linear_half_the_encoder_answers_alone(copy: Path) -> None:
    flip(copy / FILES.fallback)
    alone = Suggester(copy)
    found = alone.suggest(said("称停在楼下的电瓶车被偷了"))
    assert (found.degraded, found.category.code) == (("model",), "theft")
    assert "+fallback" not in found.model_version


def test_without_a_release_the_bundled_fallback_answers(tmp_path: Path) -> None:
    suggester = Suggester(tmp_path / "nothing")
    assert suggester.degraded == ("model", "fallback")
    assert suggester.suggest(said("称停在楼下的电瓶车被偷了")).category.code == "theft"


def test_without_any_model_the_operator_still_gets_an_answer() -> None:
    suggestion = Suggester(model=Nothing()).suggest(said("咨询身份证怎么换"))
    assert not suggestion.confident
    assert (suggestion.destination.code, suggestion.action) == ("police_station", "dispatch")


def test_a_model_that_breaks_while_serving_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    suggester = Suggester()

    def crash(*_: object) -> None:
        raise RuntimeError("onnxruntime gave up")

    monkeypatch.setattr(Encoder, "read", crash)
    found = suggester.suggest(said("称停在楼下的电瓶车被偷了"))
    assert (found.degraded, found.category.code) == (("model",), "theft")
    assert any("备用模型" in reason for reason in found.reasons)


def test_golden_texts_must_hold(copy: Path) -> None:
    golden = json.loads((copy / FILES.golden).read_text(encoding="utf-8"))
    golden[3]["probability"] = round(1 - golden[3]["probability"] / 2, 4)
    (copy / FILES.golden).write_text(json.dumps(golden), encoding="utf-8")
    manifest = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    write_manifest(copy, manifest["version"], {"max_tokens": manifest["max_tokens"]})
    with pytest.raises(ReleaseError, match="answered differently"):
        Encoder(copy)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "\x00", '{"version": 1, "max_tokens": "many", "files": {}, "labels": {}}']
)
def test_a_broken_manifest_is_refused(copy: Path, content: str) -> None:
    (copy / MANIFEST).write_text(content)
    with pytest.raises(ReleaseError):
        open_release(copy, NEURAL)


def test_other_labels_are_refused(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    manifest["labels"]["category"].reverse()
    (copy / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ReleaseError, match="labels"):
        Encoder(copy)


def test_a_file_that_is_no_model_is_refused(copy: Path) -> None:
    (copy / FILES.encoder).write_bytes(b"onnx")
    (copy / FILES.fallback).write_bytes(b"npz")
    manifest = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"] |= {name: sha256(copy / name) for name in (FILES.encoder, FILES.fallback)}
    (copy / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ReleaseError, match="does not load"):
        Encoder(copy)
    with pytest.raises(ReleaseError, match="does not load"):
        Linear(copy)
