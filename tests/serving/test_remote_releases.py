"""A service that follows a registry at a URL: what is not there, or not whole, leaves the old release at work."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from pydantic import ValidationError

from model.registry import Registry
from model.release import FILES, MANIFEST
from serving import metrics
from serving.releases import Releases
from serving.settings import Settings
from tests.releases import copied
from tests.serving.test_releases import BUNDLED_VERSION


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", releases=f"memory://{tmp_path.name}")


@pytest.fixture
def registry(settings: Settings, tmp_path: Path) -> Registry:
    found = settings.model_copy(update={"state_dir": tmp_path / "elsewhere"}).registry
    for version in ("r1", "r2"):
        found.add(copied(tmp_path / version, version))
    return found


def away() -> Any:
    """The store answers nothing."""
    return patch.object(MemoryFileSystem, "cat_file", side_effect=ConnectionError("no route"))


def test_what_another_machine_promotes_is_followed(settings: Settings, registry: Registry) -> None:
    releases = Releases(settings)
    assert (releases.suggester.model.version, releases.problem) == (BUNDLED_VERSION, "")
    registry.promote("r1")
    releases.look()
    assert releases.suggester.model.version == "r1"
    assert releases.promote("r2") == "r2"
    serving = releases.suggester
    releases.look()
    assert releases.suggester is serving, "its own promotion is not loaded twice"
    assert releases.rollback() == "r1"
    registry.stamp()
    assert registry.aliases() == {"live": "r1", "previous": "r2"}


def test_while_the_registry_is_away_the_old_release_stays_and_it_is_told(
    settings: Settings, registry: Registry
) -> None:
    registry.promote("r1")
    releases = Releases(settings)
    registry.promote("r2")
    with away():
        releases.look()
        assert releases.suggester.model.version == "r1"
        assert "cannot be reached: no route" in releases.problem
        assert metrics.registry_unavailable._value.get() == 1
    releases.look()
    assert (releases.suggester.model.version, releases.problem) == ("r2", "")
    assert metrics.registry_unavailable._value.get() == 0
    with away():
        again = Releases(settings)
    assert again.suggester.model.version == "r2", "as it was live last"
    assert "no route" in again.problem
    again.look()
    assert again.problem == ""


def test_a_release_that_is_there_by_half_is_taken_once_it_is_whole(settings: Settings, registry: Registry) -> None:
    registry.promote("r1")
    releases = Releases(settings)
    registry.promote("r2")
    files, place = registry._files, f"{registry._root}/r2/"  # type: ignore[attr-defined]
    for name in (FILES.encoder, MANIFEST):
        kept = files.cat_file(place + name)
        files.rm_file(place + name)
        releases.look()
        assert releases.suggester.model.version == "r1"
        assert f"{name} is missing" in releases.problem
        files.pipe_file(place + name, kept)
    files.pipe_file(place + FILES.encoder, b"another")
    releases.look()
    assert releases.suggester.model.version == "r1"
    assert "sha256 differs" in releases.problem
    assert metrics.release_refused._value.get() == 1


def test_a_url_that_nothing_reads_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="cannot be opened"):
        Settings(state_dir=tmp_path, releases="nosuch://bucket/releases")
