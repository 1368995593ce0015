"""PSI: what is planted is found, what chance does is not, and too little is said so."""

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data.records import Turn
from data.tables import DataError
from model.drift import (
    ALARM,
    FEATURES,
    REFERENCE,
    REST,
    Profile,
    binned,
    largest,
    read_reference,
    release_reference,
    shape,
    shift,
    shifts,
    tokenizer_of,
    write_reference,
)
from model.release import BUNDLED, Release, open_release

BUNDLED_RELEASE = open_release(BUNDLED, ())


def drawn(rng: np.random.Generator, counts: dict[str, int], number: int) -> Counter[str]:
    shares = np.array(list(counts.values())) / sum(counts.values())
    return Counter(dict(zip(counts, rng.multinomial(number, shares).tolist(), strict=True)))


def resampled(profile: Profile, number: int, seed: int) -> Profile:
    rng = np.random.default_rng(seed)
    return Profile(number, {name: drawn(rng, profile.counts[name], number) for name in FEATURES})


def test_the_formula_by_hand() -> None:
    found = shift("x", {"a": 5000, "b": 5000}, {"a": 8000, "b": 2000})
    assert found.psi == pytest.approx(0.3 * math.log(1.6) - 0.3 * math.log(0.4), abs=2e-3)
    middle = [0.65, 0.35]
    bits = 0.5 * sum(
        p * math.log2(p / m) + q * math.log2(q / m) for p, q, m in zip([0.5, 0.5], [0.8, 0.2], middle, strict=True)
    )
    assert found.divergence == pytest.approx(bits, abs=1e-3)
    assert found.level == "alarm"
    assert {(move.value, move.before, move.now) for move in found.moves} == {("a", 0.5, 0.8), ("b", 0.5, 0.2)}


@pytest.mark.parametrize("number", [150, 600, 4000])
def test_the_same_distribution_raises_no_alarm(number: int) -> None:
    reference = release_reference(BUNDLED_RELEASE)
    levels = Counter(one.level for seed in range(40) for one in shifts(reference, resampled(reference, number, seed)))
    assert levels["alarm"] == 0
    assert levels["watch"] <= 3
    assert levels["steady"] > 150


def test_a_planted_drift_is_found_and_named() -> None:
    reference = release_reference(BUNDLED_RELEASE)
    now = resampled(reference, 1000, 1)
    now.counts["category"]["unpaid_wages"] += 400
    now.counts["length"]["640"] += 300
    found = {one.feature: one for one in shifts(reference, now)}
    assert {name for name, one in found.items() if one.level == "alarm"} == {"category", "length"}
    assert {(move.feature, move.value) for move in largest(found.values(), 2)} == {
        ("category", "unpaid_wages"),
        ("length", "640"),
    }
    assert found["category"].psi is not None
    assert found["category"].psi > ALARM


def test_too_few_calls_get_no_number() -> None:
    even = {str(n): 40 for n in range(65)}
    assert shift("x", even, {}).level == "too_few"
    assert shift("x", {}, even).psi is None
    assert shift("x", even, {"1": 49}).psi is None
    assert (
        shift("x", even, {str(n): 3 for n in range(65)}).psi is None
    )  # every value is rare: nothing can be told apart
    assert shift("x", even, {str(n): 4 for n in range(65)}).moves == ()


def test_empty_bins_are_numbers_and_rare_values_are_one() -> None:
    found = shift("x", {"a": 1000}, {"b": 1000})
    assert found.psi is not None
    assert math.isfinite(found.psi)
    assert found.divergence == pytest.approx(1, abs=0.02)
    assert shift("x", {"a": 1000}, {"a": 200}).psi == 0
    rare = shift("x", {"a": 1000, "b": 1, "c": 2}, {"a": 1000, "d": 3})
    assert {move.value for move in rare.moves} == {"a", REST}


def test_what_is_counted_of_a_call() -> None:
    profile = Profile()
    assert profile.means() == dict.fromkeys(("category_probability", "confident", "length", "unknown"))
    turns = [Turn(speaker="operator", text="您好"), Turn(speaker="caller", text="楼上漏水𠮷")]
    profile.output("theft", "urgent", "police", True, 0.97)
    profile.input(turns, tokenizer_of(BUNDLED_RELEASE))
    assert {name: list(values) for name, values in profile.counts.items()} == {
        "length": ["0"], "shape": ["dialogue"], "unknown": ["0.05"], "category": ["theft"], "urgency": ["urgent"],
        "police": ["police"], "confident": ["yes"], "category_probability": ["0.95"],
    }  # fmt: skip
    assert profile.mean("length") == 7
    assert [shape([Turn(speaker="caller", text="a")] * n) for n in (1, 2)] == ["block", "turns"]
    assert [binned(value, (0.5, 0.9)) for value in (0.1, 0.5, 0.95)] == ["0", "0.5", "0.9"]


def test_a_reference_that_is_broken_is_refused(tmp_path: Path) -> None:
    good = json.loads((BUNDLED / REFERENCE).read_text(encoding="utf-8"))
    path = tmp_path / "reference.json"
    for broken, field in (
        ({"calls": -1}, "calls"), ({"calls": "many"}, "calls"), ({"counts": {}}, "counts"), ({"more": 1}, "more"),
        ({"counts": good["counts"] | {"shape": {"block": -1}}}, "counts"), ({"sums": {}}, "counts"),
    ):  # fmt: skip
        path.write_text(json.dumps(good | broken), encoding="utf-8")
        with pytest.raises(DataError, match=field):
            read_reference(path)
    path.write_bytes(b"\xff")
    with pytest.raises(DataError):
        read_reference(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_reference(tmp_path / "none")


def test_the_reference_is_the_releases_own(tmp_path: Path) -> None:
    assert release_reference(BUNDLED_RELEASE).calls > 2_000
    other = Release(tmp_path, "r2", 320)
    with pytest.raises(DataError, match="no reference for the release r2"):
        release_reference(other)
    profile = Profile()
    profile.output("theft", "urgent", "police", False, 0.5)
    write_reference(tmp_path / REFERENCE, "r2", profile)
    assert release_reference(other) == profile
    with pytest.raises(DataError, match="r3"):
        release_reference(Release(tmp_path, "r3", 320))
