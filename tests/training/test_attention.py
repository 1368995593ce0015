"""Half attention gives what transformers' own does."""

import pytest
import torch
from transformers import BertConfig, BertModel

from training.attention import computes_half, use_half_attention


@pytest.fixture
def encoder() -> BertModel:
    torch.manual_seed(3)
    config = BertConfig(vocab_size=50, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48)
    encoder = BertModel(config, add_pooling_layer=False)
    encoder.train(False)
    return encoder


@torch.no_grad()
def test_same_as_the_library_s_attention_with_padding(encoder: BertModel) -> None:
    ids = torch.randint(1, 50, (2, 9))
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    plain = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    use_half_attention(encoder)
    half = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(half[0], plain[0])
    torch.testing.assert_close(half[1, :5], plain[1, :5])


@torch.no_grad()
def test_padding_changes_nothing_under_autocast(encoder: BertModel) -> None:
    use_half_attention(encoder)
    ids = torch.randint(1, 50, (1, 6))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        alone = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        padded_ids = torch.cat([ids, torch.zeros((1, 4), dtype=ids.dtype)], dim=1)
        mask = torch.tensor([[1] * 6 + [0] * 4])
        padded = encoder(input_ids=padded_ids, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(padded[:, :6], alone, atol=0.05, rtol=0.05)


@pytest.mark.parametrize(("unit", "computes"), [("avx512_bf16", True), ("amx_bf16", True), ("avx512_f", False)])
def test_half_is_computed_where_there_is_a_unit_for_it(
    monkeypatch: pytest.MonkeyPatch, unit: str, computes: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True, "amx_bf16": False, unit: True})
    assert computes_half() is computes
