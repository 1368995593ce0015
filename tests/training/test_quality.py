"""Planted errors are found near the top of the list."""

import json
from pathlib import Path

import numpy as np
import pytest

from data.corpus import Item, load_corpus, split_groups
from data.taxonomy import categories
from model.runtime import Encoder
from training.quality import Quality, examine, write_quality

PLANTED = 0.05


@pytest.fixture(scope="module")
def planted() -> tuple[list[Item], set[str]]:
    """Half of the calls that the release has not learnt from, one label of twenty wrong."""
    rng = np.random.default_rng(7)
    corpus = load_corpus()
    splits = split_groups(corpus)
    items = [item for item in corpus if splits[item.group] == "test"][::2]
    wrong = set(rng.choice(len(items), round(PLANTED * len(items)), replace=False).tolist())
    codes = list(categories())
    for n in wrong:
        others = [code for code in codes if code != items[n].category]
        items[n] = items[n].model_copy(update={"category": str(rng.choice(others))})
    return items, {items[n].id for n in wrong}


@pytest.fixture(scope="module")
def found(planted: tuple[list[Item], set[str]]) -> Quality:
    return examine(planted[0], Encoder())


def test_most_planted_errors_are_in_the_first_tenth(found: Quality, planted: tuple[list[Item], set[str]]) -> None:
    items, wrong = planted
    first = {items[n].id for n in found.order[: len(items) // 10]}
    assert len(first & wrong) >= 0.8 * len(wrong)


def test_what_is_listed_is_mostly_wrong_at_the_top(found: Quality, planted: tuple[list[Item], set[str]]) -> None:
    wrong = planted[1]
    rows = found.rows()
    top = [row["id"] for row in rows[:40]]
    assert sum(id in wrong for id in top) >= 28
    assert all(row["claimed"] != row["category"] and row["p_claimed"] >= row["p_label"] for row in rows)


def test_the_list_and_the_summary_are_written(found: Quality, tmp_path: Path) -> None:
    summary = write_quality(tmp_path, found)
    assert json.loads((tmp_path / "quality.json").read_text(encoding="utf-8"))["suspected"] == summary["suspected"]
    lines = (tmp_path / "suspected.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == summary["suspected"] > 50
    assert {"id", "category", "claimed"} <= json.loads(lines[0]).keys()
    assert summary["confused"][0][2] >= summary["confused"][-1][2]
    assert len(summary["sparse"]) == 20


def test_too_little_is_said_so() -> None:
    with pytest.raises(ValueError, match="at least 5 groups"):
        examine(load_corpus()[:3], Encoder())
