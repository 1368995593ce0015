"""What fine-tuning leaves of the weights before it."""

from pathlib import Path

import pytest
import torch

from data.corpus import load_corpus
from model.release import BUNDLED
from training.config import BaseEncoder, Config, Fit
from training.dataset import as_datasets
from training.fit import fine_tune, mean_of, start


def test_the_mean_of_two_networks() -> None:
    before, after = {"w": torch.zeros(2), "n": torch.tensor(1)}, {"w": torch.ones(2), "n": torch.tensor(5)}
    mean = mean_of(after, before, 0.25)
    assert mean["w"].tolist() == [0.75, 0.75]
    assert mean["n"] == 5


def test_without_epochs_the_network_stays(tmp_path: Path, some_parts: Path) -> None:
    config = Config(base=BaseEncoder(warm_start=BUNDLED), fit=Fit(epochs=0))
    notes = [item for item in load_corpus(some_parts) if item.style == "note"][:8]
    network = fine_tune(config, as_datasets({"train": notes, "validation": notes}), tmp_path)
    for name, weight in start(config)[0].state_dict().items():
        if not name.startswith("call."):  # which tells texts of another world; made anew
            assert torch.equal(network.state_dict()[name], weight), name
    assert not list(tmp_path.iterdir())


def test_the_networks_of_other_runs_are_taken_into_the_mean(tmp_path: Path, some_parts: Path) -> None:
    config = Config(base=BaseEncoder(warm_start=BUNDLED), fit=Fit(epochs=0))
    notes = [item for item in load_corpus(some_parts) if item.style == "note"][:8]
    data = as_datasets({"train": notes, "validation": notes})
    own = fine_tune(config, data, tmp_path).state_dict()
    for name, factor in (("twice", 2.0), ("six", 6.0)):
        torch.save({key: weight * factor for key, weight in own.items()}, tmp_path / name)
    config = config.model_copy(update={"fit": Fit(epochs=0, others=(tmp_path / "twice", tmp_path / "six"))})
    mean = fine_tune(config, data, tmp_path).state_dict()["heads.category.weight"]
    assert torch.allclose(mean, own["heads.category.weight"] * 3)


@pytest.mark.parametrize("kept", [0.0, 1.0])
def test_what_is_kept_is_as_it_was(tmp_path: Path, some_parts: Path, kept: float) -> None:
    fit = Fit(epochs=1, batch_size=8, learning_rate=1e-3, bf16=False, kept=kept)
    config = Config(base=BaseEncoder(warm_start=BUNDLED), fit=fit)
    short = [item for item in load_corpus(some_parts) if item.style == "note"][:24]
    network = fine_tune(config, as_datasets({"train": short[:16], "validation": short[16:]}), tmp_path)
    before = start(config)[0].state_dict()
    same = [
        torch.equal(weight, before[name]) for name, weight in network.state_dict().items() if name.startswith("enc")
    ]
    assert all(same) == (kept == 1)
