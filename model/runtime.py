"""The bundled classifier at work: `tokenizers` and `onnxruntime`, no torch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from tokenizers import Encoding, Tokenizer

from data.records import Turn
from model.decode import Array, Calibration, joint
from model.release import BUNDLED, FILES, NEURAL, Release, ReleaseError, open_release
from model.text import head_and_tail, render

GOLDEN_TOLERANCE = 0.02
BATCH_TOKENS = 4_096


@dataclass(frozen=True)
class Reading:
    """What a model made of one text. `joint` is (65, 4).

    `support` is (spans, 65): how much each of `spans` (character offsets, end exclusive) speaks for each category.
    """

    joint: Array
    spans: Sequence[tuple[int, int]]
    support: Array


class Model(Protocol):
    """Reads rendered calls."""

    version: str
    confident_at: float

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading a text, in their order."""
        ...


class Encoder:
    """The fine-tuned encoder of a release.

    Raises (when made):
        ReleaseError: a file is missing or changed, or the golden texts are not answered as they were.
    """

    def __init__(self, folder: Path = BUNDLED, threads: int = 0, golden: bool = True) -> None:
        release = open_release(folder, NEURAL)
        self.version, self._max_tokens = release.version, release.max_tokens
        try:
            self._load(release, threads)
        except ReleaseError:
            raise
        except Exception as error:  # onnxruntime and tokenizers raise their own kinds
            raise ReleaseError(f"{folder} does not load: {error}") from error
        if golden:
            self._check_golden(release)

    def _load(self, release: Release, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            release.path(FILES.encoder), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(release.path(FILES.tokenizer)))
        self._pad: int = self._tokenizer.token_to_id("<pad>") or 0
        with np.load(release.path(FILES.heads)) as arrays:
            self._centre, self._spread = arrays["centre"], arrays["spread"]
            self._heads = {head: (arrays[f"{head}.weight"], arrays[f"{head}.bias"])
                           for head in ("category", "urgency", "police")}  # fmt: skip
        calibration = json.loads(release.path(FILES.calibration).read_text(encoding="utf-8"))
        self.calibration = Calibration.from_json(calibration)
        self.confident_at = self.calibration.confident_at

    def _check_golden(self, release: Release) -> None:
        golden = json.loads(release.path(FILES.golden).read_text(encoding="utf-8"))
        if not golden:
            raise ReleaseError("the release has no golden texts")
        texts = [render([Turn(**turn) for turn in item["turns"]]).text for item in golden]
        for item, reading in zip(golden, self.read(texts), strict=True):
            p = reading.joint.max()
            if abs(p - item["probability"]) > GOLDEN_TOLERANCE or int(reading.joint.argmax()) != item["cell"]:
                raise ReleaseError(
                    f"golden text {item['id']} is answered differently: {p:.3f}, not {item['probability']:.3f}"
                )

    def logits(self, texts: Sequence[str]) -> dict[str, Array]:
        """Raw logits by head, (texts, labels) each: what calibration works on."""
        rows = [self._heads_of(vectors.mean(0)) for vectors, _ in self._vectors(texts)]
        return {head: np.stack([row[head] for row in rows]) for head in self._heads}

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading a text; the support of a token is its linear share in the categories' logits."""
        weight = self._heads["category"][0]
        readings = []
        for vectors, spans in self._vectors(texts):
            table = joint(self._heads_of(vectors.mean(0)), self.calibration)
            readings.append(Reading(table, spans, vectors @ weight.T / len(vectors)))
        return readings

    def _heads_of(self, vector: Array) -> dict[str, Array]:
        return {head: weight @ vector + bias for head, (weight, bias) in self._heads.items()}

    def _vectors(self, texts: Sequence[str]) -> list[tuple[Array, list[tuple[int, int]]]]:
        """Standardised token vectors (tokens, width) and their spans, text by text."""
        found: list[tuple[Array, list[tuple[int, int]]] | None] = [None] * len(texts)
        encodings = self._tokenizer.encode_batch(list(texts))
        kept = [head_and_tail(encoding.ids, self._max_tokens) for encoding in encodings]
        for batch in _batches([len(row) for row in kept]):
            hidden = self._run([[encodings[n].ids[i] for i in kept[n]] for n in batch])
            for vectors, n in zip(hidden, batch, strict=True):
                standard = (vectors[: len(kept[n])] - self._centre) / self._spread
                found[n] = standard, _spans(encodings[n], kept[n])
        return [entry for entry in found if entry is not None]

    def _run(self, ids: list[list[int]]) -> Array:
        longest = max(map(len, ids))
        tokens = np.array([row + [self._pad] * (longest - len(row)) for row in ids], np.int64)
        mask = (np.arange(longest) < np.array([[len(row)] for row in ids])).astype(np.int64)
        (hidden,) = self._session.run(["hidden"], {"input_ids": tokens, "attention_mask": mask})
        return hidden  # type: ignore[no-any-return]


def _spans(encoding: Encoding, kept: list[int]) -> list[tuple[int, int]]:
    offsets = encoding.offsets
    return [offsets[i] for i in kept]


def _batches(lengths: list[int]) -> list[list[int]]:
    """Numbers of the texts, alike in length, so that at most `BATCH_TOKENS` are padded together."""
    batches: list[list[int]] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batches and (len(batches[-1]) + 1) * lengths[number] <= BATCH_TOKENS:
            batches[-1].append(number)
        else:
            batches.append([number])
    return batches
