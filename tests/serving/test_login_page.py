"""The login page in a real browser: in, on to where one wanted, and out."""

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.serving.browser import FLAGS
from tests.serving.test_serve import first_keys, served


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    state = tmp_path_factory.mktemp("state")
    with served(state) as (address, _):
        yield address, first_keys(state)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, service: tuple[str, dict[str, str]]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{service[0]}/login")
    expect(page.locator("#key")).to_be_focused()
    yield page
    context.close()
    assert [text for text in problems if "401" not in text and "429" not in text] == []


def test_in_and_out_by_keyboard(page: Page, service: tuple[str, dict[str, str]]) -> None:
    page.keyboard.type("ydt_wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("密钥无效或已撤销。")
    page.keyboard.type(service[1]["reviewer"])
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_have_text("审核员")
    expect(page.locator("#ways a").first).to_be_focused()
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    assert "ydt_session" not in page.evaluate("document.cookie")
    page.reload()
    expect(page.locator("#who")).to_have_text("审核员")
    page.click("#out")
    expect(page.locator("#key")).to_be_focused()
    page.reload()
    expect(page.locator("#form")).to_be_visible()


@pytest.mark.parametrize(("wanted", "path"), [("/console", "/console"), ("//evil.example", "/login")])
def test_on_to_where_one_wanted(page: Page, service: tuple[str, dict[str, str]], wanted: str, path: str) -> None:
    page.goto(f"{service[0]}/login?next={wanted}")
    page.fill("#key", service[1]["operator"])
    page.keyboard.press("Enter")
    if path == "/login":
        expect(page.locator("#who")).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape(service[0] + path) + "($|[?])"))


def test_a_page_with_a_session_acts_without_a_key(page: Page, service: tuple[str, dict[str, str]]) -> None:
    page.fill("#key", service[1]["operator"])
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_be_visible()
    status = page.evaluate("""async () => {
        const { request } = await import("/static/common.js");
        return (await request("/v1/classify", { method: "POST", body: { text: "楼上漏水" } })).status;
    }""")
    assert status == 200


def test_whoever_is_locked_out_reads_how_long(page: Page) -> None:
    for _ in range(6):
        page.fill("#key", "ydt_wrong")
        with page.expect_response("**/v1/sessions"):
            page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text(re.compile("^试错或请求过多，请 [0-9]+ 秒后再试。$"))
    page.route("**/v1/sessions", lambda route: route.fulfill(status=429, headers={"Retry-After": "600"}, body="{}"))
    page.fill("#key", "ydt_wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("试错或请求过多，请 10 分钟后再试。")
