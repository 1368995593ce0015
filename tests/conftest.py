"""What many tests share: the bundled suggester, and the labels of an even reading."""

import pytest

from data.records import Call
from model.suggest import Suggester


@pytest.fixture(scope="session")
def suggester() -> Suggester:
    """The bundled release at work."""
    found = Suggester()
    assert not found.problems
    return found


def said(text: str, **fields: object) -> Call:
    """A call of one block."""
    return Call.model_validate({"text": text} | fields)
