"""Plain writing: simplified characters and half-width letters, one for one, so that offsets stay."""

from functools import cache

from data.tables import DATA_DIR, read_text

FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF10, 0xFF5B) if chr(code).isalnum()}


@cache
def _simplified() -> dict[int, str]:
    pairs = (line.split() for line in read_text(DATA_DIR / "traditional.txt").splitlines() if line[:1] not in ("", "#"))
    return FULL_WIDTH | {ord(traditional): simple for traditional, simple in pairs}


def simplify(text: str) -> str:
    """Simplified characters for traditional ones (OpenCC's table) and half-width letters and digits for others.

    One for one, so that offsets stay.
    """
    return text.translate(_simplified())
