"""The page in a real browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from serving.keys import KeyRing, Role
from serving.pages import samples
from tests.serving.browser import opened


@pytest.fixture
def address(site: tuple[str, dict[str, str]]) -> str:
    return f"{site[0]}/#key={site[1]['operator']}"


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address, expected=("401", "429")) as page:
        yield page


def test_the_key_leaves_the_address(page: Page, address: str) -> None:
    assert "#key" not in page.url
    assert page.locator("#key").input_value() == address.partition("#key=")[2]


def test_a_typed_call_by_keyboard_alone(page: Page, tmp_path: Path) -> None:
    page.keyboard.type("我在西湖区古荡，楼上漏水，物业不管，想有人来看看")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#destination")).to_have_text("镇街基层治理四平台（社会治理中心）")
    expect(page.locator("#unit")).to_have_text("古荡街道社会治理中心")
    expect(page.locator("#consent")).to_contain_text("古荡街道社会治理中心")
    expect(page.locator("#transcript mark").first).to_be_visible()


@pytest.mark.parametrize("number", range(len(samples())))
def test_every_sample(page: Page, number: int) -> None:
    page.select_option("#sample", str(number))
    expect(page.locator("#suggestion")).to_be_visible()
    expect(page.locator("#status")).to_be_empty()


def test_danger_is_unmistakable(page: Page) -> None:
    page.select_option("#sample", label="持刀（紧急）")
    expect(page.locator("#verdict")).to_have_attribute("data-level", "emergency")
    expect(page.locator("#consent")).to_have_text("不需征询")
    expect(page.locator("mark.flag").first).to_be_visible()


def test_a_dialogue_is_sent_as_turns_and_the_city_counts(page: Page) -> None:
    page.fill("#text", "坐席：您好，请讲\n来电：诸暨牌头这边，楼上漏水，物业不管，想有人来看看")
    page.select_option("#city", "shaoxing")
    with page.expect_request("**/v1/classify") as sent:
        page.click("#go")
    body = json.loads(sent.value.post_data or "")
    assert [turn["speaker"] for turn in body["turns"]] == ["operator", "caller"]
    expect(page.locator("#location")).to_contain_text("牌头镇")


def test_no_city_is_sent_that_nobody_chose(
    browser: Browser, site: tuple[str, dict[str, str]], site_state: Path
) -> None:
    _, secret = KeyRing(site_state / "keys.json").create(Role.OPERATOR, city="shaoxing")
    with opened(browser, f"{site[0]}/#key={secret}", expected=("403",)) as page:
        page.fill("#text", "诸暨牌头这边，楼上漏水，物业不管，想有人来看看")
        with page.expect_request("**/v1/classify") as sent:
            page.click("#go")
        assert "city" not in json.loads(sent.value.post_data or "")
        expect(page.locator("#unit")).to_have_text("牌头镇社会治理中心")
        page.select_option("#city", "hangzhou")
        page.click("#go")
        expect(page.locator("#status")).to_have_text("这个密钥没有权限。")


def test_too_many_requests_say_how_long_to_wait(page: Page) -> None:
    page.route("**/v1/classify", lambda route: route.fulfill(status=429, headers={"Retry-After": "7"}, body="{}"))
    page.fill("#text", "楼上漏水")
    page.click("#go")
    expect(page.locator("#status")).to_have_text("请求过多，请 7 秒后再试。")


def test_hostile_text_is_only_text(page: Page) -> None:
    page.fill("#text", "<img src=x onerror=alert(1)><script>alert(2)</script> 楼上漏水")
    page.click("#go")
    expect(page.locator("#transcript")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("#transcript img").count() == 0


def test_nothing_typed_and_a_wrong_key(page: Page) -> None:
    page.click("#go")
    expect(page.locator("#status")).to_have_text("请先输入来电内容。")
    page.fill("#key", "wrong")
    page.fill("#text", "楼上漏水")
    page.click("#go")
    expect(page.locator("#status")).to_have_text(re.compile("密钥无效"))
