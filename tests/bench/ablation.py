"""What each piece of the training is worth, one run a row: `python -m tests.bench.ablation FOLDER [--output docs/ablation]`.

Every row of `ablation.toml` learns from the same part of the training split and is measured, as fp32 network without red
flags, on the corpus' validation and test splits; its gain over the first row has a paired bootstrap interval. A row's answers
are kept in FOLDER, so a run that was stopped goes on. The pieces that did not make it into the product live here alone.
"""

import argparse
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from data.corpus import Item, corpus_hash, load_corpus
from data.own_taxonomy import HEADS, PACKAGED
from data.taxonomy import POLICE_LABELS
from model.decode import Array
from model.fallback import Linear
from model.release import write_manifest
from model.text import render
from training.baseline import train_baseline
from training.candidate import difference
from training.config import Config
from training.curve import shared
from training.dataset import as_datasets, collator
from training.fit import fine_tune, trained_network
from training.material import labels, parted
from training.network import CallNetwork, mean_pool

PLAN = Path(__file__).with_suffix(".toml")
ANSWERED, WATCHED = "answers.npz", 64
MASKED, CONTRASTED_AT = 0.15, 0.1
Answers = dict[str, Array]


class Trial(CallNetwork):
    """The network with what a row tries: losses beside or instead of the usual one, and stages before it."""

    def __init__(self, trial: Mapping[str, float], steps: int, counts: Tensor, *args: Any) -> None:
        super().__init__(*args)
        self.trial, self.steps, self.step, self.counts = trial, steps, 0, counts

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **truth: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """As `CallNetwork`, with the row's loss while it learns."""
        if not self.training or "category" not in truth:
            return super().forward(input_ids, attention_mask, **truth)
        self.step += 1
        if self.step <= self.trial.get("masked_first", 0) * self.steps:
            return self._idle(self._masked(input_ids, attention_mask), len(input_ids))
        if self.step <= self.trial.get("contrastive_first", 0) * self.steps:
            vector = self._vector(input_ids, attention_mask)
            return self._idle(contrastive(vector, truth["category"]), len(input_ids))
        if "dropouts" in self.trial:
            vector = self._vector(input_ids, attention_mask)
            passes = [self._usual(vector, truth) for _ in range(int(self.trial["dropouts"]))]
            return {"loss": torch.stack([loss for loss, _ in passes]).mean(), **passes[0][1]}
        embedded = self.encoder.get_input_embeddings()(input_ids) if "fgm" in self.trial else None
        vector = self._vector(input_ids, attention_mask, embedded)
        loss, logits = self._usual(vector, truth)
        if embedded is not None:
            (slope,) = torch.autograd.grad(loss, embedded, retain_graph=True)
            away = embedded + self.trial["fgm"] * slope / slope.norm().clamp(min=1e-8)
            loss = loss + self._usual(self._vector(input_ids, attention_mask, away), truth)[0]
        if "r_drop" in self.trial:
            again, other = self._usual(self._vector(input_ids, attention_mask), truth)
            loss = (loss + again) / 2 + self.trial["r_drop"] * apart(logits["category"], other["category"])
        if "contrastive" in self.trial:
            loss = loss + self.trial["contrastive"] * contrastive(vector, truth["category"])
        return {"loss": loss, **logits}

    def _vector(self, ids: Tensor, mask: Tensor, embedded: Tensor | None = None) -> Tensor:
        given = {"input_ids": ids} if embedded is None else {"inputs_embeds": embedded}
        hidden = self.encoder(**given, attention_mask=mask).last_hidden_state.float()
        return (mean_pool(hidden, mask) - self.centre) / self.spread

    def _usual(self, vector: Tensor, truth: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        logits = {head: layer(self.dropout(vector)) for head, layer in self.heads.items()}
        losses = {head: self._loss(head, logits[head], truth[head]) for head in HEADS}
        return self._total(losses), logits

    def _loss(self, head: str, logits: Tensor, truth: Tensor) -> Tensor:
        weight = None
        if head == "category" and "balanced" in self.trial:  # Cui et al. 2019
            beta = self.trial["balanced"]
            weight = (1 - beta) / (1 - beta**self.counts)
            weight = weight / weight.mean()
        loss = F.cross_entropy(logits, truth, weight, label_smoothing=self.loss.smoothing, reduction="none")
        if head == "category" and "focal" in self.trial:  # Lin et al. 2017
            sure = logits.softmax(1).gather(1, truth[:, None])[:, 0]
            loss = loss * (1 - sure) ** self.trial["focal"]
        return loss.mean()

    def _masked(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Loss of tokens left out, told from the token embeddings themselves (the base has no head for them)."""
        words = self.encoder.get_input_embeddings().weight
        hidden = (torch.rand(ids.shape) < MASKED) & (mask == 1)
        guessed = self.encoder(input_ids=ids.masked_fill(hidden, 3), attention_mask=mask).last_hidden_state[hidden]
        return F.cross_entropy((guessed @ words.T).float(), ids[hidden])

    def _idle(self, loss: Tensor, calls: int) -> dict[str, Tensor]:
        return {"loss": loss, **{head: torch.zeros(calls, len(names)) for head, names in PACKAGED.labels.items()}}


def contrastive(vector: Tensor, truth: Tensor) -> Tensor:
    """Supervised contrastive loss of (batch, width) (Khosla et al. 2020); a call without its like does not count."""
    unit = F.normalize(vector.float(), dim=1)
    alone = torch.eye(len(unit), dtype=torch.bool)
    near = (unit @ unit.T / CONTRASTED_AT).masked_fill(alone, -1e4).log_softmax(1)
    same = ((truth[:, None] == truth[None, :]) & ~alone).float()
    rows = same.sum(1) > 0
    return -(near * same).sum(1)[rows].div(same.sum(1)[rows]).sum() / max(1, int(rows.sum()))


def apart(one: Tensor, other: Tensor) -> Tensor:
    """Symmetric divergence of two passes (R-Drop, Wu et al. 2021)."""
    p, q = one.log_softmax(1), other.log_softmax(1)
    return (F.kl_div(p, q, reduction="batchmean", log_target=True)
            + F.kl_div(q, p, reduction="batchmean", log_target=True)) / 2  # fmt: skip


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid over `base`, table by table."""
    both = dict(base)
    for key, value in over.items():
        both[key] = merged(both.get(key, {}), value) if isinstance(value, Mapping) else value
    return both


def learnt(
    row: Mapping[str, Any], plan: Mapping[str, Any], items: Sequence[Item], held: Sequence[Item], folder: Path
) -> Answers:
    """Log-probabilities by head, (held, labels), of the network that learnt as the row has it."""
    config = Config.model_validate(merged(plan["config"], row.get("config", {})))
    data = as_datasets({"train": items, "validation": held[:WATCHED]})
    counts = torch.bincount(torch.from_numpy(labels(items)["category"]), minlength=len(PACKAGED.codes)).float()
    steps = int(-(-len(items) // config.fit.batch_size) * config.fit.epochs)
    trial = row.get("trial")
    kind = (lambda *args: Trial(trial, steps, counts, *args)) if trial else CallNetwork
    with patch("training.fit.CallNetwork", kind):
        network = fine_tune(config, data, folder / "checkpoints")
    torch.save(network.state_dict(), folder / "network.pt")
    network, tokenizer = trained_network(config, folder / "network.pt")
    network.eval()
    collate = collator(tokenizer, config, noise=None)
    rows = as_datasets({"held": held})["held"]
    order = np.argsort(rows["length"])
    found: dict[str, list[Array]] = {head: [] for head in HEADS}
    with torch.inference_mode():
        for at in range(0, len(order), 64):
            batch = collate(rows.select(order[at : at + 64]).to_list())
            for head, logits in network(batch["input_ids"], batch["attention_mask"]).items():
                found[head].append(logits.log_softmax(1).numpy())
    back = np.argsort(order)
    return {head: np.concatenate(parts)[back] for head, parts in found.items()}


def linear(items: Sequence[Item], held: Sequence[Item], folder: Path) -> Answers:
    """The same of the linear model, which tells police / non-police by its categories."""
    train_baseline(items, folder)
    write_manifest(folder, "ablation", {"max_tokens": 320})
    model = Linear(folder)
    rows = [model.logits(render(item.as_turns()).text) for item in held]
    found = {head: torch.from_numpy(np.stack([row[head] for row in rows])).log_softmax(1) for head in rows[0]}
    owners = torch.tensor([POLICE_LABELS.index(PACKAGED.categories[code].police) for code in PACKAGED.codes])
    sides = [found["category"][:, owners == side].logsumexp(1) for side in range(len(POLICE_LABELS))]
    return {head: logits.numpy() for head, logits in (found | {"police": torch.stack(sides, 1)}).items()}


def main() -> None:
    """Runs what has not run, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, default=Path("docs/ablation"))
    asked = parser.parse_args()
    plan = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    parts = parted(load_corpus())
    short = {name: [item for item in part if _length(item) <= plan["longest"]] for name, part in parts.items()}
    items = shared(short["train"], plan["items"] / len(short["train"]))
    held = [*short["validation"], *short["test"]]
    truth = labels(held)
    of, corpus = asked.folder / "corpus.txt", corpus_hash([*items, *held])
    asked.folder.mkdir(parents=True, exist_ok=True)
    if of.exists() and of.read_text() != corpus:
        parser.error(f"{asked.folder} holds answers of runs on other calls: name another folder")
    of.write_text(corpus)
    answers: dict[Any, Answers] = {}

    def kept(key: Any, make: Callable[[Path], Answers]) -> None:
        folder = asked.folder / str(key)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / ANSWERED).exists():
            np.savez(folder / ANSWERED, allow_pickle=False, **make(folder))
        with np.load(folder / ANSWERED) as arrays:
            answers[key] = dict(arrays)

    kept("linear", lambda folder: linear(items, held, folder))
    for number, row in enumerate(plan["row"]):
        if "ensemble" in row:
            members = row["ensemble"]
            answers[number] = {head: np.sum([answers[n][head] for n in members], axis=0) for head in HEADS}
        else:
            kept(number, partial(learnt, row, plan, items, held))
        write(asked.output, plan, answers, truth, len(items))


def _length(item: Item) -> int:
    return sum(len(turn.text) for turn in item.as_turns())


def write(
    folder: Path, plan: Mapping[str, Any], answers: Mapping[Any, Answers], truth: Mapping[str, Any], items: int
) -> None:
    """The table so far, `ablation.md`."""
    right = {
        number: {head: found[head].argmax(1) == truth[head] for head in HEADS} for number, found in answers.items()
    }
    lines = ["| trained | category | gain (95 % interval) | urgency | police |", "| --- " * 5 + "|"]
    for number, row in enumerate(plan["row"]):
        if number in right:
            gain = difference(right[0]["category"], right[number]["category"])["gain"]
            shown = f"{gain['value']:+.3f} ({gain['low']:+.3f} … {gain['high']:+.3f})" if number else ""
            figures = [f"{right[number][head].mean():.3f}" for head in HEADS]
            lines.append(f"| {row['name']} | {figures[0]} | {shown} | {figures[1]} | {figures[2]} |")
    head = (
        "# What each piece of the training is worth\n\n"
        f"`python -m tests.bench.ablation runs/ablation`: {items} calls of at most {plan['longest']} characters learnt from, "
        f"{len(truth['category'])} held out (validation and test split), fp32, no red flags, one run a row; the second row "
        "says how much a seed alone moves.\n\n"
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ablation.md").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
