"""What many tests share: the bundled suggester, and the labels of an even reading."""

import shutil
from pathlib import Path

import pytest

from data.corpus import CORPUS_DIR
from data.records import Call
from model.suggest import Suggester


@pytest.fixture(scope="session")
def suggester() -> Suggester:
    """The bundled release at work."""
    found = Suggester()
    assert not found.problems
    return found


@pytest.fixture(scope="session")
def some_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every ninth part of the corpus, seven thousand items: read in a ninth of the time."""
    folder = tmp_path_factory.mktemp("parts")
    for part in sorted(CORPUS_DIR.glob("*.jsonl"))[::9]:
        shutil.copy(part, folder)
    return folder


def said(text: str, **fields: object) -> Call:
    """A call of one block."""
    return Call.model_validate({"text": text} | fields)
