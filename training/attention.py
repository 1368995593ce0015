"""Attention as training on a processor without accelerator wants it."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

HALF = "half"


def computes_half() -> bool:
    """Whether the machine computes bf16 itself; emulated, it takes twice to a hundred times as long as fp32."""
    known = torch.cpu.get_capabilities()
    return torch.cuda.is_available() or any(known.get(unit) for unit in ("avx512_bf16", "amx_bf16"))


def half_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Scores, softmax and products of (batch, heads, tokens, width) in one type, bf16 under autocast.

    torch's fused kernel is slow backwards on a processor, and its plain one goes to fp32 and back for the mask and the
    softmax: without them an epoch takes half the time. `dropout` is left out, since drawing it costs as much as the
    products do.
    """
    kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else query.dtype
    with torch.autocast("cpu", enabled=False):
        scores = (query.to(kind) * scaling) @ key.to(kind).transpose(2, 3)
        if attention_mask is not None:
            scores = scores + attention_mask.to(kind)
        mixed = scores.softmax(-1) @ value.to(kind)
    return mixed.transpose(1, 2).contiguous(), None


AttentionInterface.register(HALF, half_attention)
AttentionMaskInterface.register(HALF, eager_mask)


def use_half_attention(encoder: PreTrainedModel) -> None:
    """From now on `encoder` attends by `half_attention`; `export` has its own way again."""
    encoder.set_attn_implementation(HALF)
