"""The model as served: the encoder and the linear model of one release, blended."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from model.decode import Array, joint, scores
from model.fallback import Linear, unbent
from model.release import BUNDLED
from model.runtime import Encoder


class Blend(Encoder):
    """The encoder, whose scores the linear model of words and n-grams leans on.

    The two err in different places: one reads the sense, the other does not overlook a word. Factors for each head are
    fitted on validation, where the blend is better than either (see the release's card). Where scores are added, one
    that is very sure silences the other; so what a mistake may cost is reckoned by a mean of probabilities, where the
    linear model is heard by itself (`Bars.caution`).

    Raises (when made):
        ReleaseError: a file of either is missing or changed, or the golden texts are not answered as they were.
    """

    def __init__(self, folder: Path = BUNDLED, threads: int = 0) -> None:
        self.linear = Linear(folder)
        super().__init__(folder, threads)

    def _tables(
        self, logits: Mapping[str, Array], text: str, spans: Sequence[tuple[int, int]]
    ) -> tuple[Array, Array | None]:
        linear = self.linear.logits(kept(text, spans))
        table = joint(scores(logits, linear, self.calibration), self.calibration)
        return table, cautious(table, unbent(linear), self.bars.caution)


def cautious(blended: Array, linear: Array, caution: float) -> Array:
    """The mean of two joint distributions (..., 65, 4), the linear model's with the share `caution`."""
    mean: Array = (1 - caution) * blended + caution * linear
    return mean


def kept(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """What the encoder has read of `text`: all of it, or beginning and end where its tokens leave a gap."""
    for (_, end), (start, _) in pairwise(spans[1:-1]):
        if text[end:start].strip():
            return f"{text[:end]} {text[start:]}"
    return text
