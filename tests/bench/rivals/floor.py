"""How near the encoder is to what the machine's int8 unit allows, and where the rest of a call's time goes.

    python -m tests.bench.rivals.floor

The floor is the network's multiply-adds at the rate at which this machine multiplies int8 matrices of the same shapes.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from data.records import Call
from model.blend import Blend
from model.release import BUNDLED, FILES
from model.suggest import Suggester
from model.text import render
from tests.bench.calls import text

LENGTH, ROUNDS, TOGETHER = 120, 100, 20


@dataclass(frozen=True)
class Shape:
    """Products of (tokens, inner) with (inner, outer), `times` of them in the network."""

    inner: int
    outer: int
    times: int

    def multiply_adds(self, tokens: int) -> int:
        """Of all of them."""
        return self.times * tokens * self.inner * self.outer


def shapes() -> list[Shape]:
    """The int8 products of the bundled encoder."""
    graph = onnx.load(BUNDLED / FILES.encoder).graph
    sizes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    found = [sizes[node.input[1]] for node in graph.node if node.op_type in ("MatMulInteger", "QAttention")]
    return [Shape(inner, outer, found.count((inner, outer))) for inner, outer in sorted(set(found))]


def between_tokens(tokens: int) -> int:
    """Multiply-adds of attention itself, in fp32: queries with keys, and their shares with values."""
    graph = onnx.load(BUNDLED / FILES.encoder).graph
    widths = [next(iter(t.dims[0] for t in graph.initializer if t.name == node.input[1]))
              for node in graph.node if node.op_type == "QAttention"]  # fmt: skip
    return sum(2 * tokens * tokens * width for width in widths)


def product(tokens: int, shape: Shape) -> Callable[[], object]:
    """`TOGETHER` products of that shape by onnxruntime on one thread, so that what a run costs besides hardly counts."""
    names = [f"out{n}" for n in range(TOGETHER)]
    generator = np.random.default_rng(110)
    weights = [
        helper.make_tensor(f"w{n}", TensorProto.INT8, (shape.inner, shape.outer),
                           generator.integers(-64, 64, (shape.inner, shape.outer), np.int8).tobytes(), raw=True)
        for n in range(TOGETHER)
    ]  # fmt: skip
    nodes = [helper.make_node("MatMulInteger", ["in", f"w{n}"], [name]) for n, name in enumerate(names)]
    graph = helper.make_graph(
        nodes, "product", [helper.make_tensor_value_info("in", TensorProto.UINT8, (tokens, shape.inner))],
        [helper.make_tensor_value_info(name, TensorProto.INT32, (tokens, shape.outer)) for name in names], weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = generator.integers(0, 255, (tokens, shape.inner), np.uint8)
    return partial(session.run, names, {"in": given})


def medians(works: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """CPU milliseconds of each, in turn, so that a busy machine hits all alike."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            begun = time.process_time()
            work()
            found[name].append((time.process_time() - begun) * 1e3)
    return {name: statistics.median(times) for name, times in found.items()}


def main() -> None:
    """Prints a Markdown table."""
    blend, said = Blend(BUNDLED, threads=1), text(LENGTH)
    suggester, call = Suggester(model=blend), Call.model_validate({"text": said})
    written = render(call.transcript).text
    ids = np.array([blend._tokenizer.encode(written).ids], np.int64)
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    tokens, of = ids.shape[1], shapes()
    took = medians({str(shape): product(tokens, shape) for shape in of} | {
        "graph": lambda: blend._session.run(["hidden"], given),
        "tokenizer": lambda: blend._tokenizer.encode(written),
        "linear": lambda: blend.linear.logits(written),
        "read": lambda: blend.read([written]),
        "whole": lambda: suggester.suggest(call),
    })  # fmt: skip
    least = sum(took[str(shape)] / TOGETHER * shape.times for shape in of)
    work = sum(shape.multiply_adds(tokens) for shape in of)
    print(f"{LENGTH} characters, {tokens} tokens: {work / 1e6:.0f} million int8 multiply-adds, "
          f"{between_tokens(tokens) / 1e6:.0f} million in fp32 between tokens; this core multiplies int8 matrices of "
          f"these shapes at {work / least / 1e6:.0f} thousand million a second\n")  # fmt: skip
    print("| CPU milliseconds on one core | | times the floor |\n| --- | --- | --- |")
    for name, ms in {
        "floor: the int8 products alone": least,
        "the encoder's graph": took["graph"],
        "tokenizer": took["tokenizer"],
        "linear model (jieba, n-grams)": took["linear"],
        "heads, scores, support of tokens": took["read"] - took["graph"] - took["tokenizer"] - took["linear"],
        "red flags, place, routing, evidence, questions": took["whole"] - took["read"],
        "whole suggestion in process": took["whole"],
    }.items():
        print(f"| {name} | {ms:.2f} | {ms / least:.2f} |")


if __name__ == "__main__":
    main()
