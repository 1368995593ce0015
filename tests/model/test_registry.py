"""The registry: whole releases or none, aliases that move together, names that lead nowhere else."""

import json
from pathlib import Path

import pytest

from model.registry import POINTERS, Registry, RegistryError
from model.release import ReleaseError, open_release
from tests.releases import copied, forgetful, truncated


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "releases")


def test_an_empty_registry(registry: Registry) -> None:
    assert registry.versions() == []
    assert registry.aliases() == {}
    assert registry.stamp() is None
    with pytest.raises(RegistryError, match="nothing has been promoted"):
        registry.rollback()
    with pytest.raises(RegistryError, match="no release r1"):
        registry.promote("r1")


def test_promote_and_take_back(registry: Registry, tmp_path: Path) -> None:
    for version in ("r1", "r2"):
        assert registry.add(copied(tmp_path / version, version)) == version
    assert registry.versions() == ["r1", "r2"]
    assert registry.aliases() == {"candidate": "r2"}
    registry.promote("r1")
    before = registry.stamp()
    registry.promote("r2")
    assert registry.stamp() != before
    assert registry.aliases() == {"live": "r2", "previous": "r1"}
    registry.promote("r2")
    assert registry.aliases() == {"live": "r2", "previous": "r1"}, "once more changes nothing"
    assert registry.rollback() == "r1"
    assert registry.aliases() == {"live": "r1", "previous": "r2"}
    assert open_release(registry.path("r1"), ()).version == "r1"


def test_the_first_promotion_is_taken_back_to_the_bundled_release(registry: Registry, tmp_path: Path) -> None:
    registry.add(copied(tmp_path / "r1", "r1"))
    registry.promote("r1")
    assert registry.rollback() is None
    assert registry.aliases() == {"previous": "r1"}


@pytest.mark.parametrize("spoil", [truncated, forgetful])
def test_a_broken_release_never_becomes_visible(registry: Registry, tmp_path: Path, spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(ReleaseError):
        registry.add(spoil(copied(tmp_path / "bad", "bad")))
    assert registry.versions() == []


def test_what_was_copied_halfway_is_not_seen(registry: Registry, tmp_path: Path) -> None:
    registry.add(copied(tmp_path / "r1", "r1"))
    (registry.folder / ".incoming-x" / "r9").mkdir(parents=True)
    assert registry.versions() == ["r1"]
    with pytest.raises(RegistryError, match="here already"):
        registry.add(tmp_path / "r1")
    assert not list(registry.folder.glob(".incoming-*/r1"))


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../r1", "a/b", "/etc", ".hidden", "r\n1", "r\x00", "版本", "x" * 65, "-rf"]
)
def test_names_that_lead_elsewhere(registry: Registry, name: str) -> None:
    with pytest.raises(RegistryError, match="no name of a release"):
        registry.path(name)
    with pytest.raises(RegistryError, match="no name of a release"):
        registry.promote(name)


@pytest.mark.parametrize("version", ["../../outside", "a/b", ""])
def test_a_release_cannot_name_itself_out_of_the_folder(registry: Registry, tmp_path: Path, version: str) -> None:
    with pytest.raises(RegistryError, match="no name of a release"):
        registry.add(copied(tmp_path / "r", version))
    assert not registry.folder.exists()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"live": 1}', '{"live": "../x"}', "[" * 100_000, "\x00"])
def test_broken_aliases_are_an_error(registry: Registry, content: str) -> None:
    registry.folder.mkdir()
    (registry.folder / POINTERS).write_text(content)
    with pytest.raises(RegistryError):
        registry.aliases()


def test_unknown_aliases_are_left_alone(registry: Registry) -> None:
    registry.folder.mkdir()
    (registry.folder / POINTERS).write_text(json.dumps({"live": "r1", "best": "r2"}))
    assert registry.aliases() == {"live": "r1"}


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    copied(tmp_path / "r1", "r1")
    with pytest.raises(RegistryError, match="cannot be changed"):
        Registry(tmp_path / "file" / "releases").add(tmp_path / "r1")
