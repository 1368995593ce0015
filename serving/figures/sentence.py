"""The sentence the leadership reads. Where there is nothing to compare with, it says so and shows no percentage."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from data.gazetteer import CITY_NAMES
from data.taxonomy import destinations
from serving.figures.counts import Counts, Sums
from serving.figures.periods import Period

NAMED_DESTINATIONS = 3


def percent(part: int, whole: int) -> str:
    """A share with one decimal, rounded half up: `17.8%`."""
    return f"{_tenths(Decimal(part) * 100 / Decimal(whole))}%"


def _tenths(number: Decimal) -> Decimal:
    return number.quantize(Decimal("0.1"), ROUND_HALF_UP)


def moved(now: int, before: Sums | None, measure: str) -> str:
    """`下降5.2%`, `持平`, or why there is no percentage."""
    if before is None or not before["calls"]:
        return "无可比数据"
    then = before[measure]
    if now == then:
        return "持平"
    if not then:
        return "不可比（基数为0）"
    change = _tenths(Decimal(abs(now - then)) * 100 / Decimal(then))
    if not change:
        return "基本持平"
    return f"{'上升' if now > then else '下降'}{change}%"


def sentence(period: Period, city: str | None, channel: str | None, spans: Mapping[str, Counts]) -> str:
    """The figures of `spans["now"]`, against `previous` (where the period has one) and `year_ago`."""
    now = spans["now"]
    where = f"{CITY_NAMES.get(city, city)}市" if city else ""
    line = f"{channel}" if channel else ""
    if not now.total["calls"]:
        return f"{where}{period.label}{line}未接报来电。"
    effective, diverted = now.total["effective"], now.total["diverted"]
    said = f"{where}{period.label}{line}共接报有效警情{effective}起{_changes(spans, 'effective')}"
    said += f"；分流非警务{diverted}件{_changes(spans, 'diverted') if diverted else ''}"
    said += f"，分流率{percent(diverted, now.total['calls'])}"
    parts = sorted(((sums["diverted"], code) for code, sums in now.by("destination").items()), reverse=True)
    named = [f"{name(code)}{number}件" for number, code in parts[:NAMED_DESTINATIONS] if number]
    return said + (f"，其中{'、'.join(named)}。" if named else "。")


def _changes(spans: Mapping[str, Counts], measure: str) -> str:
    said = []
    for word, span in (("环比", "previous"), ("同比", "year_ago")):
        if span in spans:
            said.append(f"{word}{moved(spans['now'].total[measure], spans[span].total, measure)}")
    return "，" + "，".join(said)


def name(destination: str) -> str:
    """A destination's name without what stands in brackets."""
    known = destinations().get(destination)
    return known.name.partition("（")[0] if known else destination
