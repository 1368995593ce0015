"""Texts from another world – advertising, poems, code, recipes – in which nobody wants anything of 110 or 12345."""

from pathlib import Path
from typing import Literal

from data.corpus import read_lines
from data.records import Record
from data.tables import DATA_DIR


class OtherText(Record):
    """A text that is no call: `train` texts are learnt from, `validation` texts set what passes for a call, `test`
    texts measure it."""

    id: str
    text: str
    kind: str
    split: Literal["train", "validation", "test"]


def load_otherworld(path: Path = DATA_DIR / "otherworld.jsonl") -> list[OtherText]:
    """All of them.

    Raises:
        DataError: a line that is none.
    """
    return list(read_lines(path, OtherText))
