"""Keys: hashed at rest, seen by every process, ended at once."""

import os
import stat
from pathlib import Path

import pytest

from serving.keys import KeyFileError, KeyRing, Role, first_keys


def test_only_hashes_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "state" / "keys.json"
    key, secret = KeyRing(path).create(Role.OPERATOR)
    assert secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    holder = KeyRing(path).holder(secret)
    assert holder == key
    assert KeyRing(path).holder(secret + "x") is None
    assert KeyRing(path).holder("\udcff") is None


def test_a_key_revoked_elsewhere_ends_at_once(tmp_path: Path) -> None:
    here, there = KeyRing(tmp_path / "keys.json"), KeyRing(tmp_path / "keys.json")
    key, secret = here.create(Role.ADMIN)
    assert there.holder(secret)
    here.revoke(key.id)
    assert there.holder(secret) is None
    assert there.all()[0].revoked
    with pytest.raises(KeyError):
        here.revoke("nobody")


def test_the_first_start_makes_one_for_each_role(tmp_path: Path) -> None:
    made = first_keys(tmp_path)
    assert made is not None
    note = made.path
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    ring = KeyRing(tmp_path / "keys.json")
    secrets = dict(line.split() for line in note.read_text().splitlines() if not line.startswith("#"))
    assert {role: holder.role for role, secret in secrets.items() if (holder := ring.holder(secret))} == {
        r: r for r in Role
    }
    assert first_keys(tmp_path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write what is not its own")
def test_what_root_writes_stays_the_services(tmp_path: Path) -> None:
    os.chown(tmp_path, 4110, 4110)
    path = tmp_path / "keys.json"
    for _ in range(2):  # a new file, and one that takes another's place
        KeyRing(path).create(Role.OPERATOR)
        assert (path.stat().st_uid, path.stat().st_gid) == (4110, 4110)


def test_a_file_that_cannot_be_read_is_an_error_of_the_key_file(tmp_path: Path) -> None:
    (tmp_path / "keys.json").mkdir()  # to root every file is readable
    with pytest.raises(KeyFileError, match="cannot be read"):
        KeyRing(tmp_path / "keys.json").holder("anything")


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[1]", '[{"id": "x"}]', '[{"id":"a","role":"king","digest":"","created":"","revoked":""}]', "\x00"],
)
def test_a_broken_file_is_an_error_not_an_open_door(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(KeyFileError):
        KeyRing(path).holder("anything")
