"""The operator's page in a real browser: whole calls by keyboard alone."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, WebSocketRoute, expect

from serving.keys import KeyRing, Role
from serving.pages import samples
from tests.serving.browser import VIEW, Wire, log_in, log_out, opened

Site = tuple[str, dict[str, str]]
THEFT = "我停在西湖区古荡街道莲花小区楼下的电瓶车被偷了，红颜色雅迪的"
LEAK = "我住西湖区古荡街道，楼上漏水，找他不开门，物业也不管，想有人来看看"
KNIFE = "快来人，瓜沥夜市两个男的打起来了，一个拿着水果刀，有人胳膊在流血"
LOST_CHILD = "我家孩子走丢了，五岁，找了半个小时"
UNSURE = "我想问个事情"
LOST = ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_SOCKET_NOT_CONNECTED", "WebSocket connection")


@pytest.fixture
def wire(site: Site) -> Iterator[Wire]:
    wire = Wire(site[0])
    yield wire
    wire.close()


@pytest.fixture
def page(browser: Browser, site: Site, wire: Wire, request: pytest.FixtureRequest) -> Iterator[Page]:
    query = getattr(request, "param", "")
    with opened(browser, f"{wire.address}/console{query}#key={site[1]['operator']}", LOST) as page:
        page.wait_for_selector("html[data-ready]")
        yield page


def write(page: Page, *turns: str) -> None:
    """Types a call, turn by turn, and leaves the field."""
    page.keyboard.press("t")
    expect(page.locator("#said")).to_be_focused()
    for turn in turns:
        page.keyboard.type(turn)
        page.keyboard.press("Enter")
    page.keyboard.press("Escape")


def say(page: Page, *turns: str) -> None:
    """Types a call, and waits until it is understood."""
    write(page, *turns)
    understood(page)


def hears(page: Page, text: str) -> None:
    """The caller goes on, whatever lies over the page meanwhile."""
    page.evaluate(
        "(text) => { const { store, desk } = window.yidiantong; const { id, turns } = store.active();"
        " desk.hear(id, { turn: turns.length, speaker: 'caller', text }); }",
        text,
    )
    understood(page)


def understood(page: Page) -> None:
    """Waits until a suggestion for everything that was said has come."""
    page.wait_for_function(
        "() => { const { store, desk } = window.yidiantong; const call = store.active();"
        " return call.suggestion?.revision >= desk.line(call.id).said() && !call.turns.some((turn) => turn.partial); }"
    )
    page.evaluate("() => new Promise((done) => setTimeout(done, 30))")


def find(page: Page, typed: str) -> None:
    """Overrides by typing."""
    page.keyboard.press("g")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    expect(page.locator("#finder")).to_be_hidden()


def decide(page: Page, *keys: str) -> dict[str, Any]:
    """What is sent when the keys are pressed, after the service has taken it."""
    with page.expect_request("**/decision") as sent:
        for key in keys:
            page.keyboard.press(key)
    expect(page.locator("#step")).to_have_attribute("data-kind", "sent")
    return body(sent.value)


def body(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.post_data or "")
    return found


def step(page: Page) -> Any:
    return expect(page.locator("#step"))


def test_a_police_call_is_accepted_with_one_key(page: Page) -> None:
    say(page, THEFT)
    expect(page.locator("#police")).to_have_text("警务")
    expect(page.locator("#destination")).to_have_text("派出所·巡特警")
    expect(page.locator("#transcript mark.evidence").first).to_be_visible()
    sent = decide(page, "Enter")
    assert (sent["destination"], sent["category"], sent["consent"]) == ("police_station", "theft", "not_asked")
    assert "电瓶车" in sent["note"]
    expect(page.locator("#tabs button")).to_have_attribute("data-kind", "done")


def test_consent_is_asked_before_a_matter_is_passed_on(page: Page) -> None:
    say(page, LEAK)
    step(page).to_have_attribute("data-kind", "consent-not_asked")
    step(page).to_contain_text("古荡街道社会治理中心")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("先征询")
    page.keyboard.press("y")
    step(page).to_have_attribute("data-kind", "consent-given")
    sent = decide(page, "Enter")
    assert (sent["destination"], sent["consent"]) == ("grassroots_platform", "given")
    assert "已征得来电人同意" in sent["note"]


def test_consent_refused_stays_with_110(page: Page) -> None:
    say(page, LEAK)
    page.keyboard.press("n")
    expect(page.locator("#destination")).to_have_text("派出所·巡特警")
    expect(page.locator("#platform")).to_contain_text("不同意")
    with page.expect_response("**/decision") as answered:
        sent = decide(page, "Enter")
    assert (sent["destination"], sent["consent"]) == ("grassroots_platform", "refused")
    assert answered.value.json()["decision"]["destination"] == "police_station"
    assert "不同意" in sent["note"]


@pytest.mark.parametrize("typed", ["lljf", "linli", "邻里", "llijiuf"])
def test_override_by_initials_pinyin_or_chinese(page: Page, typed: str) -> None:
    say(page, THEFT)
    find(page, typed)
    expect(page.locator("#category")).to_have_text("邻里纠纷")
    expect(page.locator("#verdict")).to_have_attribute("data-chosen", "yes")
    expect(page.locator("#reasons li").first).to_contain_text("系统建议是")
    sent = decide(page, "y", "Enter")
    assert "事由：邻里纠纷（普通需到场）" in sent["note"]
    assert "转古荡街道社会治理中心处理" in sent["note"]
    assert (sent["category"], sent["urgency"]) == ("neighbour_dispute", "routine_onsite")
    assert (sent["destination"], sent["consent"]) == ("grassroots_platform", "given")


def test_override_of_the_destination_by_arrow_keys_and_undone(page: Page) -> None:
    say(page, THEFT)
    page.keyboard.press("g")
    page.keyboard.type("jiao")
    codes = page.locator("#candidates li").evaluate_all("(rows) => rows.map((row) => row.dataset.code)")
    for _ in range(codes.index("traffic_police")):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#destination")).to_have_text("交警 122")
    page.keyboard.press("u")
    expect(page.locator("#destination")).to_have_text("派出所·巡特警")
    page.keyboard.press("g")
    page.keyboard.press("Escape")
    expect(page.locator("#verdict")).to_have_attribute("data-chosen", "no")


def test_what_was_chosen_stays_whatever_is_suggested_next(page: Page) -> None:
    say(page, LEAK)
    find(page, "daoqie")
    page.keyboard.press("g")
    page.keyboard.type("jiaojing")
    hears(page, KNIFE)
    expect(page.locator("#find")).to_have_value("jiaojing")
    page.keyboard.press("Enter")
    hears(page, UNSURE)
    expect(page.locator("#category")).to_have_text("盗窃")
    expect(page.locator("#destination")).to_have_text("交警 122")
    expect(page.locator("#verdict")).to_have_attribute("data-level", "emergency")
    sent = decide(page, "Enter")
    assert (sent["category"], sent["destination"], sent["urgency"]) == ("theft", "traffic_police", "emergency")
    assert sent["suggestion_id"] == page.evaluate("() => window.yidiantong.store.active().suggestion.suggestion_id")


def test_keys_that_come_before_the_next_frame_are_not_swallowed(page: Page) -> None:
    say(page, THEFT)
    page.keyboard.press("g")
    page.keyboard.type("lljf")
    with page.expect_request("**/decision") as sent:
        page.evaluate(
            """async () => {
              for (const key of ["Enter", "y", "Enter"]) {
                document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
                await null;
              }
            }"""
        )
    assert (body(sent.value)["category"], body(sent.value)["consent"]) == ("neighbour_dispute", "given")


def test_an_emergency_is_unmistakable_and_never_asks_for_consent(page: Page) -> None:
    say(page, KNIFE)
    expect(page.locator("#verdict")).to_have_attribute("data-level", "emergency")
    expect(page.locator("#urgency")).to_have_text("紧急危险")
    expect(page.locator("#tabs button")).to_have_attribute("data-kind", "danger")
    expect(page.locator("#transcript mark.flag").first).to_be_visible()
    assert page.locator("#step [data-action=agree]").count() == 0
    assert "危险" in page.title()
    sent = decide(page, "Enter")
    assert (sent["urgency"], sent["consent"]) == ("emergency", "not_asked")


def test_lowering_a_danger_asks_for_a_reason(page: Page) -> None:
    say(page, KNIFE)
    find(page, "putong")
    step(page).to_have_attribute("data-kind", "lower")
    expect(page.locator("#tabs button")).to_have_attribute("data-kind", "danger")
    page.keyboard.press("Enter")
    expect(page.locator("#why-lower")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#reason-problem")).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(page.locator("#why-lower")).to_be_hidden()
    step(page).to_have_attribute("data-kind", "lower")
    page.keyboard.press("Enter")
    expect(page.locator("#why-lower")).to_be_visible()
    sent = decide(page, "2")
    assert sent["urgency"] == "routine_onsite"
    assert "误报" in sent["reason"]


def test_a_graver_danger_heard_while_the_reason_is_given_is_shown_first(page: Page) -> None:
    say(page, LOST_CHILD)
    expect(page.locator("#verdict")).to_have_attribute("data-level", "urgent")
    find(page, "putong")
    page.keyboard.press("Enter")
    expect(page.locator("#why-lower")).to_be_visible()
    hears(page, "有个男的拿着刀在砍他")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/decision" in request.url else None)
    page.keyboard.press("2")
    expect(page.locator("#why-lower")).to_be_hidden()
    expect(page.locator("#toast")).to_contain_text("又听到危险")
    step(page).to_have_attribute("data-kind", "lower")
    step(page).to_contain_text("刀")
    assert asked == []
    page.keyboard.press("Enter")
    expect(page.locator("#why-lower")).to_be_visible()
    assert decide(page, "2")["urgency"] == "routine_onsite"


def test_a_danger_that_comes_after_the_decision_is_shown(page: Page) -> None:
    say(page, THEFT)
    decide(page, "Enter")
    say(page, "小偷拿着刀出来了，在砍人")
    step(page).to_have_attribute("data-kind", "danger")
    step(page).to_contain_text("追加派警")


def test_a_category_chosen_over_a_danger_keeps_the_danger(page: Page) -> None:
    say(page, KNIFE)
    find(page, "lljf")
    expect(page.locator("#category")).to_have_text("邻里纠纷")
    expect(page.locator("#verdict")).to_have_attribute("data-level", "emergency")


def test_not_sure_offers_the_top_three(page: Page) -> None:
    say(page, UNSURE)
    step(page).to_have_attribute("data-kind", "choose")
    expect(page.locator("#step .options li")).to_have_count(3)
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("1、2、3")
    chosen = page.locator("#step .options b").nth(1).inner_text()
    page.keyboard.press("2")
    expect(page.locator("#category")).to_have_text(chosen)
    expect(page.locator("#verdict")).to_have_attribute("data-chosen", "yes")


def test_the_line_is_lost_and_comes_back_by_itself(page: Page, wire: Wire) -> None:
    say(page, LEAK)
    wire.cut()
    expect(page.locator("#banner")).to_contain_text("连接中断")
    expect(page.locator("#transcript")).to_contain_text("楼上漏水")
    page.keyboard.press("t")
    page.keyboard.type("他现在拿着菜刀上来砸门了")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#transcript li")).to_have_count(2)
    wire.mend()
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#verdict")).to_have_attribute("data-level", "emergency")
    expect(page.locator("#link")).to_have_text("已连接")


def test_a_decision_waits_for_the_line_and_counts_once(page: Page, wire: Wire) -> None:
    say(page, THEFT)
    answered: list[int] = []
    page.on("response", lambda response: answered.append(response.status) if "/decision" in response.url else None)
    wire.cut()
    page.keyboard.press("Enter")
    step(page).to_have_attribute("data-kind", "waiting")
    step(page).to_contain_text("自动重试")
    wire.mend()
    step(page).to_have_attribute("data-kind", "sent")
    assert answered == [200]


def test_a_decision_that_waits_is_sent_after_a_reload_too(page: Page) -> None:
    warned: list[str] = []
    page.on("dialog", lambda dialog: warned.append(dialog.type))
    say(page, THEFT)
    page.route("**/decision", lambda route: route.abort("connectionreset"))
    with page.expect_request("**/decision") as waiting:
        page.keyboard.press("Enter")
    step(page).to_have_attribute("data-kind", "waiting")
    page.reload()
    step(page).to_have_attribute("data-kind", "waiting")
    expect(page.locator("#transcript")).to_contain_text("电瓶车")
    with page.expect_response("**/decision") as answered:  # the page may try again just before it is left
        page.unroute("**/decision")
        page.reload()
    assert (answered.value.status, body(answered.value.request)) == (200, body(waiting.value))
    step(page).to_have_attribute("data-kind", "sent")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate("() => JSON.stringify(sessionStorage)").find("电瓶车") == -1
    assert set(warned) == {"beforeunload"}


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_call_that_has_ended_can_still_be_decided_after_a_reload(page: Page, forgotten: bool) -> None:
    def knows_nothing(line: WebSocketRoute) -> None:
        line.send(json.dumps({"type": "ready", "city": "hangzhou", "channel": "110", "revision": 0, "turns": [], "suggestion": None}))  # fmt: skip

    say(page, LEAK)
    page.evaluate("() => { const { store, desk } = window.yidiantong; desk.hangUp(store.get().active); }")
    expect(page.locator("#call-line")).to_contain_text("已挂断")
    if forgotten:
        page.route_web_socket("**/live", knows_nothing)
    page.reload()
    expect(page.locator("#transcript")).to_contain_text("楼上漏水")
    expect(page.locator("#call-line")).to_contain_text("已挂断")
    assert decide(page, "y", "Enter")["category"] == "neighbour_dispute"


def test_a_reload_goes_on_with_the_calls(page: Page) -> None:
    say(page, LEAK)
    begun = page.evaluate("() => window.yidiantong.store.active().begun")
    page.reload()
    expect(page.locator("#transcript")).to_contain_text("楼上漏水")
    expect(page.locator("#category")).to_have_text("邻里纠纷")
    assert page.evaluate("() => window.yidiantong.store.active().begun") == begun
    assert page.evaluate("() => JSON.stringify(sessionStorage)").find("漏水") == -1
    decide(page, "y", "Enter")


def test_without_the_service_the_operator_decides_by_hand(page: Page, wire: Wire) -> None:
    wire.cut()
    write(page, THEFT)
    expect(page.locator("#banner")).to_contain_text("人工流程")
    find(page, "daoqie")
    expect(page.locator("#destination")).to_have_text("派出所·巡特警")
    page.keyboard.press("Enter")
    step(page).to_have_attribute("data-kind", "waiting")
    with page.expect_request("**/decision") as sent:
        wire.mend()
    step(page).to_have_attribute("data-kind", "sent")
    assert body(sent.value)["category"] == "theft"


def test_a_danger_first_heard_after_a_decision_by_hand_is_shown(page: Page, wire: Wire) -> None:
    wire.cut()
    write(page, KNIFE)
    find(page, "daoqie")
    page.keyboard.press("Enter")
    step(page).to_have_attribute("data-kind", "waiting")
    wire.mend()
    step(page).to_have_attribute("data-kind", "danger")
    step(page).to_contain_text("追加派警")


def test_several_calls_are_tabs_and_danger_shows_on_its_own(page: Page) -> None:
    say(page, LEAK)
    for text in (KNIFE, THEFT):
        page.evaluate("() => window.yidiantong.store.set({ active: null })")
        say(page, text)
    tabs = page.locator("#tabs button")
    expect(tabs).to_have_count(3)
    expect(tabs.nth(1)).to_have_attribute("data-kind", "danger")
    expect(tabs.nth(2)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("]")
    expect(page.locator("#category")).to_have_text("邻里纠纷")
    page.keyboard.press("d")
    expect(page.locator("#verdict")).to_have_attribute("data-level", "emergency")
    page.keyboard.press("[")
    expect(tabs.nth(0)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Shift+Digit3")
    expect(page.locator("#category")).to_have_text("盗窃")
    page.keyboard.press("x")
    expect(page.locator("#toast")).to_contain_text("还没有决定")
    page.keyboard.press("x")
    expect(tabs).to_have_count(2)


def test_hostile_text_is_only_text(page: Page) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script> 楼上漏水 ${alert(3)} \u202e😭"
    say(page, hostile)
    expect(page.locator("#transcript")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator("#transcript")).to_contain_text("😭")
    assert page.locator("#desk img, #desk script").count() == 0
    page.keyboard.press("g")
    page.keyboard.type("<b>\\'\"[](){}*+?")
    expect(page.locator("#candidates li")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator("#finder")).to_be_visible()


def test_the_note_is_edited_and_then_stays_as_it_is(page: Page) -> None:
    say(page, THEFT)
    expect(page.locator("#note")).to_have_value(re.compile("盗窃"))
    page.keyboard.press("b")
    expect(page.locator("#note")).to_be_focused()
    page.keyboard.press("Control+End")
    page.keyboard.type("；y 车主在楼下等")
    page.keyboard.press("Escape")
    expect(page.locator("#note-state")).to_have_text("已人工修改")
    say(page, "还有一个头盔也没有了")
    sent = decide(page, "Enter")
    assert sent["note"].endswith("；y 车主在楼下等")
    assert sent["consent"] == "not_asked"


@pytest.mark.parametrize("page", ["?replay=1&sample=0&speed=8"], indirect=True)
def test_a_sample_is_played_with_hypotheses_that_are_revised(page: Page) -> None:
    sample = samples()[0]
    opened_sockets: list[str] = []
    page.on("websocket", lambda socket: opened_sockets.append(socket.url))
    expect(page.locator("#transcript li.partial")).to_be_visible()
    expect(page.locator("#transcript li p")).to_have_text([turn.text for turn in sample.turns])
    expect(page.locator("#call-line")).to_contain_text("已挂断")
    expect(page.locator("#tabs button")).to_have_attribute("data-kind", "ended")
    step(page).to_have_attribute("data-kind", "consent-not_asked")
    decide(page, "y", "Enter")
    page.wait_for_timeout(500)  # a call that has ended is not connected again
    assert opened_sockets == []


def test_a_telephone_system_in_the_same_browser_brings_its_calls(page: Page, wire: Wire) -> None:
    softphone = page.context.new_page()
    softphone.goto(f"{wire.address}/healthz")
    softphone.evaluate(
        """(text) => {
          const channel = new BroadcastChannel("yidiantong.calls");
          const say = (message) => channel.postMessage({ call_id: "line-7", ...message });
          for (const bad of [null, 7, "x", {}, { type: "turn", call_id: "../x", speaker: "caller", text: "x" }]) channel.postMessage(bad);
          for (const bad of [{ speaker: "ghost", text: "x" }, { speaker: "caller", text: 5 }, { speaker: "caller", text: "x", turn: -1 }]) say({ type: "turn", ...bad });
          say({ type: "call", title: "热线 7", channel: "12345", city: "nowhere" });
          say({ type: "turn", speaker: "caller", text: text.slice(0, 6), partial: true });
          say({ type: "turn", speaker: "caller", text });
          say({ type: "end" });
        }""",
        LEAK,
    )
    expect(page.locator("#tabs button")).to_have_count(1)
    expect(page.locator("#call-title")).to_have_text("热线 7")
    expect(page.locator("#call-line")).to_contain_text("12345 · 已挂断")
    expect(page.locator("#transcript li p")).to_have_text([LEAK])
    expect(page.locator("#destination")).to_have_text("古荡街道社会治理中心")
    step(page).to_have_attribute("data-kind", "consent-not_asked")
    assert decide(page, "y", "Enter")["consent"] == "given"


def test_an_operator_of_another_city_works_by_its_rules(browser: Browser, site: Site, site_state: Path) -> None:
    secret = KeyRing(site_state / "keys.json").create(Role.OPERATOR, "温州坐席", "wenzhou")[1]
    with opened(browser, f"{site[0]}/console#key={secret}") as page:
        page.wait_for_selector("html[data-ready]")
        softphone = page.context.new_page()
        softphone.goto(f"{site[0]}/healthz")
        softphone.evaluate(
            """(text) => {
              const channel = new BroadcastChannel("yidiantong.calls");
              channel.postMessage({ type: "call", call_id: "line-8", city: "hangzhou", channel: "12345" });
              for (const call_id of ["line-8", "line-9"]) channel.postMessage({ type: "turn", call_id, speaker: "caller", text });
            }""",
            THEFT,
        )
        expect(page.locator("#call-line")).to_have_text("温州 · 12345")
        page.keyboard.press("]")
        expect(page.locator("#call-line")).to_have_text("温州 · 110")
        say(page, THEFT)
        expect(page.locator("#call-line")).to_have_text("温州 · 110")
        find(page, "nuoche")  # for the police in the default city
        expect(page.locator("#destination")).to_contain_text("12345")
        assert page.evaluate("() => window.yidiantong.store.get().calls.map(({ problem }) => problem)") == ["", "", ""]
        assert decide(page, "y", "Enter")["destination"] == "hotline_12345"


def test_a_sample_is_chosen_by_keyboard(page: Page) -> None:
    page.keyboard.press("r")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#sample-speed")).to_have_text("2×")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#call-title")).to_have_text(samples()[1].title)
    expect(page.locator("#verdict")).to_have_attribute("data-level", "emergency")


def test_nothing_jumps_and_nothing_scrolls_while_text_comes_in(page: Page) -> None:
    boxes = "() => ['transcript', 'verdict', 'step', 'checklist', 'facts', 'reasons', 'note'].map((id) => { const b = document.getElementById(id).getBoundingClientRect(); return [id, b.x, b.y, b.width]; })"
    page.keyboard.press("t")
    page.keyboard.press("Escape")
    expect(page.locator("#desk")).to_be_visible()
    before = page.evaluate(boxes)
    for text in ("喂你好", LEAK, KNIFE, UNSURE * 20, THEFT * 8):
        page.keyboard.press("t")
        page.keyboard.type(text[:10])
        page.locator("#said").fill(text)
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        understood(page)
        assert page.evaluate(boxes) == before
    assert page.evaluate("() => document.documentElement.scrollHeight") <= VIEW["height"]
    assert page.evaluate("() => document.documentElement.scrollWidth") <= VIEW["width"]


def test_every_key_is_in_the_overview_and_in_the_docs(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    text = (Path(__file__).parents[2] / "docs" / "console.md").read_text(encoding="utf-8")
    for key in page.locator("#key-table kbd").all_inner_texts():
        assert f"`{key}`" in text, key
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_hidden()


def test_a_wrong_key_is_asked_for_again(browser: Browser, site: Site) -> None:
    with opened(browser, f"{site[0]}/console#key=wrong", ("401",)) as page:
        expect(page.locator("#key")).to_be_focused()
        expect(page.locator("#key-problem")).to_contain_text("密钥无效")
        page.keyboard.type(site[1]["operator"])
        page.keyboard.press("Enter")
        page.wait_for_selector("html[data-ready]")
        say(page, THEFT)


def test_whoever_logged_in_needs_no_key_here(browser: Browser, site: Site) -> None:
    with opened(browser, f"{site[0]}/login?next=/console", ("401",)) as page:
        expect(page.locator("#key")).to_be_focused()
        page.keyboard.type(site[1]["operator"])
        page.keyboard.press("Enter")
        page.wait_for_selector("html[data-ready]")
        say(page, THEFT)
        decide(page, "Enter")


def test_a_decision_is_not_sent_in_the_name_of_who_logged_in_meanwhile(browser: Browser, site: Site) -> None:
    with opened(browser, f"{site[0]}/login", ("401", "WebSocket connection")) as page:
        log_in(page, site[1]["operator"])
        page.goto(f"{site[0]}/console")
        page.wait_for_selector("html[data-ready]")
        say(page, THEFT)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "/decision" in request.url else None)
        other = page.context.new_page()
        other.goto(f"{site[0]}/login")
        log_out(other)
        page.keyboard.press("Enter")
        step(page).to_have_attribute("data-kind", "waiting")
        log_in(other, site[1]["admin"])
        expect(page.locator("#tabs button")).to_have_count(0, timeout=20_000)  # the page is the other's now
        page.wait_for_selector("html[data-ready]")
        assert asked == []
        log_out(other)
        log_in(other, site[1]["operator"])
        page.evaluate("window.dispatchEvent(new Event('focus'))")  # one comes back to the tab
        step(page).to_have_attribute("data-kind", "sent")
        assert len(asked) == 1


def test_a_line_does_not_come_back_in_the_name_of_who_logged_in_meanwhile(
    browser: Browser, site: Site, wire: Wire
) -> None:
    with opened(browser, f"{wire.address}/login", ("401", *LOST)) as page:
        log_in(page, site[1]["operator"])
        page.goto(f"{wire.address}/console")
        page.wait_for_selector("html[data-ready]")
        say(page, THEFT)
        lines: list[str] = []
        page.on("websocket", lambda socket: lines.append(socket.url))
        wire.cut()
        expect(page.locator("#banner")).to_contain_text("连接中断")
        page.evaluate("() => { window.old = true; }")
        other = page.context.new_page()
        other.goto(f"{site[0]}/login")  # of the same host, whose cookie it is
        log_out(other)
        log_in(other, site[1]["admin"])
        lines.clear()
        wire.mend()
        page.wait_for_function("() => !window.old", timeout=20_000)  # the page is the other's now
        page.wait_for_selector("html[data-ready]")
        expect(page.locator("#tabs button")).to_have_count(0)
        assert lines == []
