"""The figures page in a real browser, over a database with a known quarter."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from playwright.sync_api import Browser, Page, expect

from serving.store.entries import Happened
from serving.store.store import Store
from tests.serving.store.made import ANNA, decided, reviewed, suggested
from tests.serving.test_serve import first_keys, served

HOSTILE = "<img src=x onerror=alert(1)>镇"
SEPTEMBER = "period=month&day=2025-09-15"


def entries() -> list[Any]:
    """August and September 2025: thefts, leaks that were passed on, one returned, some reviewed as noise."""
    found: list[Any] = []
    for month, thefts, leaks in ((8, 10, 5), (9, 8, 7)):
        for number in range(thefts + leaks):
            at, theft = datetime(2025, month, 2 + number, 1 + number % 12, tzinfo=UTC), number < thefts
            shown = suggested(f"m{month}-{number}", at=at, category="theft" if theft else "neighbour_dispute",
                              destination="police_station" if theft else "grassroots_platform", confident=number % 5 > 0,
                              location={"text": "", "district": "诸暨市", "town": HOSTILE if theft else "牌头镇"})  # fmt: skip
            found += [
                shown,
                decided(shown, at=at + timedelta(seconds=20 + number), consent="not_asked" if theft else "given"),
            ]
    found.append(Happened(by=ANNA, call_id="m9-14", status="returned", owner="department", reason="不属职责"))
    found += [reviewed(f"m9-{number}", verdict="correct", category="noise") for number in (12, 13)]
    found.append(reviewed("m9-11"))
    return found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    state = tmp_path_factory.mktemp("state")
    store = Store(f"sqlite:///{state}/calls.db")
    store.migrate()
    store.apply(entries())
    store.close()
    with served(state) as (address, _):
        yield address, first_keys(state)["reviewer"]


@pytest.fixture(scope="module")
def page(browser: Browser, service: tuple[str, str]) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, locale="zh-CN", permissions=["clipboard-read", "clipboard-write"]
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.goto(f"{service[0]}/figures?{SEPTEMBER}#key={service[1]}")
    ready(page)
    yield page
    context.close()
    assert problems == []  # nor anything that the content policy had to stop


@pytest.fixture(scope="module")
def stats(service: tuple[str, str]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {service[1]}"}
    return dict(httpx.get(f"{service[0]}/v1/stats?{SEPTEMBER}", headers=headers, timeout=30).json())


def ready(page: Page) -> None:
    page.wait_for_selector("html[data-ready=yes]")


def painted(page: Page, chart: str) -> int:
    """How many colours a chart shows."""
    code = f"""() => {{ const c = document.querySelector("#{chart} canvas");
        return new Set(new Uint32Array(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer)).size }}"""
    return int(page.evaluate(code))


def test_the_page_shows_the_figures_of_the_api(page: Page, stats: dict[str, Any]) -> None:
    assert stats["now"]["calls"] == 15
    assert stats["now"]["effective"] == 8 + 2
    for measure in ("calls", "effective", "diverted", "again"):
        expect(page.locator(f"#now-{measure}")).to_have_text(f"{stats['now'][measure]:,}")
    for rate in ("diversion_rate", "override_rate", "return_rate", "unsure_rate", "refusal_rate"):
        expect(page.locator(f"#now-{rate}")).to_have_text(f"{stats['now'][rate] * 100:.1f}%")
    expect(page.locator("#now-decision_seconds")).to_have_text(f"{stats['times']['decision_seconds']['median']} 秒")
    expect(page.locator("#sentence")).to_have_text(stats["sentence"])
    rows = page.locator("#category tbody tr").all_inner_texts()
    shown = {row.split("\t")[0]: int(row.split("\t")[1]) for row in rows}
    assert shown == {part["name"]: part["calls"] for part in stats["by"]["category"]}
    assert painted(page, "course") > 10
    assert painted(page, "hours") > 10


def test_hostile_names_are_only_text(page: Page) -> None:
    expect(page.locator("#town")).to_contain_text(HOSTILE)
    assert page.locator("#town img").count() == 0


def test_the_sentence_is_copied(page: Page, stats: dict[str, Any]) -> None:
    page.keyboard.press("c")
    expect(page.locator("#status")).to_have_text("已复制")
    assert page.evaluate("navigator.clipboard.readText()") == stats["sentence"]


def test_drill_down_to_the_calls_of_a_confusion(page: Page) -> None:
    page.locator("#confusions button", has_text="邻里纠纷 → 生活与商业噪声").click()
    expect(page.locator("#calls-list tr.call")).to_have_count(2)
    page.locator("#calls-list tr.call button").first.click()
    expect(page.locator("#calls-list tr.said")).to_contain_text("楼上漏水")
    page.keyboard.press("Escape")
    expect(page.locator("#calls")).to_be_hidden()
    page.locator("#matrix td.other button").click()
    expect(page.locator("#calls-list tr.call")).to_have_count(2)
    page.keyboard.press("Escape")
    page.locator("#category button", has_text="盗窃").click()
    expect(page.locator("#calls-list tr.call")).to_have_count(8)
    page.keyboard.press("Escape")


def test_downloads(page: Page, stats: dict[str, Any], tmp_path: Path) -> None:
    for ending in ("csv", "xlsx"):
        with page.expect_download() as started:
            page.click(f"#{ending}")
        assert started.value.suggested_filename == f"yidiantong-20250901-20250930.{ending}"
        started.value.save_as(tmp_path / f"figures.{ending}")
    rows = list(csv.reader(io.StringIO((tmp_path / "figures.csv").read_text(encoding="utf-8-sig"))))
    assert ["摘要", stats["sentence"]] in rows
    book = openpyxl.load_workbook(tmp_path / "figures.xlsx")
    assert book["概况"]["A1"].value == "期间"


def test_periods_by_key_and_reload(page: Page) -> None:
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#label")).to_have_text("2025年8月")
    page.keyboard.press("4")
    expect(page.locator("#label")).to_have_text("2025年第三季度")
    page.reload()
    ready(page)
    expect(page.locator("#label")).to_have_text("2025年第三季度")
    expect(page.locator("#now-calls")).to_have_text("30")
    page.keyboard.press("6")
    expect(page.locator("#since")).to_have_value("2025-07-01")
    page.locator("#to").fill("2025-08-31")
    expect(page.locator("#now-calls")).to_have_text("15")
    page.select_option("#channel", "12345")
    expect(page.locator("#sentence")).to_have_text("2025年7月1日至8月31日12345未接报来电。")
    page.select_option("#channel", "")
    page.keyboard.press("Escape")


def test_dark_and_print(page: Page) -> None:
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator("header")).to_be_hidden()
    expect(page.locator("#sentence")).to_be_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.emulate_media(media="screen", color_scheme="light")


def test_without_a_key_it_asks_for_one(browser: Browser, service: tuple[str, str]) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{service[0]}/figures?{SEPTEMBER}")
    page.fill("#key", service[1])
    page.keyboard.press("Enter")
    expect(page.locator("#now-calls")).to_have_text("15", timeout=30_000)
    context.close()
