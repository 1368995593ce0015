"""SmoothQuant (Xiao et al. 2023): moves outliers of activations into the weights before dynamic quantisation.

Dynamic int8 has one scale for a whole activation tensor, and a few channels of a BERT are a hundred times larger than
the rest. Dividing each channel by its own factor, and multiplying the weights' rows by it, changes nothing in fp32 and
leaves int8 a range that it can resolve.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Array = NDArray[np.float32]
MULTIPLIED = ("MatMul", "Attention")


def smooth(path: Path, inputs: Sequence[Mapping[str, NDArray[np.int64]]], strength: float) -> None:
    """Rewrites the fused fp32 encoder at `path`; `inputs` are tokenised calls to see the activations' range on.

    `strength` 0–1 is how much of an outlier goes into the weights (the paper's alpha).
    """
    model = onnx.load(path)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type in MULTIPLIED and node.input[1] in weights]
    ranges = _ranges(model, sorted({node.input[0] for node in nodes}), inputs)
    for number, node in enumerate(nodes):
        weight = numpy_helper.to_array(weights[node.input[1]])
        factor = ranges[node.input[0]] ** strength / np.abs(weight).max(1).clip(1e-5) ** (1 - strength)
        factor = factor.clip(1e-3).astype(np.float32)
        weights[node.input[1]].CopyFrom(numpy_helper.from_array(weight * factor[:, None], node.input[1]))
        _divide(model, node, factor, number)
    onnx.save(model, path)


def _ranges(
    model: onnx.ModelProto, names: list[str], inputs: Sequence[Mapping[str, NDArray[np.int64]]]
) -> dict[str, Array]:
    """Largest absolute value of every channel of the tensors `names`."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    seen: dict[str, Array] = {}
    for feed in inputs:
        for name, values in zip(names, session.run(names, feed), strict=True):
            largest = np.abs(values).reshape(-1, values.shape[-1]).max(0)
            seen[name] = np.maximum(seen.get(name, np.float32(1e-5)), largest)
    return seen


def _divide(model: onnx.ModelProto, node: onnx.NodeProto, factor: Array, number: int) -> None:
    """Puts a division by `factor` before `node`."""
    name, scaled = f"smooth_{number}", f"{node.input[0]}/smooth_{number}"
    model.graph.initializer.append(numpy_helper.from_array(1 / factor, name))
    position = list(model.graph.node).index(node)
    model.graph.node.insert(position, helper.make_node("Mul", [node.input[0], name], [scaled], name=f"{name}_mul"))
    node.input[0] = scaled
