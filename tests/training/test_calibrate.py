"""Calibration finds what was planted."""

from pathlib import Path

import numpy as np
import pytest

from data.corpus import load_corpus
from data.policy import DEFAULT_CITY, load_policy
from data.taxonomy import URGENCIES, PoliceLabel, categories
from model.decode import answer, joint, scores
from training.calibrate import (
    blend,
    calibrate,
    confidence_bar,
    habit,
    log_loss,
    plausible_bar,
    sharpness,
    suspicion_bar,
)


def planted(size: int, classes: int, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(110)
    logits = rng.normal(0, 2, (size, classes)).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(classes, p=row) for row in p.astype(float) / p.astype(float).sum(1, keepdims=True)])
    return logits * sharpness, labels


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_a_factor_undoes_sharpness(factor: float) -> None:
    logits, labels = planted(4_000, 6, factor)
    assert sharpness(logits, labels) == pytest.approx(1 / factor, rel=0.12)


def test_a_blend_is_better_than_either_and_leaves_out_noise() -> None:
    rng = np.random.default_rng(7)
    clear, labels = planted(3_000, 6, 1.0)
    encoder, linear = ((clear + rng.normal(0, 2, clear.shape)).astype(np.float32) for _ in range(2))
    a, b = blend(encoder, linear, labels)
    alone = min(log_loss(values * np.float32(sharpness(values, labels)), labels) for values in (encoder, linear))
    assert log_loss(encoder * np.float32(a) + linear * np.float32(b), labels) < alone - 0.02
    _, useless = blend(clear, rng.normal(0, 2, clear.shape).astype(np.float32), labels)
    assert useless < 0.1


def test_habit_is_a_distribution_and_invalid_calls_are_remote(some_parts: Path) -> None:
    table = habit(load_corpus(some_parts)[:2_000])
    assert table.sum(1) == pytest.approx(np.ones(65), abs=1e-5)
    for row, category in zip(table, categories().values(), strict=True):
        if category.police is PoliceLabel.INVALID:
            assert row.tolist() == [0, 0, 0, 1]
        else:
            assert row.min() > 0


def test_the_bar_lets_only_so_many_errors_pass() -> None:
    rng = np.random.default_rng(1)
    count = 2_000
    truth = rng.integers(0, 65, count)
    logits = {
        "category": (np.eye(65)[truth] * rng.uniform(0, 12, (count, 1)) + rng.normal(0, 1, (count, 65))).astype(
            np.float32
        ),
        "urgency": np.zeros((count, 4), np.float32),
        "police": np.zeros((count, 3), np.float32),
    }
    police = np.array([["police", "non_police", "invalid"].index(c.police) for c in categories().values()])[truth]
    urgency = np.array([c.default_urgency.rank for c in categories().values()])[truth]
    linear = {head: np.zeros_like(logits[head]) for head in ("category", "urgency")}
    labels = {"category": truth, "urgency": urgency, "police": police}
    strict, loose = (calibrate(logits, linear, labels, habit([]), error).bars.confident_at for error in (0.01, 0.2))
    assert 0 <= strict < loose
    even = np.full((3, 65, 4), 1 / 260, np.float32)
    assert confidence_bar(even, {name: values[:3] for name, values in labels.items()}, 0.0) >= 0


def test_plausible_destinations_cover_as_stated() -> None:
    rng = np.random.default_rng(2)
    tables = rng.dirichlet(np.full(260, 0.02), 4_000).reshape(-1, 65, 4).astype(np.float32)
    cells = np.array([rng.choice(260, p=table.ravel() / table.sum()) for table in tables])
    labels = {"category": cells // 4, "urgency": cells % 4, "police": np.zeros(len(cells), int)}
    first = {head: values[:2_000] for head, values in labels.items()}
    least, policy = plausible_bar(tables[:2_000], first), load_policy(DEFAULT_CITY)
    codes = list(categories())
    held = [answer(table, policy).by_destination[policy.rules[codes[cell // 4]].destination(URGENCIES[cell % 4])] >= least
            for table, cell in zip(tables[2_000:], cells[2_000:], strict=True)]  # fmt: skip
    assert 0.93 <= np.mean(held) <= 0.97
    assert plausible_bar(tables[:3], {head: values[:3] for head, values in labels.items()}) == 0.0


@pytest.mark.parametrize(("harmless", "chosen"), [(10, 0.1), (600, 0.35)])
def test_danger_is_suspected_where_that_costs_least(harmless: int, chosen: float) -> None:
    table = np.zeros((65, 4), np.float32)
    noise = list(categories()).index("noise")
    table[noise] = 0.01, 0.12, 0.8, 0.07
    tables = np.stack([table] * (harmless + 10))
    urgency = np.array([0] * 10 + [2] * harmless)  # ten emergencies that look like the rest
    labels = {"category": np.full(len(tables), noise), "urgency": urgency, "police": np.ones(len(tables), int)}
    assert suspicion_bar(tables, labels, confident_at=0.0) == chosen
    assert suspicion_bar(tables, labels, confident_at=100.0) == 0.35  # what is confident is not raised at all


def test_an_urgency_head_that_repeats_the_habit_is_not_believed_twice() -> None:
    rng = np.random.default_rng(3)
    count, habits = 3_000, rng.dirichlet(np.ones(4), 65).astype(np.float32)
    category = rng.integers(0, 65, count)
    urgency = np.array([rng.choice(4, p=row / row.sum()) for row in habits[category].astype(float)])
    logits = {
        "category": (np.eye(65)[category] * 9).astype(np.float32),
        "urgency": np.log(habits[category]),
        "police": np.zeros((count, 3), np.float32),
    }
    linear = {head: np.zeros_like(logits[head]) for head in ("category", "urgency")}
    labels = {"category": category, "urgency": urgency, "police": np.zeros(count, int)}
    found = calibrate(logits, linear, labels, habits, 0.03)
    stated = joint(scores(logits, linear, found), found).sum(1)
    assert stated.max(1).mean() == pytest.approx((stated.argmax(1) == urgency).mean(), abs=0.02)
