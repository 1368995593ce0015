"""What a teacher, a larger release, makes of every call that a student learns from (Hinton et al. 2015)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track

from data.own_taxonomy import HEADS, PACKAGED, Taxonomy
from data.records import Turn
from model.decode import Array
from model.runtime import Encoder
from model.text import render

Lesson = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Teacher:
    """The teacher's answers by call id, to the call as it was written: the student hears it disturbed.

    `logits` is (calls, 72), the heads one after the other; `vectors` the standardised mean vectors, (calls, width).
    """

    rows: Mapping[str, int]
    logits: Array
    vectors: Array

    def lesson(self, ids: Sequence[str]) -> Lesson:
        """The answers to these calls, as a batch's further tensors."""
        rows = [self.rows[id] for id in ids]
        return {
            "teacher_logits": torch.from_numpy(self.logits[rows]),
            "teacher_vectors": torch.from_numpy(self.vectors[rows]),
        }


def ask(folder: Path, calls: Sequence[Mapping[str, Any]], kept: Path, taxonomy: Taxonomy = PACKAGED) -> Teacher:
    """Lets the release in `folder` answer every row of a split once; the answers are kept in the file `kept`.

    Raises:
        ReleaseError: the release does not load.
        ValueError: it answers in other categories than those of `taxonomy`.
    """
    encoder = Encoder(folder)
    if encoder.taxonomy != taxonomy:
        raise ValueError(f"the teacher {encoder.version} answers in other categories than are to be learnt")
    ids = [call["id"] for call in calls]
    if kept.exists():
        with np.load(kept) as arrays:
            if str(arrays["version"]) == encoder.version and arrays["ids"].tolist() == ids:
                return _teacher(ids, arrays["logits"], arrays["vectors"])
    vectors = np.stack([encoder.pooled([_text(call)])[0] for call in track(calls, "asking the teacher")])
    logits = np.concatenate([encoder.heads(vectors)[head] for head in HEADS], axis=1)
    np.savez(kept, version=encoder.version, ids=ids, logits=logits, vectors=vectors)
    return _teacher(ids, logits, vectors)


def _teacher(ids: Sequence[str], logits: Array, vectors: Array) -> Teacher:
    rows = {id: row for row, id in enumerate(ids)}
    return Teacher(rows, logits.astype(np.float32), vectors.astype(np.float32))


def _text(call: Mapping[str, Any]) -> str:
    return render([Turn(**turn) for turn in call["turns"]]).text
