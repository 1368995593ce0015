"""The modules of the operator's page that know no page, run where they will run: in the browser."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from data.policy import policies
from data.taxonomy import PoliceLabel, categories
from model.decode import Answer
from model.routing import Dangers, consent, route
from tests.serving.browser import opened

Site = tuple[str, dict[str, str]]


@pytest.fixture(scope="module")
def page(browser: Browser, site: Site) -> Iterator[Page]:
    with opened(browser, f"{site[0]}/console#key={site[1]['operator']}") as page:
        page.wait_for_selector("html[data-ready]")
        yield page


def run(page: Page, module: str, expression: str, value: Any = None) -> Any:
    """`expression` over the module's names and `value`."""
    code = f"async (value) => {{ const m = await import('/static/{module}.js'); return {expression}; }}"
    return page.evaluate(code, value)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("lljf", "neighbour_dispute"),
        ("pcs", "police_station"),
        ("119", "fire_119"),
        ("12345", "hotline_12345"),
        ("紧急危险", "emergency"),
        ("jjwx", "emergency"),
        ("qx", "unpaid_wages"),
        ("Q X", "unpaid_wages"),
        ("ｑｘ", "unpaid_wages"),
        ("tuo'qian", "unpaid_wages"),
        ("家暴", "domestic_violence"),
        ("vvv", None),
        ("(", None),
    ],
)
def test_words_find_codes(page: Page, typed: str, first: str | None) -> None:
    found = page.evaluate(
        """async (typed) => {
          const { find, makeTerms } = await import('/static/common/words.js');
          return find(typed, makeTerms(JSON.parse(document.getElementById('data').textContent).terms)).map(({ code }) => code);
        }""",
        typed,
    )
    assert (found[0] if found else None) == first


def test_nothing_typed_offers_what_is_likely(page: Page) -> None:
    assert run(page, "common/words", "m.find(' ', [], ['fire', 'theft'])") == [
        {"code": "fire", "term": ""},
        {"code": "theft", "term": ""},
    ]


@pytest.mark.parametrize("city", policies())
def test_the_preview_of_a_choice_is_what_the_service_would_answer(page: Page, city: str) -> None:
    """Every category at its default urgency, on both lines: destination, linked parties, action, consent."""
    policy = policies()[city]
    for channel in ("110", "12345"):
        ours = page.evaluate(
            """async ([city, channel, codes]) => {
              const { newCall } = await import('/static/console/state.js');
              const call = newCall({ id: 'x', source: 'typed', city, channel, begun: 0 });
              return codes.map((category) => window.yidiantong.effective({ ...call, draft: { category } }));
            }""",
            [city, channel, list(categories())],
        )
        for code, way in zip(categories(), ours, strict=True):
            urgency = categories()[code].default_urgency
            rule = policy.rules[code]
            answer = _answer(code, rule.owner, rule.destination(urgency))
            theirs = route(answer, policy, Dangers(), True, channel)
            asked = consent(theirs, rule.owner, categories()[code], None, channel)
            assert way["destination"] == theirs.destination, (code, channel)
            assert way["urgency"] == theirs.urgency, (code, channel)
            assert way["label"] == rule.owner, (code, channel)
            assert [party["code"] for party in way["linked"]] == list(theirs.linked), (code, channel)
            assert way["action"] == theirs.action, (code, channel)
            assert way["consent"] == {"required": asked.required, "script": asked.script}, (code, channel)


def _answer(code: str, label: PoliceLabel, destination: str) -> Answer:
    fields = dict.fromkeys(Answer.__dataclass_fields__)
    urgency = categories()[code].default_urgency
    return Answer(**fields | {"category": code, "label": label, "urgency": urgency, "destination": destination})  # type: ignore[arg-type]


def test_spans_are_cut_into_pieces_by_character(page: Page) -> None:
    pieces = run(
        page,
        "common/spans",
        "m.pieces(value, [[1, 4, 'evidence'], [2, 99, 'flag'], [3, 3, 'fact'], [-2, 0, 'x']])",
        "😭拿刀来了",
    )
    assert pieces == [
        {"text": "😭", "kinds": []},
        {"text": "拿", "kinds": ["evidence"]},
        {"text": "刀来", "kinds": ["evidence", "flag"]},
        {"text": "了", "kinds": ["flag"]},
    ]
    assert "".join(piece["text"] for piece in pieces) == "😭拿刀来了"


def test_hypotheses_grow_and_the_last_is_the_text(page: Page) -> None:
    heard = run(page, "console/replay", "m.script(value)", [
        {"speaker": "operator", "text": "您好，请讲。"},
        {"speaker": "caller", "text": "我的车，被偷了！"},
    ])  # fmt: skip
    finals = [event for event in heard if not event["partial"]]
    assert [event["text"] for event in finals] == ["您好，请讲。", "我的车，被偷了！"]
    assert [event["at"] for event in heard] == sorted(event["at"] for event in heard)
    assert all("，" not in event["text"] for event in heard if event["partial"])
    assert heard[-1]["at"] > 2000


def test_after_a_lost_line_only_what_is_missing_is_said_again(page: Page) -> None:
    result = page.evaluate(
        """async () => {
          const { newCall, heard, resumed } = await import('/static/console/state.js');
          let call = newCall({ id: 'x', source: 'typed', city: 'hangzhou', channel: '110', begun: 0 });
          for (const [turn, text, partial] of [[0, 'a'], [1, 'b'], [2, 'c', true], [2, 'cd']]) call = heard(call, { turn, speaker: 'caller', text, partial });
          const known = [{ speaker: 'caller', text: 'a', partial: false }, { speaker: 'caller', text: 'b', partial: true }];
          const [next, missing] = resumed(call, { turns: known, suggestion: null });
          const [empty, all] = resumed(newCall({ id: 'x', source: 'typed' }), { turns: known, suggestion: null });
          return [missing, next.turns.map((t) => t.text), all, empty.turns.map((t) => t.text)];
        }"""
    )
    assert result == [[1, 2], ["a", "b", "cd"], [], ["a", "b"]]


def test_city_and_line_of_a_call_that_has_begun_are_the_services(page: Page) -> None:
    places = page.evaluate(
        """async () => {
          const { newCall, resumed } = await import('/static/console/state.js');
          const call = newCall({ id: 'x', source: 'phone', city: 'wenzhou', channel: '12345', begun: 0 });
          const ready = (...turns) => resumed(call, { city: 'ningbo', channel: '110', turns, suggestion: null })[0];
          return [ready(), ready({ speaker: 'caller', text: 'a', partial: false })].map(({ city, channel }) => [city, channel]);
        }"""
    )
    assert places == [["wenzhou", "12345"], ["ningbo", "110"]]


def test_consent_given_for_one_destination_does_not_count_for_another(page: Page) -> None:
    answers = page.evaluate(
        """async () => {
          const { newCall, suggested } = await import('/static/console/state.js');
          const to = (code) => ({ destination: { code }, ask_next: [], red_flags: [], urgency: { level: 'routine_onsite' } });
          let call = suggested(newCall({ id: 'x' }), to('hotline_12345'));
          call = { ...call, consent: 'given' };
          const drafts = [null, { urgency: 'routine_remote' }, { category: 'theft' }, { destination: 'hotline_12345' }];
          return [suggested(call, to('hotline_12345')).consent,
            ...drafts.map((draft) => suggested({ ...call, draft }, to('department')).consent)];
        }"""
    )
    assert answers == ["given", "not_asked", "not_asked", "given", "given"]


def test_a_reason_does_not_count_for_a_graver_danger(page: Page) -> None:
    reasons = page.evaluate(
        """async () => {
          const { newCall, suggested } = await import('/static/console/state.js');
          const heard = (level, ...ids) => ({ destination: { code: 'police_station' }, ask_next: [], urgency: { level }, red_flags: ids.map((id) => ({ id })) });
          const call = { ...suggested(newCall({ id: 'x' }), heard('urgent', 'child')), reason: 'why', draft: { urgency: 'routine_onsite' } };
          return [heard('urgent', 'child'), heard('routine_onsite'), heard('emergency', 'child'), heard('urgent', 'child', 'weapon')]
            .map((next) => suggested(call, next)).map(({ reason, draft }) => [reason, draft.urgency]);
        }"""
    )
    assert [reason for reason, _ in reasons] == ["why", "why", "", ""]
    assert {urgency for _, urgency in reasons} == {"routine_onsite"}


@pytest.mark.parametrize(("statuses", "states"), [
    ([0, 503, 429, 200], ["sending", "waiting", "waiting", "waiting", "sent"]),
    ([401, 200], ["sending", "waiting", "sent"]),
    ([409], ["sending", "refused"]),
    ([422], ["sending", "refused"]),
])  # fmt: skip
def test_a_decision_is_sent_again_until_it_is_taken_or_refused(
    page: Page, statuses: list[int], states: list[str]
) -> None:
    heard = page.evaluate(
        """async (statuses) => {
          const { sendDecision } = await import('/static/console/decide.js');
          const states = [], bodies = [];
          await new Promise((done) => sendDecision({ id: 'x', body: { note: 'n' },
            request: async (path, { body }) => { bodies.push(body); const status = statuses.shift(); return { ok: status === 200, status, message: '', data: {} }; },
            wait: (again) => { again(); }, onState: ({ state }) => { states.push(state); if (['sent', 'refused'].includes(state)) done(); } }));
          return [states, new Set(bodies.map((body) => JSON.stringify(body))).size];
        }""",
        statuses,
    )
    assert heard == [states, 1]


def test_the_page_says_what_the_service_may_not_run(page: Page, site: Site) -> None:
    response = page.request.get(f"{site[0]}/console")
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    data = json.loads(page.locator("#data").text_content() or "")
    assert set(data) == {"terms", "scripts", "city", "cities", "samples"}


CONTRAST = """() => {
  const parse = (color) => { const n = color.match(/[\\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1]; };
  const light = ([r, g, b]) => { const f = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const behind = (node) => { for (let n = node; n; n = n.parentElement) { const c = parse(getComputedStyle(n).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255]; };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest('script, option')) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push([walker.currentNode.data.slice(0, 20), ratio.toFixed(2)]);
  }
  return low;
}"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_word_has_enough_contrast(browser: Browser, site: Site, dark: bool) -> None:
    """WCAG AA: 4.5 to 1, in an emergency and in a call that wants consent."""
    with opened(
        browser, f"{site[0]}/console?replay=1&sample=0,1,7&speed=50#key={site[1]['operator']}", dark=dark
    ) as page:
        page.wait_for_function("() => window.yidiantong.store.get().calls.filter((call) => call.ended).length === 3")
        for number in (1, 2, 3):
            page.keyboard.press(f"Shift+Digit{number}")
            page.wait_for_timeout(100)
            assert page.evaluate(CONTRAST) == []
        page.keyboard.press("g")
        page.keyboard.type("l")
        assert page.evaluate(CONTRAST) == []
