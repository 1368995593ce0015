"""Fine-tuning with the transformers Trainer."""

import pickle
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from tokenizers import Tokenizer
from torch import nn
from torch.utils.data import DataLoader
from transformers import EvalPrediction, Trainer, TrainingArguments, set_seed

from data.own_taxonomy import HEADS
from model.release import open_release
from training.attention import computes_half, use_half_attention
from training.base import keep_layers, load_base
from training.config import Config
from training.dataset import NO_LABEL, collator
from training.distil import ask
from training.material import taxonomy_of
from training.network import CallNetwork
from training.warm import carried_over, release_base

STANDARDISE_ON = 1_000
TEACHER = "teacher.npz"
LAYER_PREFIX = "encoder.encoder.layer."


class CallTrainer(Trainer):
    """Trainer with the heads at a multiple of the encoder's rate and lower layers at less."""

    def __init__(self, config: Config, eval_collator: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config, self.eval_collator = config, eval_collator

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        """Validation calls are not disturbed."""
        noisy, self.data_collator = self.data_collator, self.eval_collator
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.data_collator = noisy

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW over parameter groups by depth."""
        if self.optimizer is None:
            groups = parameter_groups(cast(CallNetwork, self.model), self.config)
            self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
        return self.optimizer


def parameter_groups(network: CallNetwork, config: Config) -> list[dict[str, Any]]:
    """One group per depth and kind of decay; biases and norms are not decayed."""
    fit, layers = config.fit, network.encoder.config.num_hidden_layers
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if name.startswith(("heads.", "call.")):
            rate = fit.learning_rate * fit.head_factor
        else:
            depth = int(name.removeprefix(LAYER_PREFIX).split(".")[0]) + 1 if name.startswith(LAYER_PREFIX) else 0
            rate = fit.learning_rate * fit.layer_decay ** (layers - depth)
        decay = 0.0 if parameter.ndim < 2 else fit.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """The weights that a run left in `network.pt`.

    Raises:
        ValueError: there is no such file, or it holds no weights.
    """
    try:
        weights: dict[str, torch.Tensor] = torch.load(path, weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} holds no weights: {error}") from error
    return weights


def start(config: Config) -> tuple[CallNetwork, Tokenizer]:
    """Base encoder, or the release that is the warm start, cut to its layers; heads as they were or new.

    Raises:
        ReleaseError, ValueError: the base or the release cannot be used.
    """
    warm, heads = config.base.warm_start, dict[str, torch.Tensor]()
    if warm and warm.is_dir():
        base, heads = release_base(warm)
        keep_layers(base.encoder, config.base.layers or base.encoder.config.num_hidden_layers)
    else:
        base = load_base(config.base.name, config.base.layers)
    taxonomy = taxonomy_of(config)
    network = CallNetwork(base.encoder, config.fit.dropout, config.loss, config.distil, taxonomy)
    if warm and warm.is_dir():
        heads = carried_over(
            heads, open_release(warm, ()).taxonomy, taxonomy, cast(nn.Linear, network.heads["category"])
        )
    network.load_state_dict(heads, strict=False)
    return network, base.tokenizer


def build_network(config: Config, train: Dataset) -> tuple[CallNetwork, Tokenizer]:
    """The network before fine-tuning; a new one is standardised on calls of the training split.

    Raises:
        ReleaseError, ValueError: as `start`; weights without a release for a city's own categories.
    """
    if config.base.warm_start and not config.base.warm_start.is_dir():
        if config.corpus.taxonomy:
            raise ValueError("a network.pt does not say which categories it knows: warm-start from a release")
        return trained_network(config, config.base.warm_start)
    network, tokenizer = start(config)
    if not config.base.warm_start:
        calls = train.filter(lambda row: row["category"] != NO_LABEL)
        rows = calls.shuffle(seed=config.fit.seed).select(range(min(STANDARDISE_ON, len(calls))))
        ordered, collate = rows.sort("length").to_list(), collator(tokenizer, config, noise=None)
        network.standardise(collate(ordered[at : at + 64]) for at in range(0, len(ordered), 64))
    return network, tokenizer


def trained_network(config: Config, weights: Path) -> tuple[CallNetwork, Tokenizer]:
    """The network that a run of this config left in `weights`.

    Raises:
        ValueError: the weights are of another shape.
    """
    network, tokenizer = start(config)
    try:
        network.load_state_dict(load_weights(weights))
    except RuntimeError as error:
        raise ValueError(f"{weights} holds a network of another shape: {error}") from error
    return network, tokenizer


def accuracies(prediction: EvalPrediction) -> dict[str, float]:
    """Accuracy of each head."""
    logits = dict(zip(HEADS, prediction.predictions, strict=True))
    labels = dict(zip(HEADS, prediction.label_ids, strict=True))
    return {f"{head}_accuracy": float(np.mean(logits[head].argmax(-1) == labels[head])) for head in HEADS}


def fine_tune(config: Config, data: DatasetDict, folder: Path, resume: bool = False) -> CallNetwork:
    """Fine-tunes on `data["train"]`, watching `data["validation"]`; checkpoints and TensorBoard events go to `folder`.

    Seeded: the same config, corpus and machine give the same network. `resume` goes on from the last checkpoint.
    """
    set_seed(config.fit.seed)
    random.seed(config.fit.seed)
    network, tokenizer = build_network(config, data["train"])
    before = {name: weight.clone() for name, weight in network.state_dict().items()} if config.fit.kept else {}
    if config.fit.epochs:
        _learn(config, network, tokenizer, data, folder, resume)
    if before:
        network.load_state_dict(mean_of(network.state_dict(), before, config.fit.kept))
    for number, other in enumerate(config.fit.others, 2):
        network.load_state_dict(mean_of(network.state_dict(), load_weights(other), 1 / number))
    return network


def _learn(
    config: Config, network: CallNetwork, tokenizer: Tokenizer, data: DatasetDict, folder: Path, resume: bool
) -> None:
    use_half_attention(network.encoder)
    lessons = config.distil.teacher
    teacher = ask(lessons, data["train"].to_list(), folder.parent / TEACHER, taxonomy_of(config)) if lessons else None
    steps = -(-len(data["train"]) // config.fit.batch_size) * config.fit.epochs
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=config.fit.epochs,
        per_device_train_batch_size=config.fit.batch_size,
        per_device_eval_batch_size=64,
        warmup_steps=int(config.fit.warmup * steps),
        lr_scheduler_type="linear",
        max_grad_norm=1.0,
        bf16=config.fit.bf16 and computes_half(),
        use_cpu=not torch.cuda.is_available(),
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        remove_unused_columns=False,
        label_names=list(HEADS),
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        logging_steps=25,
        report_to=["tensorboard"],
        seed=config.fit.seed,
        dataloader_pin_memory=False,
    )
    trainer = CallTrainer(
        config,
        collator(tokenizer, config, noise=None),
        model=network,
        args=arguments,
        data_collator=collator(tokenizer, config, config.noise, teacher),
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        compute_metrics=accuracies,
    )
    trainer.train(resume_from_checkpoint=resume or None)


def mean_of(
    after: Mapping[str, torch.Tensor], before: Mapping[str, torch.Tensor], kept: float
) -> dict[str, torch.Tensor]:
    """The mean of two networks of one shape, `before` with the share `kept`; whole numbers are those of `after`."""
    return {name: torch.lerp(weight, before[name], kept) if weight.is_floating_point() else weight
            for name, weight in after.items()}  # fmt: skip
