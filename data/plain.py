"""Plain writing: simplified characters and half-width letters, one for one, so that offsets stay."""

import unicodedata
from functools import cache

from data.tables import DATA_DIR, read_text

FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF10, 0xFF5B) if chr(code).isalnum()}
# Radicals (⼑) and compatibility ideographs: the picture of a character under another number.
TWINS = (*range(0x2E80, 0x2FE0), *range(0xF900, 0xFB00), *range(0x2F800, 0x2FA20))


@cache
def _simplified() -> dict[int, str]:
    pairs = (line.split() for line in read_text(DATA_DIR / "traditional.txt").splitlines() if line[:1] not in ("", "#"))
    simple = {ord(traditional): simple for traditional, simple in pairs}
    twins = {code: unicodedata.normalize("NFKC", chr(code)).translate(simple) for code in TWINS}
    return FULL_WIDTH | twins | simple


def simplify(text: str) -> str:
    """Simplified characters for traditional ones (OpenCC's table) and half-width letters and digits for others.

    A radical or compatibility ideograph becomes the character that it looks like. One for one, so that offsets stay.
    """
    return text.translate(_simplified())
