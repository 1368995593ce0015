"""Layer norms as plain operations: onnxruntime's own kernel is scalar, these are vectorised and take half its time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper


def split_norms(path: Path) -> None:
    """Rewrites the fused encoder at `path`: every SkipLayerNormalization becomes additions, means and products.

    The deviation is inverted before it is multiplied with, once a token; so onnxruntime does not fuse it again either.
    """
    model = onnx.load(path)
    graph, nodes = model.graph, list[NodeProto]()
    made = {output: node.op_type for node in graph.node for output in node.output}
    for number, node in enumerate(graph.node):
        if node.op_type != "SkipLayerNormalization":
            nodes.append(node)
            continue
        epsilon = next(field.f for field in node.attribute if field.name == "epsilon")
        graph.initializer.append(numpy_helper.from_array(np.array(epsilon, np.float32), f"norm_{number}/epsilon"))
        nodes += _plain(node, f"norm_{number}", made)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, path)


def _plain(node: NodeProto, prefix: str, made: dict[str, str]) -> Iterator[NodeProto]:
    """The operations; a bias goes to the product it belongs to, whose quantised kernel takes it along."""
    first, second, weight, shift, *bias = node.input
    if bias:
        if made.get(first) != "MatMul":
            first, second = second, first
        yield helper.make_node("Add", [first, *bias], [f"{prefix}/biased"])
        first = f"{prefix}/biased"

    def named(name: str) -> str:
        return f"{prefix}/{name}"

    yield helper.make_node("Add", [first, second], [named("sum")])
    yield helper.make_node("ReduceMean", [named("sum")], [named("mean")], axes=[-1])
    yield helper.make_node("Sub", [named("sum"), named("mean")], [named("centred")])
    yield helper.make_node("Mul", [named("centred"), named("centred")], [named("squares")])
    yield helper.make_node("ReduceMean", [named("squares")], [named("variance")], axes=[-1])
    yield helper.make_node("Add", [named("variance"), named("epsilon")], [named("safe")])
    yield helper.make_node("Sqrt", [named("safe")], [named("deviation")])
    yield helper.make_node("Reciprocal", [named("deviation")], [named("inverse")])
    yield helper.make_node("Mul", [named("centred"), named("inverse")], [named("standard")])
    yield helper.make_node("Mul", [named("standard"), weight], [named("scaled")])
    yield helper.make_node("Add", [named("scaled"), shift], [node.output[0]])
