"""City tables: complete, versioned, overlaid, and refused when they name what does not exist."""

import shutil
from pathlib import Path

import pytest

from data.policy import POLICY_DIR, Policies, UnknownCity, cities, load_policy
from data.tables import DataError
from data.taxonomy import PoliceLabel, Urgency, categories, destinations


def test_the_taxonomy_is_the_contract() -> None:
    assert len(categories()) == 65
    assert len(destinations()) == 11
    assert categories()["noise"].default_urgency is Urgency.ROUTINE_ONSITE


def test_every_city_routes_every_category() -> None:
    assert cities()[0] == "hangzhou"
    assert len(cities()) >= 4
    for city in cities():
        policy = load_policy(city)
        assert list(policy.rules) == list(categories())
        for rule in policy.rules.values():
            assert all(rule.destination(urgency) in destinations() for urgency in Urgency)


def test_overlays_differ_on_contested_rows_and_give_their_source() -> None:
    default = load_policy("hangzhou")
    for city in cities()[1:]:
        changed = [rule for code, rule in load_policy(city).rules.items() if rule != default.rules[code]]
        assert 2 <= len(changed) <= 10
        assert all(rule.source for rule in changed)
        assert load_policy(city).version.startswith(f"{city}-")


def test_an_owner_may_differ_from_the_taxonomy() -> None:
    assert load_policy("wenzhou").rules["stray_dogs"].owner is PoliceLabel.POLICE
    assert load_policy("hangzhou").rules["stray_dogs"].owner is PoliceLabel.NON_POLICE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(POLICY_DIR, tmp_path / "policies")
    return tmp_path / "policies"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_version_is_the_content(folder: Path) -> None:
    before = load_policy("ningbo", folder).version
    edit(folder / "ningbo.csv", "# Ningbo", "# NINGBO")
    assert load_policy("ningbo", folder).version == before
    edit(folder / "ningbo.csv", "stray_dogs,police_station,department", "stray_dogs,police_station,hotline_12345")
    assert load_policy("ningbo", folder).version != before


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("stray_dogs,police_station", "stray_cats,police_station", "code"),
        ("stray_dogs,police_station", "stray_dogs,dog_police", "if_emergency_or_urgent"),
        ("fire_119 police_station utility_repair", "fire_119 gas_men", "linked_when_someone_goes"),
    ],
)
def test_unknown_codes_are_refused(folder: Path, old: str, new: str, field: str) -> None:
    edit(folder / "ningbo.csv", old, new)
    with pytest.raises(DataError) as caught:
        load_policy("ningbo", folder)
    assert caught.value.file == folder / "ningbo.csv"
    assert caught.value.field == field
    assert caught.value.line > 1


def test_a_category_without_a_row_is_refused(folder: Path) -> None:
    lines = (folder / "hangzhou.csv").read_text(encoding="utf-8").splitlines()
    (folder / "hangzhou.csv").write_text("\n".join(line for line in lines if not line.startswith("silent,")))
    with pytest.raises(DataError, match="has no row for silent"):
        load_policy("hangzhou", folder)


def test_an_unknown_city() -> None:
    with pytest.raises(UnknownCity):
        load_policy("shanghai")
    with pytest.raises(UnknownCity):
        load_policy("../policies/hangzhou")


def test_a_changed_table_is_taken_over_whole(folder: Path) -> None:
    followed = Policies(folder)
    before = followed.in_force()
    assert not followed.refresh()
    edit(folder / "ningbo.csv", "stray_dogs,police_station,department", "stray_dogs,police_station,hotline_12345")
    (folder / "jiaxing.csv").write_text((folder / "ningbo.csv").read_text(encoding="utf-8"), encoding="utf-8")
    assert followed.refresh()
    assert followed.in_force()["ningbo"].version != before["ningbo"].version
    assert {**before, "ningbo": None, "jiaxing": None}.keys() == followed.in_force().keys()


@pytest.mark.parametrize(
    "nonsense", [b"", b"\x00\xff", b"code\nx", b"<html>", b"code," * 100_000, b'"' + b"x" * 200_000]
)
def test_nonsense_leaves_in_force_what_was(folder: Path, nonsense: bytes) -> None:
    followed = Policies(folder)
    before = followed.in_force()
    good = (folder / "hangzhou.csv").read_bytes()
    (folder / "hangzhou.csv").write_bytes(nonsense)
    with pytest.raises(DataError):
        followed.refresh()
    assert followed.in_force() == before
    assert not followed.refresh()  # nothing new: no second alarm
    (folder / "hangzhou.csv").write_bytes(good)
    assert followed.refresh()


def test_a_table_that_is_gone_stays_in_force(folder: Path) -> None:
    followed = Policies(folder)
    before = followed.in_force()
    for name in ("ningbo", "hangzhou"):
        (folder / f"{name}.csv").unlink()
        with pytest.raises(DataError):
            followed.refresh()
    shutil.rmtree(folder)
    with pytest.raises(DataError):
        followed.refresh()
    assert followed.in_force() == before
    with pytest.raises(DataError):
        followed.read_from(folder / "nowhere")
    assert followed.in_force() == before
