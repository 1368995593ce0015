"""Numbers as people say them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.numerals import LARGEST, number


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("五千多", "5000+"), ("12万", "120000"), ("三千五", "3500"), ("三千零五", "3005"), ("一万二", "12000"), ("七八百", "700-800"),
        ("二十几", "20+"), ("十几", "10+"), ("两三", "2-3"), ("上万", "10000+"), ("几千", "1000+"), ("1,200", "1200"), ("三点五万", "35000"),
        ("一百二十万", "1200000"), ("两万五千六", "25600"), ("一百零八", "108"), ("十", "10"), ("二亿", "200000000"),
    ],
)  # fmt: skip
def test_numbers(words: str, value: str) -> None:
    assert str(number(words)) == value


@pytest.mark.parametrize("words", ["", "几", "多", "没有", "点", "三点", "万点五", "9" * 40])
def test_what_is_no_number(words: str) -> None:
    assert number(words) is None


@given(st.integers(1, 9), st.integers(0, 9))
def test_every_round_number_reads_back(thousands: int, hundreds: int) -> None:
    numerals = "零一二三四五六七八九"
    words = numerals[thousands] + "千" + (numerals[hundreds] + "百" if hundreds else "")
    assert str(number(words)) == str(1000 * thousands + 100 * hundreds)


@given(st.text("零一二两三四五六七八九十百千万亿几多点.,0123456789w", max_size=20))
def test_nothing_raises(words: str) -> None:
    said = number(words)
    assert said is None or 0 <= said.low <= said.high <= LARGEST
