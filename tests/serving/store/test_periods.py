"""Calendar arithmetic, written out by hand."""

from datetime import date

import pytest

from serving.figures.periods import Period, Span, custom, months_before, period

LATER = date(2030, 1, 1)


def days(span: Span | None) -> str:
    return f"{span.since:%y%m%d}-{span.until:%y%m%d}" if span else "none"


def shown(found: Period) -> tuple[str, str, str]:
    return days(found.span), days(found.previous), days(found.year_ago)


@pytest.mark.parametrize(
    ("kind", "day", "span", "previous", "year_ago", "label"),
    [
        ("day", date(2026, 3, 1), "260301-260302", "260228-260301", "250301-250302", "2026年3月1日"),
        ("day", date(2024, 2, 29), "240229-240301", "240228-240229", "230228-230301", "2024年2月29日"),
        ("day", date(2025, 1, 1), "250101-250102", "241231-250101", "240101-240102", "2025年1月1日"),
        # 16–22 November 2026 is ISO week 47; 52 weeks before it, Monday 17 November 2025
        (
            "week",
            date(2026, 11, 22),
            "261116-261123",
            "261109-261116",
            "251117-251124",
            "2026年第47周（11月16日至22日）",
        ),
        (
            "week",
            date(2027, 1, 1),
            "261228-270104",
            "261221-261228",
            "251229-260105",
            "2026年第53周（12月28日至1月3日）",
        ),
        ("month", date(2024, 2, 10), "240201-240301", "240101-240201", "230201-230301", "2024年2月"),
        ("month", date(2025, 2, 10), "250201-250301", "250101-250201", "240201-240301", "2025年2月"),
        ("month", date(2026, 1, 31), "260101-260201", "251201-260101", "250101-250201", "2026年1月"),
        ("month", date(2026, 12, 31), "261201-270101", "261101-261201", "251201-260101", "2026年12月"),
        ("quarter", date(2024, 3, 31), "240101-240401", "231001-240101", "230101-230401", "2024年第一季度"),
        ("quarter", date(2026, 11, 1), "261001-270101", "260701-261001", "251001-260101", "2026年第四季度"),
        ("year", date(2024, 7, 1), "240101-250101", "none", "230101-240101", "2024年"),
    ],
)
def test_whole_periods(kind: str, day: date, span: str, previous: str, year_ago: str, label: str) -> None:
    found = period(kind, day, LATER)  # type: ignore[arg-type]
    assert (*shown(found), found.label) == (span, previous, year_ago, label)
    assert found.complete


@pytest.mark.parametrize(
    ("kind", "today", "span", "previous", "year_ago", "label"),
    [
        ("month", date(2026, 11, 26), "261101-261127", "261001-261027", "251101-251127", "2026年11月1日至26日"),
        ("month", date(2026, 11, 1), "261101-261102", "261001-261002", "251101-251102", "2026年11月1日"),
        # its last day is under way: all days have come, so the whole months before are comparable
        ("month", date(2026, 11, 30), "261101-261201", "261001-261101", "251101-251201", "2026年11月"),
        ("month", date(2026, 3, 30), "260301-260331", "260201-260301", "250301-250331", "2026年3月1日至30日"),
        ("month", date(2024, 2, 28), "240201-240229", "240101-240129", "230201-230301", "2024年2月1日至28日"),
        ("week", date(2026, 11, 26), "261123-261127", "261116-261120", "251124-251128", "2026年11月23日至26日"),
        ("quarter", date(2026, 5, 31), "260401-260601", "260101-260301", "250401-250601", "2026年4月1日至5月31日"),
        ("year", date(2024, 2, 29), "240101-240301", "none", "230101-230301", "2024年1月1日至2月29日"),
        ("day", date(2026, 11, 26), "261126-261127", "261125-261126", "251126-251127", "2026年11月26日"),
    ],
)
def test_under_way(kind: str, today: date, span: str, previous: str, year_ago: str, label: str) -> None:
    found = period(kind, today, today)  # type: ignore[arg-type]
    assert (*shown(found), found.label) == (span, previous, year_ago, label)
    assert not found.complete


def test_to_come() -> None:
    found = period("month", date(2031, 5, 1), LATER)
    assert shown(found) == ("310501-310601", "310401-310501", "300501-300601")
    assert not found.complete


@pytest.mark.parametrize(
    ("since", "to", "previous", "year_ago", "label"),
    [
        (date(2026, 11, 1), date(2026, 11, 10), "261022-261101", "251101-251111", "2026年11月1日至10日"),
        (date(2024, 2, 1), date(2024, 2, 29), "240103-240201", "230201-230301", "2024年2月1日至29日"),
        (date(2024, 2, 29), date(2024, 2, 29), "240228-240229", "230228-230301", "2024年2月29日"),
        (date(2025, 12, 20), date(2026, 1, 5), "251203-251220", "241220-250106", "2025年12月20日至2026年1月5日"),
    ],
)
def test_custom(since: date, to: date, previous: str, year_ago: str, label: str) -> None:
    found = custom(since, to, LATER)
    assert (days(found.previous), days(found.year_ago), found.label) == (previous, year_ago, label)
    assert found.span == Span(since, date.fromordinal(to.toordinal() + 1))


def test_a_period_that_is_none() -> None:
    with pytest.raises(ValueError, match="1 to"):
        custom(date(2026, 11, 2), date(2026, 11, 1), LATER)
    with pytest.raises(ValueError, match="1 to"):
        custom(date(2001, 1, 1), date(2026, 11, 1), LATER)


def test_months_before() -> None:
    assert months_before(date(2026, 3, 31), 1) == date(2026, 2, 28)
    assert months_before(date(2024, 3, 31), 1) == date(2024, 2, 29)
    assert months_before(date(2026, 1, 15), 1) == date(2025, 12, 15)
    assert months_before(date(2026, 12, 1), -1) == date(2027, 1, 1)
