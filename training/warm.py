"""A warm start from a release: the int8 encoder read back into fp32 weights that fine-tuning can go on from.

Checkpoints are not kept, releases are. Every weight comes back to within half a step of its int8 scale, and the
smoothing that went into it (`training.smooth`) is undone, so the network answers as the release does.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from tokenizers import Tokenizer
from torch import nn
from transformers import BertConfig, BertModel

from data.own_taxonomy import Taxonomy
from model.release import FILES, NEURAL, open_release
from training.base import Base, unigram, wanted

Arrays = Mapping[str, NDArray[Any]]
DENSE = re.compile(r"/encoder/encoder/layer\.(\d+)/(.+)/MatMul_quant")
ATTENTION = re.compile(r"Attention_(\d+)_quant")
SMOOTHED = re.compile(r"smooth_\d+(?=_quantized$)")
ENCODER = "encoder."
WORDS = "encoder.embeddings.word_embeddings.weight"
PLAIN = ("bias", "LayerNorm.weight", "LayerNorm.bias")


def _state(folder: Path, graph: onnx.GraphProto) -> dict[str, torch.Tensor]:
    """The `CallNetwork` state of the release in `folder`, whose encoder is `graph`."""
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    state = dict(_plain(arrays)) | dict(_embeddings(arrays))
    for node in graph.node:
        state |= _attention(node, arrays) | _dense(node, arrays)
    with np.load(folder / FILES.heads) as heads:
        state |= {name if name in ("centre", "spread") else f"heads.{name}": array
                  for name, array in heads.items() if not name.startswith("call.")}  # fmt: skip
    if not any(name.startswith("encoder.encoder.layer.0.") for name in state):
        raise ValueError(f"{folder}: {FILES.encoder} is not an int8 encoder of this project")
    return {name: torch.from_numpy(np.array(array, np.float32)) for name, array in state.items()}


def release_base(folder: Path) -> tuple[Base, dict[str, torch.Tensor]]:
    """The encoder of the release in `folder` as a base, and what of its `CallNetwork` state is not the encoder's.

    Of its vocabulary, the pieces that a call can hold (`training.base.wanted`); all other tokenizers are kept whole.

    Raises:
        ReleaseError: a file is missing or changed.
        ValueError: the encoder is not one that `training.export` wrote.
    """
    open_release(folder, NEURAL)
    graph = onnx.load(folder / FILES.encoder).graph
    state = _state(folder, graph)
    tokenizer = Tokenizer.from_file(str(folder / FILES.tokenizer))
    model = json.loads(tokenizer.to_str())["model"]
    if model["type"] == "Unigram":
        kept = [n for n, (piece, _) in enumerate(model["vocab"]) if wanted(piece)]
        tokenizer = unigram([(piece, score) for piece, score in (model["vocab"][n] for n in kept)])
        state[WORDS] = state[WORDS][kept]
    encoder = BertModel(_shape(state, graph, tokenizer.token_to_id("<pad>") or 0), add_pooling_layer=False)
    theirs = {name: array for name, array in state.items() if name.startswith(ENCODER)}
    encoder.load_state_dict({name.removeprefix(ENCODER): array for name, array in theirs.items()})
    return Base(encoder, tokenizer), {name: array for name, array in state.items() if name not in theirs}


def carried_over(
    heads: Mapping[str, torch.Tensor], known: Taxonomy, wanted: Taxonomy, fresh: nn.Linear
) -> dict[str, torch.Tensor]:
    """The heads of a release that knows the categories `known`, for those of `wanted`.

    A category that stays keeps its row. One that others are merged into takes the mean of their rows, and the sum of
    their probabilities where they were alike (the logarithm of their number on the bias). New ones have their rows of
    `fresh`, as do those that the release had merged and that are apart again.
    """
    weight, bias = (tensor.detach().clone() for tensor in (fresh.weight, fresh.bias))
    for row, code in enumerate(wanted.codes):
        from_ = [n for n, old in enumerate(known.codes) if old in wanted and wanted.resolved(old) == code]
        if from_:
            weight[row] = heads["heads.category.weight"][from_].mean(0)
            bias[row] = heads["heads.category.bias"][from_].mean() + math.log(len(from_))
    return {**heads, "heads.category.weight": weight, "heads.category.bias": bias}


def _shape(state: Mapping[str, torch.Tensor], graph: onnx.GraphProto, pad: int) -> BertConfig:
    attention = next(node for node in graph.node if ATTENTION.fullmatch(node.name))
    words, width = state[WORDS].shape
    return BertConfig(
        vocab_size=words,
        hidden_size=width,
        num_hidden_layers=len({name.split(".")[3] for name in state if name.startswith("encoder.encoder.layer.")}),
        num_attention_heads=next(field.i for field in attention.attribute if field.name == "num_heads"),
        intermediate_size=len(state["encoder.encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(state["encoder.embeddings.position_embeddings.weight"]),
        type_vocab_size=len(state["encoder.embeddings.token_type_embeddings.weight"]),
        pad_token_id=pad,
    )


def _plain(arrays: Arrays) -> Iterator[tuple[str, NDArray[Any]]]:
    """What was not quantised: biases and layer norms."""
    for name, array in arrays.items():
        if name.startswith("encoder.encoder.") and name.endswith(PLAIN):
            yield name, array


def _embeddings(arrays: Arrays) -> Iterator[tuple[str, NDArray[Any]]]:
    for name in arrays:
        if name.startswith("encoder.embeddings.") and name.endswith("_quantized"):
            weight = name.removesuffix("_quantized")
            yield weight, _dequantised(arrays, weight)


def _dequantised(arrays: Arrays, name: str) -> NDArray[Any]:
    levels = arrays[f"{name}_quantized"].astype(np.float32) - arrays[f"{name}_zero_point"].astype(np.float32)
    values: NDArray[Any] = levels * arrays[f"{name}_scale"]
    return values


def _unsmoothed(node: onnx.NodeProto, arrays: Arrays) -> NDArray[Any]:
    """The weight (inputs, outputs) that the node multiplies with, as it was before smoothing."""
    weight = _dequantised(arrays, node.input[1].removesuffix("_quantized"))
    smoothed = SMOOTHED.search(node.input[0])
    return weight * arrays[smoothed.group()][:, None] if smoothed else weight


def _attention(node: onnx.NodeProto, arrays: Arrays) -> dict[str, NDArray[Any]]:
    found = ATTENTION.fullmatch(node.name)
    if not found:
        return {}
    parts = ("query", "key", "value")
    weights = np.split(_unsmoothed(node, arrays), len(parts), axis=1)
    biases = np.split(arrays[node.input[2]], len(parts))
    prefix = f"encoder.encoder.layer.{found.group(1)}.attention.self"
    return {f"{prefix}.{part}.weight": weight.T for part, weight in zip(parts, weights, strict=True)} | {
        f"{prefix}.{part}.bias": bias for part, bias in zip(parts, biases, strict=True)
    }


def _dense(node: onnx.NodeProto, arrays: Arrays) -> dict[str, NDArray[Any]]:
    found = DENSE.fullmatch(node.name)
    if not found:
        return {}
    layer, place = found.groups()
    return {f"encoder.encoder.layer.{layer}.{place.replace('/', '.')}.weight": _unsmoothed(node, arrays).T}
