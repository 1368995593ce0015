"""One command from the corpus to a release: fine-tune, export, gate, calibrate, baseline, judge, card, manifest."""

import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from data.corpus import Item, corpus_hash
from data.otherworld import OtherText, load_otherworld
from data.own_taxonomy import HEADS
from data.records import Call, Turn
from data.taxonomy import URGENCIES
from model.blend import Blend
from model.decode import Array, Bars, Calibration
from model.drift import REFERENCE
from model.fallback import Linear
from model.release import FILES, open_release, write_manifest
from model.runtime import Encoder
from model.suggest import Suggester
from model.text import render
from training.baseline import train_baseline
from training.calibrate import calibrate, habit
from training.card import GOLDEN, write_card
from training.config import Config
from training.dataset import as_datasets, encode, others_beside, with_others
from training.dataset_card import describe, write_dataset_card
from training.evaluate import HELD_OUT, Case
from training.export import export_fp32, quantise, save_tokenizer
from training.familiar import call_head
from training.fit import fine_tune, trained_network
from training.material import Material, choosing, collected, drawn, labels, parted, replayed, sampled, taxonomy_of
from training.network import CallNetwork
from training.reference import write_measured
from training.report import write_report
from training.smooth import smooth

WEIGHTS, TRAINED = "network.pt", "trained.json"
SEEN = 256
Say = Callable[[str], None]


class GateError(RuntimeError):
    """The quantised model loses more than the config allows."""


def train(config: Config, folder: Path, say: Say, resume: bool = False) -> Path:
    """Runs everything in `folder` and returns the folder of the finished release.

    `resume` goes on from the last checkpoint, or from the end of training where that was reached.

    Left behind: `config.json`, `checkpoints/` with TensorBoard events, `release/`, `report/`, `run.json` and
    `DATASET_CARD.md`.

    Raises:
        DataError: a broken corpus.
        GateError: int8 loses too much.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config.model_dump_json(indent=1), encoding="utf-8")
    material = collected(config)
    parts = parted(material.items, config.corpus.seed)
    data = as_datasets(parts | {"train": replayed(config, material, parts["train"])}, taxonomy_of(config))
    data["train"] = with_others(data["train"], _others(config, "train"), config.fit.seed)
    say(f"corpus {corpus_hash(material.items)}: " + ", ".join(f"{name} {len(part)}" for name, part in parts.items()))
    if material.left_out:
        say(f"{material.left_out} calls left out: nearly the same are held out, or calibrate")
    if not (resume and (folder / TRAINED).exists()):
        begun = time.monotonic()
        torch.save(fine_tune(config, data, folder / "checkpoints", resume).state_dict(), folder / WEIGHTS)
        cost = {"minutes": (time.monotonic() - begun) / 60, "threads": torch.get_num_threads()}
        (folder / TRAINED).write_text(json.dumps(cost), encoding="utf-8")
    network, tokenizer = trained_network(config, folder / WEIGHTS)
    cost = json.loads((folder / TRAINED).read_text(encoding="utf-8"))
    return finish(config, folder, network, tokenizer, material, cost, say)


def finish(
    config: Config,
    folder: Path,
    network: CallNetwork,
    tokenizer: Tokenizer,
    material: Material,
    cost: dict[str, float],
    say: Say,
) -> Path:
    """From the fine-tuned network, which took `cost` (minutes, threads), to the release."""
    release = folder / "release"
    shutil.rmtree(release, ignore_errors=True)
    release.mkdir()
    taxonomy = taxonomy_of(config)
    if config.corpus.taxonomy:
        shutil.copyfile(config.corpus.taxonomy, release / FILES.taxonomy)
    parts = parted(material.items, config.corpus.seed)
    facts = _facts(config, material, network) | {name: len(part) for name, part in parts.items()} | cost
    say("exporting to int8 ONNX")
    facts["fp32"], facts["int8"] = _export(config, network, tokenizer, parts["validation"], release)
    if facts["fp32"] - facts["int8"] > config.quantise.max_loss:
        raise GateError(f"int8 reaches {facts['int8']:.4f} on validation, fp32 {facts['fp32']:.4f}: more than "
                        f"{config.quantise.max_loss:g} lost")  # fmt: skip
    chosen, rows = choosing(config, parts["validation"])
    logits = _write_call_head(config, release, chosen)
    say("training the linear model")
    train_baseline(parts["train"], release, taxonomy)
    linear = _linear_logits(config, release, chosen)
    calibration = calibrate(
        drawn(logits, rows), drawn(linear, rows), drawn(labels(chosen, taxonomy), rows),
        habit(parts["train"], taxonomy), config.confidence.max_error, taxonomy,
    )  # fmt: skip
    facts["apart"] = len(chosen) - len(parts["validation"])
    _write_calibration(release, calibration)
    facts |= {key: value for key, value in calibration.to_json().items() if key not in ("habit", "blend", "alone")}
    facts["blend"] = ", ".join(f"{head} {a:.2f} : {b:.2f}" for head, (a, b) in calibration.blend.items())
    _write_golden(release, parts["test"])
    _manifest(release, facts)
    say("counting what is held back, as the reference of drift")
    write_measured(release, [*parts["validation"], *parts["test"]], release / REFERENCE)
    say("evaluating on the held-out split")
    report = write_report(folder / "report", HELD_OUT, [Case.of(item) for item in parts["test"]], release)
    facts["others"] = others_beside(len(replayed(config, material, parts["train"])), len(_others(config, "train")))
    facts["otherworld"], facts["otherworld_confident"] = _otherworld(config, release)
    facts["size"] = sum(path.stat().st_size for path in release.iterdir()) / 1e6
    (release / "MODEL_CARD.md").write_text(write_card(facts, config, report), encoding="utf-8")
    _manifest(release, facts)
    (folder / "DATASET_CARD.md").write_text(
        write_dataset_card(facts, describe(config, material, parts)), encoding="utf-8"
    )
    (folder / "run.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    say(f"release {facts['version']} in {release}")
    return release


def _export(
    config: Config, network: CallNetwork, tokenizer: Tokenizer, validation: Sequence[Item], release: Path
) -> tuple[float, float]:
    """Writes the int8 encoder; the category accuracies of fp32 and int8 on validation."""
    taxonomy = taxonomy_of(config)
    flat = np.full((len(taxonomy.codes), len(URGENCIES)), 0.25, np.float32)
    even = Calibration(dict.fromkeys(HEADS, (1.0, 0.0)), dict.fromkeys(HEADS, 1.0), flat, 0.0, 0.0, Bars(1.0), taxonomy)
    texts = [render(item.as_turns()).text for item in validation]
    truth = labels(validation, taxonomy)["category"]
    export_fp32(network, release)
    save_tokenizer(tokenizer, release)
    _write_calibration(release, even)
    (release / FILES.golden).write_text("[]", encoding="utf-8")

    def right() -> float:
        write_manifest(release, "unfinished", {"max_tokens": config.corpus.max_tokens})
        return float((Encoder(release, golden=False).logits(texts)["category"].argmax(1) == truth).mean())

    before = right()
    fp32 = release.parent / "encoder-fp32.onnx"
    shutil.move(release / FILES.encoder, fp32)
    feeds = [{name: tensor.numpy() for name, tensor in encode(tokenizer, [text], config.corpus.max_tokens).items()}
             for text in texts[:SEEN]]  # fmt: skip
    smooth(fp32, feeds, config.quantise.smoothing)
    quantise(fp32, release / FILES.encoder)
    fp32.unlink()
    return before, right()


def _write_call_head(config: Config, release: Path, items: Sequence[Item]) -> dict[str, Array]:
    """Adds to the heads the one that tells calls from texts of another world; the logits of the calls."""
    encoder = Encoder(release, golden=False)
    calls = encoder.pooled([render(item.as_turns()).text for item in items])
    others = encoder.pooled([_rendered(other) for other in _others(config, "validation")])
    with np.load(release / FILES.heads) as arrays:
        heads = dict(arrays)
    heads["call.weight"], heads["call.bias"] = call_head(calls, others, config.confidence.refused)
    np.savez(release / FILES.heads, allow_pickle=False, **heads)
    return encoder.heads(calls)


def _others(config: Config, split: str) -> list[OtherText]:
    return sampled(config, [other for other in load_otherworld() if other.split == split])


def _rendered(other: OtherText) -> str:
    return render([Turn(speaker="caller", text=other.text)]).text


def _otherworld(config: Config, release: Path) -> tuple[int, int]:
    """How many test texts from another world there are, and how many of them are suggested confidently."""
    texts = [other.text for other in _others(config, "test")]
    suggestions = Suggester(model=Blend(release)).suggest_many([Call(text=text) for text in texts])
    return len(texts), sum(s.confident for s in suggestions)


def _linear_logits(config: Config, release: Path, items: Sequence[Item]) -> dict[str, Array]:
    write_manifest(release, "unfinished", {"max_tokens": config.corpus.max_tokens})
    linear = Linear(release)
    rows = [linear.logits(render(item.as_turns()).text) for item in items]
    return {head: np.stack([row[head] for row in rows]) for head in rows[0]}


def _write_calibration(release: Path, calibration: Calibration) -> None:
    (release / FILES.calibration).write_text(json.dumps(calibration.to_json()) + "\n", encoding="utf-8")


def _write_golden(release: Path, items: Sequence[Item]) -> None:
    """A dozen held-out calls, of different categories, with what this release makes of them today.

    The clearest answers, so that another processor's rounding does not turn one.
    """
    chosen = list({item.category: item for item in items}.values())
    write_manifest(
        release, "unfinished", {"max_tokens": json.loads((release / "manifest.json").read_text())["max_tokens"]}
    )
    readings = Encoder(release, golden=False).read([render(item.as_turns()).text for item in chosen])
    golden = [
        {
            "id": item.id,
            "turns": [turn.model_dump() for turn in item.as_turns()],
            "cell": int(reading.joint.argmax()),
            "probability": round(float(reading.joint.max()), 4),
        }
        for item, reading in sorted(zip(chosen, readings, strict=True), key=lambda pair: -float(pair[1].joint.max()))
    ]
    golden = golden[:GOLDEN]
    (release / FILES.golden).write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _manifest(release: Path, facts: dict[str, Any]) -> None:
    keys = ("max_tokens", "created", "corpus", "config", "commit")
    write_manifest(release, facts["version"], {key: facts[key] for key in keys})


def _facts(config: Config, material: Material, network: CallNetwork) -> dict[str, Any]:
    now = datetime.now(UTC)
    paths = {"corpus": {"folder", "calibration", "more", "taxonomy"}}
    taxonomy = taxonomy_of(config)
    settings = config.model_dump_json(exclude=paths) + taxonomy.version
    digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
    corpus = corpus_hash(material.items)
    return {
        "version": f"{now:%Y.%m.%d}-{corpus[:4]}{digest[:4]}",
        "created": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "commit": _commit(),
        "config": digest,
        "corpus": corpus,
        "max_tokens": config.corpus.max_tokens,
        "teacher": open_release(config.distil.teacher, ()).version if config.distil.teacher else "",
        "categories": len(taxonomy.codes),
        "added": list(taxonomy.ways),
        "merged": dict(taxonomy.merged),
        "layers": network.encoder.config.num_hidden_layers,
        "parameters": sum(p.numel() for p in network.parameters()) / 1e6,
        "sources": material.sources,
        "left_out": material.left_out,
    }


def _commit() -> str:
    """Short commit of the working tree, with `+` when it holds more than that; `unknown` outside git."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=True,
            cwd=Path(__file__).parent,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
