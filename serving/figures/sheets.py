"""The figures as tables to take away. Names come from calls, so a cell that a spreadsheet would run is made text."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from serving.figures.records import RATES, Change, Measures, Quantiles, Slice, Stats
from serving.store.schema import LOCAL

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RUNS = tuple("=+-@\t\r\n|%＝＋－＠")
Cell = str | int | float | None
Table = tuple[str, Sequence[Sequence[Cell]]]
MEASURE_NAMES = {
    "calls": "来电",
    "effective": "有效警情",
    "non_police": "非警务",
    "invalid": "无效",
    "diverted": "分流量",
    "unsure": "把握不足",
    "again": "重复来电",
    "decided": "已处理",
    "overrode": "坐席改派",
    "handed_on": "交办",
    "returned": "退单",
    "asked": "征询同意",
    "given": "同意转办",
    "refused": "不同意转办",
    "effective_rate": "有效警情占比",
    "diversion_rate": "分流率",
    "unsure_rate": "把握不足率",
    "again_rate": "重复来电率",
    "override_rate": "改派率",
    "return_rate": "退单率",
    "refusal_rate": "不同意率",
}
DIMENSION_NAMES = {
    "category": "类别",
    "group": "大类",
    "destination": "去向",
    "track": "流转方式",
    "town": "镇街",
    "hour": "时段",
}
SLICED = ("calls", "effective", "diverted", "unsure", "decided", "overrode", "handed_on", "returned")
SLICE_COLUMNS = {name: MEASURE_NAMES[name] for name in SLICED} | {"previous": "上期来电", "year_ago": "去年同期来电"}


def safe(cell: Cell) -> Cell:
    """Text that begins like a formula behind an apostrophe, control characters left out; numbers as they are."""
    if not isinstance(cell, str):
        return cell
    text = ILLEGAL_CHARACTERS_RE.sub("", cell)
    return f"'{text}" if text.lstrip().startswith(RUNS) or text.startswith(RUNS) else text


def tables(stats: Stats) -> Iterator[Table]:
    """Every table with its title: the summary, the course, each dimension, the confusions."""
    yield "概况", [*_head(stats), *_measures(stats), *_times(stats)]
    step = "月份" if stats.step == "month" else "日期"
    course = [[p.start.isoformat(), p.calls, p.effective, p.diverted, p.previous_effective, p.previous_diverted]
              for p in stats.course]  # fmt: skip
    yield "走势", [[step, "来电", "有效警情", "分流量", "上期有效警情", "上期分流量"], *course]
    for dimension, slices in stats.by.items():
        head: list[Cell] = ["代码", DIMENSION_NAMES[dimension], "归属", *SLICE_COLUMNS.values()]
        yield f"按{DIMENSION_NAMES[dimension]}", [head, *map(_slice, slices)]
    cells = [[c.suggested_name, c.reviewed_name, c.calls, "一致" if c.suggested == c.reviewed else "不一致"]
             for c in stats.confusion.cells]  # fmt: skip
    yield "建议与复核", [["建议类别", "复核类别", "件数", "是否一致"], *cells]


def _head(stats: Stats) -> list[list[Cell]]:
    spans = [("本期", stats.span), ("上期", stats.previous_span), ("去年同期", stats.year_ago_span)]
    dated: list[list[Cell]] = [[name, f"{span.since}至{span.to}"] for name, span in spans if span]
    scope: list[list[Cell]] = [["城市", stats.city or "全部"], ["来源", stats.channel or "110、12345"]]
    made = f"{stats.as_of.astimezone(LOCAL):%Y-%m-%d %H:%M}"
    return [["期间", stats.label], *dated, *scope, ["统计时间", made], ["摘要", stats.sentence], []]


def _measures(stats: Stats) -> Iterator[list[Cell]]:
    yield ["指标", "本期", "上期", "去年同期", "环比", "同比"]
    for name, title in MEASURE_NAMES.items():
        moved = stats.change.get(name, Change(previous=None, year_ago=None))
        found = [_value(part, name) for part in (stats.now, stats.previous, stats.year_ago)]
        yield [title, *found, _round(moved.previous), _round(moved.year_ago)]
    yield ["注：率的环比、同比为差值（0.01即1个百分点），其余为变化率（0.05即上升5%）"]


def _value(part: Measures | None, name: str) -> Cell:
    value: float | None = getattr(part, name) if part else None
    return _round(value) if name in RATES else value


def _times(stats: Stats) -> Iterator[list[Cell]]:
    yield []
    yield ["用时", "中位数", "95分位", "上期中位数", "上期95分位"]
    for name, title in (("suggestion_ms", "建议用时（毫秒）"), ("decision_seconds", "处理用时（秒）")):
        now: Quantiles = getattr(stats.times, name)
        then: Quantiles | None = getattr(stats.previous_times, name) if stats.previous_times else None
        yield [title, now.median, now.p95, then.median if then else None, then.p95 if then else None]


def _slice(found: Slice) -> list[Cell]:
    return [found.value, found.name, found.within, *(getattr(found, name) for name in SLICE_COLUMNS)]


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def as_csv(stats: Stats) -> bytes:
    """All tables below one another, each under its title; Excel reads it as UTF-8 by its mark."""
    file = io.StringIO()
    writer = csv.writer(file)
    for title, rows in tables(stats):
        writer.writerow([f"【{title}】"])
        writer.writerows(map(_line, rows))
        writer.writerow([])
    return file.getvalue().encode("utf-8-sig")


def _line(row: Iterable[Cell]) -> list[Cell]:
    return [safe(cell) for cell in row]


def as_xlsx(stats: Stats) -> bytes:
    """A workbook with a sheet for each table."""
    book = Workbook(write_only=True)
    for title, rows in tables(stats):
        sheet = book.create_sheet(title)
        sheet.column_dimensions["A"].width = sheet.column_dimensions["B"].width = 24
        for row in rows:
            sheet.append(_line(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
