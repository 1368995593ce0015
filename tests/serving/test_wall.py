"""The wall: what is on it, for whom, and the page in a real browser."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from serving import wall
from serving.problems import Problem
from serving.settings import Settings
from serving.wall import Card, Named, Wall
from tests.serving.browser import FLAGS
from tests.serving.test_live_service import QUICK, on_line, say
from tests.serving.test_serve import first_keys, served


def card(call_id: str, **fields: Any) -> Card:
    values: dict[str, Any] = {
        "call_id": call_id, "city": "hangzhou", "channel": "110", "began": 1.0, "label": "police", "category":
        Named(code="theft", name="盗窃"), "urgency": "routine_onsite", "destination":
        Named(code="police_station", name="派出所·巡特警"), "unit": None, "confident": True, "settled": True, "changed": False,
    }  # fmt: skip
    return Card.model_validate(values | fields, strict=False)


def events(pending: dict[str, str]) -> list[tuple[str, Any]]:
    found = []
    for text in pending.values():
        name, data = text.strip().split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_a_slow_viewer_is_owed_the_newest_of_each_call_only() -> None:
    shown = Wall(Settings())
    with shown.watched(None) as viewer:
        for number in range(1000):
            shown.show(card("a", unit=str(number)))
        shown.show(card("b"))
        shown.remove("a")
        shown.remove("never there")
        assert events(viewer.pending)[0] == ("gone", {"call_id": "a"})
        assert [name for name, _ in events(viewer.pending)] == ["gone", "call"]


def test_what_is_the_same_is_not_told_again_and_a_change_is_not_lost() -> None:
    shown = Wall(Settings())
    shown.show(card("a", changed=True))
    with shown.watched(None) as viewer:
        assert events(viewer.pending)[0][1]["changed"] is False  # it is what is up, not news
        viewer.pending.clear()
        shown.show(card("a"))
        assert viewer.pending == {}
        shown.show(card("a", urgency="urgent"))
        assert events(viewer.pending)[0][1]["urgency"] == "urgent"


def test_a_city_sees_its_own_and_places_are_bounded() -> None:
    shown = Wall(Settings(wall_viewers=1))
    shown.show(card("a", city="ningbo"))
    shown.show(card("b"))
    with shown.watched("ningbo") as viewer:
        shown.remove("b")
        assert [data["call_id"] for _, data in events(viewer.pending)] == ["a"]
        with pytest.raises(Problem) as refused, shown.watched(None):
            pass
        assert refused.value.status == 429
    with shown.watched(None) as viewer:
        assert len(viewer.pending) == 1


def test_a_quiet_wall_hears_a_heartbeat_until_it_may_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall, "HEARTBEAT", 0.01)

    async def listen() -> list[str]:
        heard: list[str] = []
        with Wall(Settings()).watched(None) as viewer:
            async for event in wall._stream(viewer, lambda: len(heard) < 3):
                heard.append(event)
        return heard

    assert asyncio.run(listen()) == ["retry: 2000\n\n", ": heartbeat\n\n", ": heartbeat\n\n"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert [text for text in problems if "401" not in text] == []


def test_the_page_shows_the_gravest_call_first_and_calls_come_and_go(page: Page, tmp_path: Path) -> None:
    with served(tmp_path, **QUICK) as (address, _):
        keys = first_keys(tmp_path)
        page.goto(f"{address}/wall")
        expect(page.locator("#state")).to_have_text("请填写密钥")
        page.fill("#key", keys["reviewer"])
        page.keyboard.press("Enter")
        expect(page.locator("#empty")).to_be_visible()
        with on_line(address, tmp_path, "calm") as calm, on_line(address, tmp_path, "grave") as grave:
            say(calm, "我停在菜场门口的电瓶车被偷了，下午去买菜回来就不见了")
            expect(page.locator("article")).to_have_count(1)
            say(grave, "<b>他拿刀</b>在楼下砍人")
            first = page.locator("article").first
            expect(first).to_have_attribute("data-level", "emergency")
            expect(first).to_have_attribute("data-call", "grave")
            expect(page.locator("#emergency")).to_have_text("紧急危险 1")
            assert "刀" not in page.content()
            grave.send('{"type": "end"}')
            expect(page.locator("article")).to_have_count(1)
        page.goto("about:blank")
