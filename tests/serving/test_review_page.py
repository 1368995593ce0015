"""The reviewers' page in a real browser: every queue, every key, and nothing lost."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from serving.store.entries import now
from tests.serving.browser import Wire, log_in, log_out
from tests.serving.review_room import (
    Room,
    asked,
    decision,
    in_front,
    press,
    returned,
    settled,
    shadowed,
    turn_to,
    verdict,
)
from tests.serving.store.made import BORIS, suggested
from tests.serving.test_serve import served

Running = tuple[str, Path]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state = tmp_path_factory.mktemp("reviews")
    with served(state, YIDIANTONG_AUDIT_RATE="1") as (address, _):
        yield address, state


@pytest.fixture
def room(running: Running) -> Iterator[Room]:
    room = Room(*running)
    yield room
    room.close()


def test_every_queue(browser: Browser, room: Room) -> None:
    calls = {
        "danger_under_called": room.call("low", decision(lowered=True, urgency="routine_onsite", reason="已走"), category="fight", flags=["weapon"]),
        "overridden": room.call("over", decision(overrode=True, category="consumer")),
        "returned": room.call("back", decision(), returned()),
        "least_confident": room.call("unsure", confident=False, probability=0.2),
        "suspected_label": room.call("doubt", verdict(category="noise"), probability=0.97),
    }  # fmt: skip
    for n in range(60):
        room.happened(
            suggested(f"{room.city}-w{n}", at=now() - timedelta(20), city=room.city, category=("noise", "theft")[n % 2])
        )
    room.happened(
        *(
            suggested(f"{room.city}-d{n}", at=now() - timedelta(2), city=room.city, category="telecom_fraud")
            for n in range(30)
        )
    )
    with room.page(browser) as page:
        for queue, call in calls.items():
            turn_to(page, queue)
            in_front(page, call)
            assert page.locator(f"[data-queue={queue}] b").text_content() == "1"
        turn_to(page, "confident_contradicted")
        in_front(page, calls["returned"])
        turn_to(page, "drift")
        expect(page.locator("#opinions")).to_contain_text("电信网络诈骗")
        expect(page.locator("[data-queue=drift] b")).to_have_text("30")
        turn_to(page, "random_audit")
        expect(page.locator("[data-queue=random_audit] b")).to_have_text("94")


def test_one_key_and_one_request_a_review(browser: Browser, room: Room) -> None:
    calls = room.overridden(14)
    with room.page(browser) as page:
        in_front(page, calls[13])
        requests = asked(page)
        for call in reversed(calls[2:13]):
            page.keyboard.press("Enter")
            in_front(page, call)
            settled(page)
        assert [(request.method, request.url.partition("/v1/")[2]) for request in requests] == [
            ("POST", f"reviews/{call}") for call in reversed(calls[3:14])
        ]
        expect(page.locator("[data-queue=overridden] b")).to_have_text("3")
        expect(page.locator("#pace")).to_contain_text("本次 11 件")
    assert [review["verdict"] for review in room.reviews()] == ["approve"] * 11
    assert room.reviews()[0]["destination"] == "department"  # what the operator decided


def test_what_a_candidate_would_have_said_stands_beside_and_can_be_taken(browser: Browser, room: Room) -> None:
    other = {"category": "unpaid_wages", "urgency": "routine_remote", "destination": "department"}
    call = room.call("apart", shadowed(**other))
    with room.page(browser) as page:
        turn_to(page, "shadow")
        in_front(page, call)
        expect(page.locator("[data-queue=shadow] b")).to_have_text("1")
        expect(page.locator("#opinions")).to_contain_text("候选")
        expect(page.locator("#opinions")).to_contain_text("r9")
        expect(page.locator("#opinions")).to_contain_text("欠薪")
        expect(page.locator("#opinions")).to_contain_text("邻里")  # the live release's answer
        page.keyboard.press("2")
        settled(page)
        expect(page.locator("[data-queue=shadow] b")).to_have_text("0")
    (said,) = room.reviews(call)
    assert {name: said[name] for name in other} == other
    assert said["verdict"] == "correct"


def test_the_end_of_a_queue_leads_on(browser: Browser, room: Room) -> None:
    room.overridden(2)
    unsure = room.call("unsure", confident=False, probability=0.2)
    with room.page(browser) as page:
        turn_to(page, "overridden")
        expect(page.locator("#judged")).to_be_visible()
        press(page, ["Enter", "Enter"])
        expect(page.locator("#none-title")).to_have_text("这个队列审完了")
        settled(page)
        turn_to(page, "returned")
        expect(page.locator("#onward")).to_contain_text("最没把握")
        page.keyboard.press("Enter")
        in_front(page, unsure)


def test_a_digit_takes_the_system_or_the_unit(browser: Browser, room: Room) -> None:
    over = room.call(
        "a",
        decision(overrode=True, category="noise", destination="department"),
        returned(),
    )
    with room.page(browser) as page:
        turn_to(page, "overridden")
        in_front(page, over)
        assert page.locator("#opinions tr[data-number]").count() == 3
        page.keyboard.press("2")
        settled(page)
        assert room.reviews()[-1]["category"] == "neighbour_dispute"
        page.keyboard.press("z")
        in_front(page, over)
        page.keyboard.press("3")
        settled(page)
    said = room.reviews()
    assert [bool(review["undone_at"]) for review in said] == [True, False]
    assert (said[1]["category"], said[1]["destination"]) == ("noise", "hotline_12345")


def test_correcting_by_pinyin_follows_the_policy(browser: Browser, running: Running) -> None:
    room = Room(*running, city="shaoxing")
    room.overridden(2)
    with room.page(browser) as page:
        press(page, ["g"])
        page.keyboard.type("dajia")
        expect(page.locator("#candidates li").first).to_contain_text("打架斗殴")
        press(page, ["Enter"])
        draft = page.locator("#opinions tr.draft")
        expect(draft).to_contain_text("打架斗殴·殴打他人")
        expect(draft).to_contain_text("派出所")
        expect(page.locator("#guide")).to_contain_text("暴力优先于事由")
        page.keyboard.press("g")
        page.keyboard.type("ptxdc")
        press(page, ["Enter"])
        expect(draft).to_contain_text("普通需到场")
        press(page, ["1"])
        settled(page)
    said = room.reviews("shaoxing-o1")[-1]
    assert (said["verdict"], said["category"], said["urgency"]) == ("correct", "fight", "routine_onsite")
    assert (said["destination"], said["reason"]) == ("police_station", "通话里说得更危险")
    room.close()


def test_unusable_note_skip_and_back(browser: Browser, room: Room) -> None:
    calls = room.overridden(4)
    with room.page(browser) as page:
        press(page, ["n"])
        page.keyboard.type("方言")
        press(page, ["Enter", "x", "1"])
        in_front(page, calls[2])
        press(page, ["j"])
        in_front(page, calls[1])
        press(page, ["ArrowLeft", "ArrowLeft"])
        in_front(page, calls[3])
        expect(page.locator("#step")).to_contain_text("您已下结论")
        press(page, ["k"])
        expect(page.locator("#toast")).to_have_text("前面没有了")
        press(page, ["x", "Escape", "g", "Escape"])
        press(page, ["Enter"])
        in_front(page, calls[2])
        settled(page)
    (said,) = room.reviews()
    assert (said["verdict"], said["reason"]) == ("unusable", "听不清或转写错乱；方言")


def test_undo_again_and_again(browser: Browser, room: Room) -> None:
    calls = room.overridden(5)
    with room.page(browser) as page:
        press(page, ["Enter", "Enter", "Enter"])
        in_front(page, calls[1])
        settled(page)
        for call in calls[2:5]:
            page.keyboard.press("z")
            in_front(page, call)
        settled(page)
        press(page, ["z"])
        expect(page.locator("#toast")).to_have_text("没有可撤销的结论")
        assert all(review["undone_at"] for review in room.reviews())
        turn_to(page, "random_audit")
        turn_to(page, "overridden")
        in_front(page, calls[4])
        expect(page.locator("#history .undone")).to_contain_text("李复核")
        expect(page.locator("[data-queue=overridden] b")).to_have_text("5")


def test_queues_by_key_help_and_mine(browser: Browser, room: Room) -> None:
    calls = room.overridden(3)
    with room.page(browser) as page:
        press(page, ["Enter"])
        settled(page)
        press(page, ["]"])
        expect(page.locator("[data-queue=returned]")).to_have_attribute("aria-current", "true")
        press(page, ["[", "?"])
        expect(page.locator("#help")).to_be_visible()
        press(page, ["?", "l"])
        expect(page.locator("#mine-list li")).to_have_count(1)
        expect(page.locator("#mine-list")).to_contain_text("已送")
        press(page, ["Enter"])
        in_front(page, calls[2])


def test_many_at_once_over_a_filter_and_back(browser: Browser, room: Room) -> None:
    room.overridden(3)
    room.call("theft", decision(overrode=True, category="noise"), category="theft", text="车没了")
    with room.page(browser) as page:
        turn_to(page, "overridden")
        press(page, ["f"])
        page.select_option("#filter-form [name=suggested_category]", "theft")
        press(page, ["Enter"])
        expect(page.locator("#chips")).to_contain_text("共 1 件")
        expect(page.locator("#transcript")).to_contain_text("车没了")
        page.click("[data-action=unfilter]")
        expect(page.locator("#filtered")).to_be_hidden()
        press(page, ["b"])
        expect(page.locator("#bulk-title")).to_have_text("批量：4 件")
        press(page, ["Enter"])
        expect(page.locator("#bulk")).to_be_visible()  # nothing is done before it is chosen
        press(page, ["1", "Enter"])
        expect(page.locator("#toast")).to_contain_text("已批量采纳 4 件")
        expect(page.locator("#none-title")).to_have_text("这个队列审完了")
        assert len(room.reviews()) == 4
        press(page, ["z"])
        expect(page.locator("#toast")).to_have_text("已撤销：批量采纳 4 件")
        expect(page.locator("[data-queue=overridden] b")).to_have_text("4")
        assert all(review["undone_at"] for review in room.reviews())
        press(page, ["g"])
        page.keyboard.type("daoqie")
        press(page, ["Enter", "b"])
        expect(page.locator("#bulk-choices")).to_contain_text("全部更正为 盗窃")
        press(page, ["3", "Enter"])
        expect(page.locator("#toast")).to_contain_text("已批量更正 4 件")
    assert [review["category"] for review in room.reviews()[4:]] == ["theft"] * 4


def test_similar_calls(browser: Browser, room: Room) -> None:
    room.call("other", text="电瓶车电池昨晚被人偷走了", confident=False, probability=0.1)
    like = room.call("like", text="楼上邻居家卫生间漏水，漏到我家天花板上")
    one = room.call("one", decision(overrode=True, category="noise"), text="楼上卫生间漏水，我家天花板都湿了")
    with room.page(browser) as page:
        turn_to(page, "overridden")
        in_front(page, one)
        press(page, ["s"])
        expect(page.locator("#similar-list li").first).to_contain_text("卫生间漏水")
        press(page, ["Enter"])
        in_front(page, like)
        press(page, ["j"])
        in_front(page, one)


def test_connection_lost_and_the_page_closed(browser: Browser, room: Room) -> None:
    calls = room.overridden(12)
    wire = Wire(room.address)
    with room.page(browser, address=wire.address) as page:
        press(page, ["Enter"])
        settled(page)
        wire.cut()
        press(page, ["Enter", "2", "Enter"])
        expect(page.locator("#outbox")).to_have_text("3 条待送")
        expect(page.locator("#banner")).to_contain_text("3 条结论留在本机")
        in_front(page, calls[7])
        press(page, ["z"])  # one that may have arrived is followed by its undoing
        in_front(page, calls[8])
        assert len(room.reviews()) == 1
        again = page.context.new_page()
        secret = page.evaluate("sessionStorage.getItem('key')")
        page.close()
        wire.mend()
        again.goto(f"{wire.address}/review#key={secret}")
        again.wait_for_selector("html[data-ready]")
        settled(again)
        in_front(again, calls[8])
    said = [review for review in room.reviews() if not review["undone_at"]]
    assert [(review["call_id"], review["category"]) for review in said] == [
        (calls[11], "property_mgmt_dispute"), (calls[10], "property_mgmt_dispute"), (calls[9], "neighbour_dispute"),
    ]  # fmt: skip
    wire.close()


def test_an_answer_that_is_lost_counts_once(browser: Browser, room: Room) -> None:
    room.overridden(3)
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        if lost:
            route.continue_()
            return
        route.fetch()
        lost.append(route.request.url)
        route.abort()

    with room.page(browser) as page:
        page.route("**/v1/reviews/*", lose_the_first)
        press(page, ["Enter"])
        expect(page.locator("#pace")).to_contain_text("本次 1 件")
        for _ in range(800):  # the page counts before the request is on its way
            if lost:
                break
            page.wait_for_timeout(50)
        settled(page)
    assert len(lost) == 1
    assert len(room.reviews()) == 1


def test_a_reload_keeps_place_and_what_was_begun(browser: Browser, room: Room) -> None:
    calls = room.overridden(9)
    with room.page(browser) as page:
        for call in reversed(calls[1:]):
            in_front(page, call)
            press(page, ["j"] if call != calls[1] else ["n"])
        page.keyboard.type("再听一遍")
        press(page, ["Enter", "g"])
        page.keyboard.type("daoqie")
        press(page, ["Enter"])
        page.reload()
        page.wait_for_selector("html[data-ready]")
        in_front(page, calls[1])
        expect(page.locator("#opinions tr.draft")).to_contain_text("盗窃")
        expect(page.locator("#step")).to_contain_text("备注：再听一遍")
        press(page, ["Enter"])
        settled(page)
    assert [(review["category"], review["reason"]) for review in room.reviews()] == [("theft", "再听一遍")]


def seeded(page: Page, **item: object) -> None:
    """An item as a former visit left it."""
    whole = {"id": "former", "at": 1, "order": 1, "kind": "verdict", "state": "waiting", "queue": "overridden",
             "words": "采纳", "body": {"verdict": "approve"}} | item  # fmt: skip
    page.evaluate("(item) => localStorage.setItem(`review.item.${item.id}`, JSON.stringify(item))", whole)
    page.reload()
    page.wait_for_selector("html[data-ready]")


def test_what_the_service_refuses_is_kept_and_said(browser: Browser, room: Room, running: Running) -> None:
    room.overridden(2)
    elsewhere = Room(*running)
    foreign = elsewhere.overridden(1)[0]
    key, secret = room.reviewer()
    with room.page(browser, secret) as page:
        seeded(page, by=key.id, call_id=foreign)
        expect(page.locator("#outbox")).to_have_text("1 条未被接受")
        expect(page.locator("#banner")).to_contain_text("1 条结论没有被接受")
        press(page, ["l"])
        expect(page.locator("#mine-list")).to_contain_text("未被接受")
        press(page, ["Enter"])
        expect(page.locator("#toast")).to_contain_text("打不开这一件")
    elsewhere.close()


def test_a_call_that_has_gone_on_since_is_looked_at_again(browser: Browser, room: Room) -> None:
    call = room.call("on", decision(overrode=True, category="consumer"))
    with room.page(browser) as page:
        turn_to(page, "overridden")
        in_front(page, call)
        room.happened(suggested(call, at=now(), city=room.city, text="还有，他拿刀出来了"))
        press(page, ["Enter"])
        expect(page.locator("#outbox")).to_have_text("1 条未被接受")
        press(page, ["l"])
        expect(page.locator("#mine-list")).to_contain_text("more has been said")
        press(page, ["Enter"])
        in_front(page, call)
        expect(page.locator("#transcript")).to_contain_text("他拿刀出来了")
        press(page, ["Enter"])
        settled(page)
        assert [review["undone_at"] for review in room.reviews(call)] == [None]
        room.happened(suggested(call, at=now(), city=room.city, text="还有，他拿刀出来了，又走了"))
        turn_to(page, "returned")
        turn_to(page, "overridden")
        in_front(page, call)
        expect(page.locator("#transcript")).to_contain_text("又走了")
        press(page, ["Enter"])  # judged before, but not what was said since
        settled(page)
    assert len(room.reviews(call)) == 2


def test_another_reviewers_verdicts_are_not_sent_in_ones_own_name(browser: Browser, room: Room) -> None:
    call = room.overridden(2)[0]
    with room.page(browser) as page:
        seeded(page, by="somebody", call_id=call)
        expect(page.locator("#banner")).to_contain_text("另一位复核员的 1 条结论")
        press(page, ["Enter"])
        page.wait_for_function("() => Object.values(localStorage).some((value) => value.includes('\"sent\"'))")
    assert len(room.reviews()) == 1


def test_by_session_cookie(browser: Browser, room: Room) -> None:
    room.overridden(2)
    secret = room.reviewer()[1]
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{room.address}/review")
    expect(page.locator("#key-form")).to_be_visible()
    page.click("#to-login")
    page.locator("#key").fill(secret)
    page.keyboard.press("Enter")
    page.wait_for_selector("html[data-ready]")
    assert page.url.endswith("/review")
    press(page, ["Enter"])
    expect(page.locator("#pace")).to_contain_text("本次 1 件")
    settled(page)
    context.close()
    assert len(room.reviews()) == 1


def test_a_verdict_waits_for_its_reviewer_when_another_logs_in_in_the_next_tab(browser: Browser, room: Room) -> None:
    room.overridden(4)
    (anna, hers), (_, his) = room.reviewer("安娜"), room.reviewer("鲍里斯")
    context = browser.new_context(locale="zh-CN")
    page, other = context.new_page(), context.new_page()
    other.goto(f"{room.address}/login")
    log_in(other, hers)
    page.goto(f"{room.address}/review")
    page.wait_for_selector("html[data-ready]")
    for again in (hers, his):
        log_out(other)
        press(page, ["Enter"])
        expect(page.locator("#banner")).to_contain_text("登录已失效，1 条结论")
        log_in(other, again)
        if again == hers:  # the same page goes on
            expect(page.locator("#outbox")).to_have_text("全部已送")
            expect(page.locator("#pace")).to_contain_text("本次 1 件")
    expect(page.locator("#me")).to_have_text("鲍里斯")
    expect(page.locator("#banner")).to_contain_text("另一位复核员的 1 条结论")
    assert [review["by"] for review in room.reviews()] == [anna.id]
    log_out(other)
    log_in(other, hers)
    page.evaluate("window.dispatchEvent(new Event('focus'))")  # one comes back to the tab
    expect(page.locator("#me")).to_have_text("安娜")
    settled(page)
    context.close()
    assert [review["by"] for review in room.reviews()] == [anna.id, anna.id]


HOSTILE = "<img src=x onerror=alert(1)>'; DROP TABLE calls; -- \u202eחלב {{7*7}} ${1} " + "长" * 1400


def test_hostile_text_in_every_field_is_only_text(browser: Browser, room: Room) -> None:
    texts = {"reason": HOSTILE, "note": HOSTILE}
    call = room.call(
        "hostile", decision(overrode=True, category="noise", **texts), returned(**texts), verdict(by=BORIS, reason=HOSTILE, wanted=2),
        text=HOSTILE + "声" * 18_000, location={"text": HOSTILE, "district": HOSTILE[:60], "town": HOSTILE[:60]},
    )  # fmt: skip
    room.overridden(1)
    with room.page(browser, room.reviewer("<b onclick=alert(1)>李</b>")[1]) as page:
        turn_to(page, "returned")
        in_front(page, call)
        for part in ("#transcript", "#opinions", "#history"):
            expect(page.locator(part)).to_contain_text("<img src=x onerror=alert(1)>")
        expect(page.locator("#me")).to_have_text("<b onclick=alert(1)>李</b>")
        assert page.locator("#desk img, #desk script, header b[onclick]").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 1366
        assert page.locator("#step").bounding_box()["y"] < 600  # type: ignore[index]
        press(page, ["n"])
        page.keyboard.insert_text(HOSTILE[:400])
        press(page, ["Enter", "Enter"])
        settled(page)
    assert room.reviews(call)[-1]["reason"].startswith("<img src=x onerror=alert(1)>")


def test_a_purged_call(browser: Browser, room: Room) -> None:
    room.overridden(1)

    def purge(route: Route) -> None:
        answer = route.fetch()
        page = answer.json()
        page["calls"][0] |= {"turns": None, "suggestion": {}, "suggestions": []}
        route.fulfill(response=answer, body=json.dumps(page))

    with room.page(browser) as page:
        page.route("**/v1/review-calls?*", purge)
        page.reload()
        expect(page.locator("#transcript")).to_contain_text("转写已按保存期限清除")
        press(page, ["Enter"])
        settled(page)


def test_an_operator_is_told_that_this_is_not_his_page(browser: Browser, running: Running) -> None:
    from tests.serving.browser import opened
    from tests.serving.test_serve import first_keys

    address, state = running
    with opened(browser, f"{address}/review#key={first_keys(state)['operator']}", ("403",)) as page:
        expect(page.locator("#key-problem")).to_contain_text("没有权限")


def test_the_documentation_names_every_key(browser: Browser, room: Room) -> None:
    room.overridden(1)
    text = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")
    with room.page(browser) as page:
        for row in page.evaluate(
            "import('/static/review/keys.js').then((m) => m.KEYS.map(({ shown, does }) => [shown, does]))"
        ):
            keys = " ".join(f"`{name}`" for name in row[0].split(" "))
            assert f"| {keys} | {row[1]} |" in text
