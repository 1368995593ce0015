"""What every model makes of a call's text, whatever it is made of itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from data.own_taxonomy import PACKAGED, Taxonomy
from model.decode import Array, Bars


@dataclass(frozen=True)
class Reading:
    """What a model made of one text. `joint` is (65, 4), over the categories of `taxonomy`.

    `support` is (spans, 65): how much each of `spans` (character offsets, end exclusive) speaks for each category.
    `is_call` is False for a text from another world, on which no answer is worth much; a `glance` is a reading by less
    than the whole model, which follows.
    """

    joint: Array
    spans: Sequence[tuple[int, int]]
    support: Array
    is_call: bool = True
    taxonomy: Taxonomy = PACKAGED
    glance: bool = False


class Model(Protocol):
    """Reads rendered calls, and answers in the categories of its taxonomy."""

    version: str
    taxonomy: Taxonomy
    bars: Bars

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading a text, in their order."""
        ...
