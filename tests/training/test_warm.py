"""A release can be taken up again: its int8 encoder read back answers as it does."""

from pathlib import Path

import numpy as np
import pytest
import torch

from data.records import Turn
from model.release import BUNDLED, ReleaseError
from model.runtime import Encoder
from model.text import render
from training.dataset import encode
from training.network import CallNetwork
from training.warm import release_base

SAID = ("称停在菜场口的电瓶车被偷", "我在西湖区古荡，楼上漏水，物业不管，想有人来看看", "有人拿刀砍人，快来")


def test_the_network_answers_as_the_release() -> None:
    base, heads = release_base(BUNDLED)
    network = CallNetwork(base.encoder).eval()
    missing, unexpected = network.load_state_dict(heads, strict=False)
    assert not unexpected
    assert all(name.startswith(("encoder.", "call.")) for name in missing)
    texts = [render([Turn(speaker="caller", text=text)]).text for text in SAID]
    with torch.no_grad():
        ours = network(**encode(base.tokenizer, texts, 320))
    for head, theirs in Encoder().logits(texts).items():
        assert np.corrcoef(ours[head].numpy().ravel(), theirs.ravel())[0, 1] > 0.99
        assert (ours[head].numpy().argmax(1) == theirs.argmax(1)).all()


def test_no_release_no_weights(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError):
        release_base(tmp_path)
