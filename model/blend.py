"""The model as served: the encoder and the linear model of one release, blended."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from model.decode import Array, scores
from model.fallback import Linear
from model.release import BUNDLED
from model.runtime import Encoder


class Blend(Encoder):
    """The encoder, whose scores the linear model of words and n-grams leans on.

    The two err in different places: one reads the sense, the other does not overlook a word. Factors for each head are
    fitted on validation, where the blend is better than either (see the release's card).

    Raises (when made):
        ReleaseError: a file of either is missing or changed, or the golden texts are not answered as they were.
    """

    def __init__(self, folder: Path = BUNDLED, threads: int = 0) -> None:
        self.linear = Linear(folder)
        super().__init__(folder, threads)

    def _scores(self, logits: Mapping[str, Array], text: str, spans: Sequence[tuple[int, int]]) -> dict[str, Array]:
        return scores(logits, self.linear.logits(kept(text, spans)), self.calibration)


def kept(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """What the encoder has read of `text`: all of it, or beginning and end where its tokens leave a gap."""
    for (_, end), (start, _) in pairwise(spans[1:-1]):
        if text[end:start].strip():
            return f"{text[:end]} {text[start:]}"
    return text
