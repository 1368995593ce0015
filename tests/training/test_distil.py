"""A student starts as its teacher's layers and learns from its answers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.corpus import load_corpus
from data.own_taxonomy import PACKAGED
from model.release import BUNDLED, ReleaseError
from training.config import BaseEncoder, Config, Corpus, Distil
from training.dataset import collator, load_dataset_dict
from training.distil import ask
from training.fit import start
from training.network import distances

CONFIG = Config(
    base=BaseEncoder(warm_start=BUNDLED, layers=2), corpus=Corpus(max_tokens=48), distil=Distil(teacher=BUNDLED)
)


@pytest.fixture(scope="module")
def calls(some_parts: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = load_dataset_dict(load_corpus(some_parts)[:400])["train"].to_list()
    return sorted(rows, key=lambda row: row["length"])[:12]


def test_the_teacher_is_asked_once(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    kept = tmp_path / "teacher.npz"
    teacher = ask(BUNDLED, calls, kept)
    assert teacher.logits.shape == (12, sum(map(len, PACKAGED.labels.values())))
    written = kept.stat().st_mtime_ns
    again = ask(BUNDLED, calls, kept)
    assert kept.stat().st_mtime_ns == written
    np.testing.assert_array_equal(again.vectors, teacher.vectors)
    fewer = ask(BUNDLED, calls[3:], kept)
    np.testing.assert_allclose(fewer.logits, teacher.logits[3:], atol=1e-5)


def test_a_lesson_goes_with_its_call(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    teacher = ask(BUNDLED, calls, tmp_path / "teacher.npz")
    _, tokenizer = start(CONFIG)
    batch = collator(tokenizer, CONFIG, CONFIG.noise, teacher)(calls[4:6])
    np.testing.assert_array_equal(batch["teacher_logits"].numpy(), teacher.logits[4:6])
    np.testing.assert_array_equal(batch["teacher_vectors"].numpy(), teacher.vectors[4:6])
    assert "teacher_logits" not in collator(tokenizer, CONFIG, None)(calls[4:6])


def test_a_student_learns_what_its_teacher_knows(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    torch.manual_seed(0)
    teacher = ask(BUNDLED, calls, tmp_path / "teacher.npz")
    network, tokenizer = start(CONFIG)
    assert network.encoder.config.num_hidden_layers == 2
    batch = collator(tokenizer, CONFIG, None, teacher)(calls)

    def apart() -> float:
        network.eval()
        with torch.no_grad():
            logits = network(batch["input_ids"], batch["attention_mask"])
        return float(distances(logits, batch["teacher_logits"], 2.0)["category"])

    before = apart()
    optimiser = torch.optim.AdamW(network.parameters(), lr=5e-4)
    for _ in range(12):
        network.train()
        optimiser.zero_grad()
        network(**batch)["loss"].backward()
        optimiser.step()
    assert apart() < 0.5 * before


def test_no_distance_to_oneself() -> None:
    logits = {head: torch.randn(3, len(labels)) for head, labels in PACKAGED.labels.items()}
    for distance in distances(logits, torch.cat(list(logits.values()), 1), 2.0).values():
        assert float(distance) == pytest.approx(0, abs=1e-5)


def test_no_release_no_teacher(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError):
        ask(tmp_path, [], tmp_path / "teacher.npz")
