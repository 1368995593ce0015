"""The reference of a release is counted on calls, as the service would count them."""

from pathlib import Path

from data.corpus import load_corpus
from model.drift import FEATURES, read_reference
from model.release import BUNDLED, open_release
from training.reference import write_measured


def test_what_a_release_makes_of_calls_is_written(tmp_path: Path, some_parts: Path) -> None:
    items = load_corpus(some_parts)[:5]
    profile = write_measured(BUNDLED, items, tmp_path / "reference.json")
    version, read = read_reference(tmp_path / "reference.json")
    assert version == open_release(BUNDLED, ()).version
    assert {read.counts[name].total() for name in FEATURES} == {read.calls} == {5}
    assert read.counts == profile.counts
    assert 0 < (read.mean("category_probability") or 0) <= 1
