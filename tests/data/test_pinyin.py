"""Words by which an operator finds a code."""

from pathlib import Path

import pytest
from pypinyin import Style, pinyin

from data.pinyin import HAN, PIECES, load_terms
from data.tables import DATA_DIR, DataError
from data.taxonomy import Urgency, categories, destinations

HEAD = "code,term,pinyin\n"


def test_every_code_is_found_by_the_words_of_its_name() -> None:
    names = {code: row.name for code, row in (categories() | destinations()).items()}
    for code, name in names.items():
        first = next(term for term in load_terms() if term.code == code)
        assert first.term in name, code
    assert {term.code for term in load_terms()} == {*names, *Urgency}


def test_each_syllable_is_a_reading_of_its_character() -> None:
    for term in load_terms():
        for piece, syllable in zip(PIECES.findall(term.term), term.pinyin.split(), strict=True):
            if HAN.match(piece):
                readings = pinyin(piece, style=Style.NORMAL, heteronym=True)[0]
                assert syllable in {reading.replace("ü", "v") for reading in readings}, term


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("nowhere,漏水,lou shui", "no category, destination or urgency"),
        ("neighbour_dispute,漏水,lou", "1 syllables for 2 characters"),
        ("neighbour_dispute,漏水,lou 水", "does not read"),
        ("fire_119,119,118", "does not read"),
        ("fire_119,，,x", "0 characters"),
    ],
)
def test_broken_rows_say_what_is_wrong(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "pinyin.csv"
    path.write_text(HEAD + row + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_terms(path)


def test_a_code_without_a_word_and_a_word_twice(tmp_path: Path) -> None:
    path = tmp_path / "pinyin.csv"
    path.write_text(HEAD + "fire,火灾,huo zai\n", encoding="utf-8")
    with pytest.raises(DataError, match="has no row for"):
        load_terms(path)
    path.write_text((DATA_DIR / "pinyin.csv").read_text(encoding="utf-8") + "fire,火灾,huo zai\n", encoding="utf-8")
    with pytest.raises(DataError, match="stands already"):
        load_terms(path)
