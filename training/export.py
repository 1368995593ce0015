"""From the fine-tuned network to the release's files: fused int8 ONNX encoder, tokenizer, heads."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from model.release import FILES
from training.network import CallNetwork
from training.norms import split_norms


class _Hidden(torch.nn.Module):
    """The encoder as a function of two tensors."""

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden: torch.Tensor = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return hidden


def export_fp32(network: CallNetwork, folder: Path) -> None:
    """Writes encoder (fp32, attention and GELU fused), heads and the standardisation to `folder`."""
    network.eval()
    encoder = network.encoder
    encoder.set_attn_implementation("eager")
    axes = {name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask", "hidden")}
    example = torch.ones((2, 8), dtype=torch.long)
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        plain = Path(scratch) / "plain.onnx"
        torch.onnx.export(
            _Hidden(encoder),
            (example, example),
            str(plain),
            input_names=["input_ids", "attention_mask"],
            output_names=["hidden"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
        fused = optimizer.optimize_model(
            str(plain),
            model_type="bert",
            num_heads=encoder.config.num_attention_heads,
            hidden_size=encoder.config.hidden_size,
            opt_level=0,
        )
        fused.save_model_to_file(str(folder / FILES.encoder))
        split_norms(folder / FILES.encoder)
    arrays = {"centre": network.centre.numpy(), "spread": network.spread.numpy()}
    arrays |= {"call.weight": np.zeros((1, len(arrays["centre"])), np.float32), "call.bias": np.ones(1, np.float32)}
    for name, parameter in network.heads.named_parameters():
        arrays[name] = parameter.detach().numpy()
    np.savez(folder / FILES.heads, allow_pickle=False, **arrays)


def quantise(fp32: Path, int8: Path) -> None:
    """Dynamic int8, one scale a channel.

    Weights keep to seven bits (`reduce_range`): machines without VNNI, whose 16-bit sums saturate, answer alike.
    `DefaultTensorType` is what the quantiser needs to know of the fused operators, whose shapes it cannot infer.
    """
    quantize_dynamic(
        fp32,
        int8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes the tokenizer without padding or truncation: the runtime does both."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / FILES.tokenizer), pretty=False)
