"""The registry at a URL: fetched once, whole or not at all, and what happens while it cannot be reached."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from model.registry import POINTERS, RegistryError, Unavailable
from model.release import FILES, MANIFEST, ReleaseError, open_release
from model.remote import RemoteRegistry, registry_at
from tests.releases import copied, forgetful, truncated
from tests.s3 import bucket


@pytest.fixture(params=["memory", "file", pytest.param("s3", marks=pytest.mark.soak)])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param != "s3":
        yield f"memory://{tmp_path.name}" if request.param == "memory" else f"file://{tmp_path}/registry"
        return
    with bucket("city", monkeypatch):
        yield f"s3://city/{tmp_path.name}"


@pytest.fixture
def registry(url: str, tmp_path: Path) -> RemoteRegistry:
    return RemoteRegistry(url, tmp_path / "cache")


def files(registry: RemoteRegistry) -> Any:
    return registry._files


def at(registry: RemoteRegistry, version: str, name: str) -> str:
    return f"{registry._root}/{version}/{name}"


def test_promote_and_take_back_on_another_machine(registry: RemoteRegistry, url: str, tmp_path: Path) -> None:
    other = RemoteRegistry(url, tmp_path / "elsewhere")
    assert (other.versions(), other.stamp(), other.aliases()) == ([], None, {})
    for version in ("r1", "r2"):
        assert registry.add(copied(tmp_path / version, version)) == version
    with pytest.raises(RegistryError, match="here already"):
        registry.add(tmp_path / "r1")
    assert other.versions() == ["r1", "r2"]
    registry.promote("r1")
    before = other.stamp()
    registry.promote("r2")
    assert other.stamp() != before
    assert other.aliases() == {"live": "r2", "previous": "r1"}
    assert other.rollback() == "r1"
    registry.stamp()
    assert registry.aliases() == {"live": "r1", "previous": "r2"}
    folder = other.path("r1")
    assert open_release(folder, tuple(json.loads((folder / MANIFEST).read_bytes())["files"])).version == "r1"
    with patch.object(files(other), "cat_file", wraps=files(other).cat_file) as asked:
        assert other.path("r1") == folder
        assert [call.args[0].rpartition("/")[2] for call in asked.call_args_list] == [MANIFEST], "fetched once"
    assert other.last_live() == folder
    (folder / FILES.encoder).write_bytes(b"spoiled")
    assert open_release(other.path("r1"), (FILES.encoder,)), "fetched anew"


def test_what_is_there_by_half_is_refused(registry: RemoteRegistry, url: str, tmp_path: Path) -> None:
    registry.add(copied(tmp_path / "r1", "r1"))
    registry.promote("r1")
    registry.add(copied(tmp_path / "r2", "r2"))
    fresh = RemoteRegistry(url, tmp_path / "fresh")
    files(registry).rm_file(at(registry, "r2", FILES.encoder))
    with pytest.raises(Unavailable, match=f"{FILES.encoder} is missing"):
        fresh.promote("r2")
    files(registry).pipe_file(at(registry, "r2", FILES.encoder), b"half of it")
    with pytest.raises(ReleaseError, match="sha256 differs"):
        fresh.promote("r2")
    files(registry).rm_file(at(registry, "r2", MANIFEST))
    assert fresh.versions() == ["r1"]
    with pytest.raises(Unavailable, match="no release r2"):
        fresh.promote("r2")
    assert fresh.aliases() == {"live": "r1", "candidate": "r2"}
    assert [path.name for path in (tmp_path / "fresh").rglob("*") if path.suffix == ".onnx"] == []


@pytest.fixture
def memory(tmp_path: Path) -> RemoteRegistry:
    return RemoteRegistry(f"memory://{tmp_path.name}", tmp_path / "cache")


def test_an_upload_that_breaks_off_is_not_seen_and_can_be_done_again(memory: RemoteRegistry, tmp_path: Path) -> None:
    source, write = copied(tmp_path / "r1", "r1"), files(memory).pipe_file

    def breaking(path: str, content: bytes) -> None:
        if path.endswith(FILES.heads):
            raise ConnectionError("gone")
        write(path, content)

    with patch.object(files(memory), "pipe_file", breaking), pytest.raises(Unavailable, match="gone"):
        memory.add(source)
    assert (memory.versions(), memory.aliases()) == ([], {})
    assert memory.add(source) == "r1"


@pytest.mark.parametrize("spoil", [truncated, forgetful])
def test_a_broken_release_is_not_uploaded(memory: RemoteRegistry, tmp_path: Path, spoil: Any) -> None:
    with pytest.raises(ReleaseError):
        memory.add(spoil(copied(tmp_path / "bad", "bad")))
    assert files(memory).find(memory._root) == []


def test_while_it_cannot_be_reached(memory: RemoteRegistry, tmp_path: Path) -> None:
    memory.add(copied(tmp_path / "r1", "r1"))
    memory.promote("r1")
    again = RemoteRegistry(f"memory://{tmp_path.name}", tmp_path / "cache")
    with patch.object(files(again), "cat_file", side_effect=TimeoutError):
        for ask in (again.stamp, again.aliases, again.rollback, lambda: again.promote("r1"), lambda: again.path("r1")):
            with pytest.raises(Unavailable, match="cannot be reached: TimeoutError"):
                ask()
        last = again.last_live()
    assert last == memory.path("r1")
    files(memory).rm_file(f"{memory._root}/{POINTERS}")
    with pytest.raises(Unavailable, match="is gone"):
        memory.stamp()


@pytest.mark.parametrize("names", [{"../../evil": "0"}, {"/etc/x": "0"}, [1], 3])
def test_a_manifest_leads_nowhere_else(memory: RemoteRegistry, tmp_path: Path, names: object) -> None:
    files(memory).pipe_file(at(memory, "r9", MANIFEST), json.dumps({"files": names}).encode())
    with pytest.raises(ReleaseError):
        memory.path("r9")
    assert not list(tmp_path.rglob("*evil*"))
    with pytest.raises(RegistryError):
        memory.path("../r9")


def test_kinds_of_places(tmp_path: Path) -> None:
    assert not isinstance(registry_at(str(tmp_path), tmp_path), RemoteRegistry)
    with pytest.raises(RegistryError, match="cannot be opened"):
        registry_at("nosuch://x/y", tmp_path)
    assert "secret" not in RemoteRegistry(f"memory://me:secret@host/{tmp_path.name}", tmp_path)._shown
