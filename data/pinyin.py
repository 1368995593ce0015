"""What an operator types to find a category, a destination or an urgency: words with their pinyin (`pinyin.csv`)."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo, field_validator

from data.tables import DATA_DIR, DataError, Row, load_table
from data.taxonomy import Urgency, categories, destinations

PIECES = re.compile("[\u3400-\u9fff]|[A-Za-z0-9]+")
HAN = re.compile("[\u3400-\u9fff]")
SYLLABLE = re.compile("[a-z]{1,6}")


def known_code(code: str) -> str:
    """`code` if it is a category, a destination or an urgency; `ValueError` otherwise."""
    if code not in categories() and code not in destinations() and code not in set(Urgency):
        raise ValueError(f"{code!r} is no category, destination or urgency")
    return code


class Term(Row):
    """A word for a code. `pinyin` has one syllable a character; letters and digits stand as they are."""

    code: Annotated[str, AfterValidator(known_code)]
    term: str
    pinyin: str

    @field_validator("pinyin")
    @classmethod
    def _reads_the_term(cls, pinyin: str, info: ValidationInfo) -> str:
        pieces, read = PIECES.findall(info.data.get("term", "")), pinyin.split(" ")
        if not pieces or len(pieces) != len(read):
            raise ValueError(f"has {len(read)} syllables for {len(pieces)} characters")
        for piece, syllable in zip(pieces, read, strict=True):
            if not (SYLLABLE.fullmatch(syllable) if HAN.match(piece) else syllable == piece.lower()):
                raise ValueError(f"{syllable!r} does not read {piece!r}")
        return pinyin


@cache
def load_terms(path: Path = DATA_DIR / "pinyin.csv") -> tuple[Term, ...]:
    """All words, each code's own name first.

    Raises:
        DataError: an unknown code, a reading that does not fit, a word twice, a code without a word.
    """
    terms = tuple(load_table(path, Term, key=lambda row: (row.code, row.term)))
    found = {term.code for term in terms}
    for code in (*categories(), *destinations(), *Urgency):
        if code not in found:
            raise DataError(path, 1, "code", f"has no row for {code}")
    return terms
