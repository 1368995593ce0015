"""Numbers as people say them: 五千多, 三千五, 12万, 七八百, 二十几."""

import re
from dataclasses import dataclass

DIGITS = {char: number % 10 for number, char in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
    "俩": 2,
    "仨": 3,
    "幺": 1,
}
UNITS = {"十": 10, "百": 100, "千": 1000}
BIG = {"万": 10**4, "w": 10**4, "W": 10**4, "亿": 10**8}
HAN_NUMBER = "[零〇一二两三四五六七八九十百千万亿几]"
NUMBER = (
    r"(?:[0-9][0-9,]{0,12}(?:\.[0-9]{1,2})?[十百千万亿wW]{0,2}"
    rf"|{HAN_NUMBER}{{1,12}}(?:点{HAN_NUMBER}{{1,2}}[万亿千])?)"
)
MORE = "(?:多|来|余|几)"
_RANGE = re.compile(r"([一二两三四五六七八九])([二两三四五六七八九])(?=[十百千万亿]|$)")
_ARABIC = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?)([十百千万亿wW]{0,2})$")
_OPEN = re.compile("[多来余几]")
LARGEST = 10**12


@dataclass(frozen=True)
class Said:
    """A number from `low` to `high`; `more`: and some more (五千多)."""

    low: float
    high: float
    more: bool = False

    def __str__(self) -> str:
        low, high = _plain(self.low), _plain(self.high)
        return f"{low}-{high}" if low != high else low + ("+" if self.more else "")

    def __add__(self, other: "Said") -> "Said":
        return Said(self.low + other.low, self.high + other.high, self.more or other.more)


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.2f}".rstrip("0")


def number(words: str) -> Said | None:
    """The number that `words` (digits, numerals, 多 and 几 in them) say; None when they say none."""
    more = bool(_OPEN.search(words))
    if words in (
        "上万",
        "上千",
        "上百",
        "几千",
        "几百",
        "几万",
        "几十",
        "好几千",
        "好几百",
        "好几万",
        "几十万",
        "上百万",
    ):
        more, words = True, "一" + words.lstrip("好上几")
    plain = _OPEN.sub("", words)
    if match := _ARABIC.match(plain):
        value = float(match.group(1).replace(",", ""))
        for unit in match.group(2):
            value *= UNITS.get(unit) or BIG[unit]
        return Said(value, value, more) if value <= LARGEST else None
    if span := _RANGE.search(plain):
        low = _numerals(plain[: span.start(2)] + plain[span.end(2) :])
        high = _numerals(plain[: span.start(1)] + plain[span.end(1) :])
        if low is not None and high is not None and low < high:
            return Said(low, high)
    value_or_none = _numerals(plain)
    return None if value_or_none is None or value_or_none > LARGEST else Said(value_or_none, value_or_none, more)


def _numerals(words: str) -> float | None:
    whole, dot, part = words.partition("点")
    if dot and set(whole) <= set("万千百亿"):
        return None
    if dot:
        tail = re.match(r"([零〇一二两三四五六七八九]+)([万亿千]?)$", part)
        head = _numerals(whole)
        if tail is None or head is None:
            return None
        fraction = float("0." + "".join(str(DIGITS[char]) for char in tail.group(1)))
        return (head + fraction) * (BIG.get(tail.group(2)) or UNITS.get(tail.group(2)) or 1)
    if not words or re.fullmatch(rf"{HAN_NUMBER}+", words) is None:
        return None
    if all(char in DIGITS for char in words):
        return float("".join(str(DIGITS[char]) for char in words))
    total, section, digit, last = 0.0, 0.0, None, 1
    for char in words:
        if char in DIGITS:
            digit = DIGITS[char]
            last = 0 if char in "零〇" else last
        elif char in UNITS:
            section += (1 if digit is None else digit) * UNITS[char]
            digit, last = None, UNITS[char]
        elif char in BIG:
            total = (
                (total + section + (digit or 0)) * BIG[char]
                if char == "亿"
                else total + (section + (digit or 0) or 1) * BIG[char]
            )
            section, digit, last = 0.0, None, BIG[char]
    # 三千五 is 3,500 and 一万二 is 12,000, but 三千零五 is 3,005.
    return total + section + (digit or 0) * (last // 10 if last >= 100 else 1)
