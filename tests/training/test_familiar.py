"""What passes for a call."""

import numpy as np
import pytest

from training.familiar import call_head


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
