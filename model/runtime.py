"""The bundled classifier at work: `tokenizers` and `onnxruntime`, no torch."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from data.own_taxonomy import HEADS
from data.records import Turn
from data.remember import remembered
from model.decode import Array, Calibration, joint, scores
from model.reading import Reading
from model.release import BUNDLED, FILES, NEURAL, Release, ReleaseError, open_release
from model.text import head_and_tail, render

GOLDEN_TOLERANCE = 0.02
GREETING, GREETINGS = 24, 256  # characters of a text whose reading is kept, as most calls begin alike; and how many


class Encoder:
    """The fine-tuned encoder of a release, on its own.

    Raises (when made):
        ReleaseError: a file is missing or changed, or the golden texts are not answered as they were.
    """

    def __init__(self, folder: Path = BUNDLED, threads: int = 0, golden: bool = True) -> None:
        release = open_release(folder, NEURAL)
        self.version, self._max_tokens = release.version, release.max_tokens
        self.taxonomy = release.taxonomy
        self._remembered = remembered(self._read, GREETING, GREETINGS)
        try:
            self._load(release, threads)
        except ReleaseError:
            raise
        except Exception as error:  # onnxruntime and tokenizers raise their own kinds
            raise ReleaseError(f"the encoder does not load: {error}") from error
        if golden:
            self._check_golden(release)

    def _load(self, release: Release, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Of every length that comes an arena, and a pattern of what it needs, would be kept: 5 to 13 MiB, no faster.
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        # Threads that spin between two calls take the cores from the other requests: p99 over HTTP 29 ms instead of 47.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            release.path(FILES.encoder), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(release.path(FILES.tokenizer)))
        with np.load(release.path(FILES.heads)) as arrays:
            self._centre, self._spread = arrays["centre"], arrays["spread"]
            self._linear_heads = {head: (arrays[f"{head}.weight"], arrays[f"{head}.bias"]) for head in HEADS}
            self._call = arrays["call.weight"], arrays["call.bias"]
        calibration = json.loads(release.path(FILES.calibration).read_text(encoding="utf-8"))
        self.calibration = Calibration.from_json(calibration, self.taxonomy)
        self.bars = self.calibration.bars

    def _check_golden(self, release: Release) -> None:
        """What may differ between machines is int8 arithmetic, so it is the encoder that must answer alike."""
        golden = json.loads(release.path(FILES.golden).read_text(encoding="utf-8"))
        if not golden:
            raise ReleaseError("the release has no golden texts")
        logits = self.logits([render([Turn(**turn) for turn in item["turns"]]).text for item in golden])
        for item, table in zip(golden, joint(scores(logits, None, self.calibration), self.calibration), strict=True):
            p = table.max()
            if abs(p - item["probability"]) > GOLDEN_TOLERANCE or int(table.argmax()) != item["cell"]:
                raise ReleaseError(
                    f"golden text {item['id']} is answered differently: {p:.3f}, not {item['probability']:.3f}"
                )

    def pooled(self, texts: Sequence[str]) -> Array:
        """Standardised mean vectors, (texts, width)."""
        return np.stack([self._vectors(text)[0].mean(0) for text in texts])

    def logits(self, texts: Sequence[str]) -> dict[str, Array]:
        """Raw logits by head, (texts, labels) each: what calibration works on."""
        return self.heads(self.pooled(texts))

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading a text; the support of a token is its linear share in the categories' logits."""
        return [self._remembered(text) for text in texts]

    def _read(self, text: str) -> Reading:
        weight = self._linear_heads["category"][0]
        vectors, spans = self._vectors(text)
        pooled = vectors.mean(0)
        table = joint(self._scores(self.heads(pooled), text, spans), self.calibration)
        is_call = bool(self._call[0] @ pooled + self._call[1] >= 0)
        return Reading(table, spans, vectors @ weight.T / len(vectors), is_call, taxonomy=self.taxonomy)

    def _scores(self, logits: Mapping[str, Array], text: str, spans: Sequence[tuple[int, int]]) -> dict[str, Array]:
        return scores(logits, None, self.calibration)

    def heads(self, vectors: Array) -> dict[str, Array]:
        """Logits by head, (…, labels), of standardised mean vectors (…, width)."""
        return {head: vectors @ weight.T + bias for head, (weight, bias) in self._linear_heads.items()}

    def _vectors(self, text: str) -> tuple[Array, list[tuple[int, int]]]:
        """Standardised token vectors (tokens, width) and where each token stands in `text`.

        Always one text at a time: dynamic int8 has one scale a tensor, so in a batch a call's answer would depend on
        its neighbours, and from some sixty tokens on a batch is not faster either.
        """
        encoding = self._tokenizer.encode(text)
        ids, offsets = encoding.ids, encoding.offsets
        kept = head_and_tail(ids, self._max_tokens)
        tokens = np.array([[ids[i] for i in kept]], np.int64)
        (hidden,) = self._session.run(["hidden"], {"input_ids": tokens, "attention_mask": np.ones_like(tokens)})
        return (np.asarray(hidden)[0] - self._centre) / self._spread, [offsets[i] for i in kept]
