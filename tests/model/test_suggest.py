"""The whole way of a call, on the bundled release."""

from pathlib import Path

import numpy as np
import pytest

from data.corpus import Item, load_corpus, split_groups
from data.policy import UnknownCity
from data.records import Call, Suggestion
from data.taxonomy import PoliceLabel, Urgency, categories, destinations
from model.suggest import Suggester
from tests.conftest import said
from tests.texts import ANSWERED

VOLATILE = {"call_id", "suggestion_id", "elapsed_ms"}


def content(suggestion: Suggestion) -> dict[str, object]:
    return suggestion.model_dump(exclude=VOLATILE)


@pytest.fixture(scope="module")
def held_out(some_parts: Path) -> list[Item]:
    items = load_corpus(some_parts)
    splits = split_groups(items)
    return [item for item in items if splits[item.group] == "test"]


@pytest.mark.parametrize(
    ("text", "category", "urgency", "destination"),
    [
        ("快来人，两个男的在夜市打起来了，一个拿着水果刀，有人在流血", None, "emergency", "police_station"),
        ("称停在菜场口的电瓶车被偷", "theft", "routine_onsite", "police_station"),
        ("我想问一下身份证到期了要带什么材料去哪里换", "gov_consult", "routine_remote", "hotline_12345"),
        (
            "楼上卫生间漏水漏到我家吊顶上，敲门不开，想有人来看看",
            "neighbour_dispute",
            "routine_onsite",
            "grassroots_platform",
        ),
        ("我妈正在给自称检察院的人转账，拦不住", "telecom_fraud", "emergency", "anti_fraud"),
        ("厨房里煤气味很重，头有点晕", "gas_hazmat", "emergency", "fire_119"),
    ],
)
def test_plain_calls(suggester: Suggester, text: str, category: str | None, urgency: str, destination: str) -> None:
    found = suggester.suggest(said(text))
    assert category in (None, found.category.code)
    assert (found.urgency.level, found.destination.code) == (urgency, destination)


def test_a_suggestion_is_complete(suggester: Suggester) -> None:
    found = suggester.suggest(said("我在西湖区古荡，楼上漏水，物业不管，想有人来看看", call_id="c-1"))
    assert found.call_id == "c-1"
    assert found.destination.unit == "古荡街道社会治理中心"
    assert found.location is not None
    assert (found.location.district, found.location.town) == ("西湖区", "古荡街道")
    assert found.consent.required
    assert "古荡街道社会治理中心" in (found.consent.script or "")
    assert len(found.category.alternatives) == len(found.destination.alternatives) == 2
    assert found.evidence
    assert found.degraded == ()
    assert found.policy_version.startswith("hangzhou-")
    assert found.elapsed_ms > 0


def test_traditional_characters_have_a_place_too(suggester: Suggester) -> None:
    found = suggester.suggest(said("我在西湖區古蕩，樓上漏水，電話１３８００００１１１１"))
    assert found.location is not None
    assert (found.location.town, found.location.text) == ("古荡街道", "西湖區古蕩")
    assert "callback" not in [question.field for question in found.ask_next]


def test_the_unit_is_only_of_the_policys_own_city(suggester: Suggester) -> None:
    text = "诸暨牌头这边的服装厂欠我两个月工资，老板在厂里，你们来个人"
    own, other = suggester.suggest(said(text, city="shaoxing")), suggester.suggest(said(text, city="hangzhou"))
    assert own.destination.unit == "牌头镇社会治理中心"
    assert other.destination.unit is None
    assert any("不在本市" in reason for reason in other.reasons)


def test_a_town_where_the_matter_is_not_takes_nothing(suggester: Suggester) -> None:
    wages = "服装厂欠我两个月工资，老板在厂里，你们来个人"
    assert suggester.suggest(said(f"我老家在余杭仓前的，{wages}")).destination.unit is None
    found = suggester.suggest(said(f"我老家在诸暨牌头的，{wages}", city="hangzhou"))
    assert not any("不在本市" in reason for reason in found.reasons)


def test_no_place_asks_for_it_first(suggester: Suggester) -> None:
    found = suggester.suggest(said("楼上漏水，物业不管"))
    assert found.location is None
    assert found.ask_next[0].field == "address"


@pytest.mark.parametrize(
    "text", ["我老家在余杭仓前的，钱包丢了", "我在余杭仓前上班，家里被偷了", "我是余杭仓前的，手机丢了"]
)
def test_a_place_where_the_matter_is_not_does_not_answer_the_question_for_it(suggester: Suggester, text: str) -> None:
    found = suggester.suggest(said(text))
    assert found.location is not None
    assert found.location.town == "仓前街道"
    assert found.ask_next[0].field == "address"
    assert suggester.suggest(said("我在余杭仓前，钱包丢了")).ask_next[0].field != "address"


def test_evidence_points_at_the_callers_words(suggester: Suggester) -> None:
    call = Call.model_validate({"turns": [{"speaker": "operator", "text": "您好，110，请讲。"},
                                          {"speaker": "caller", "text": "報警，停在樓下的電動車昨晚被偷了，有監控"}]})  # fmt: skip
    found = suggester.suggest(call)
    assert found.category.code == "theft"
    for evidence in found.evidence:
        turn = call.transcript[evidence.turn]
        assert turn.speaker == "caller"
        assert turn.text[evidence.start : evidence.end] == evidence.text
        assert 0 < evidence.weight <= 1
    assert any("偷" in evidence.text for evidence in found.evidence)


def test_evidence_matters(suggester: Suggester, held_out: list[Item]) -> None:
    """Without the evidence the category's probability falls further than without as many other characters."""
    drops: list[tuple[float, float]] = []
    rng = np.random.default_rng(110)
    for item in [item for item in held_out if len(item.text) > 40][:60]:
        found = suggester.suggest(said(item.text))
        gone = {i for e in found.evidence for i in range(e.start, e.end)}
        other = rng.permutation([i for i in range(len(item.text)) if i not in gone])[: len(gone)]
        drops.append(tuple(_drop(suggester, item.text, found, cut) for cut in (gone, set(other))))  # type: ignore[arg-type]
    evidence, others = np.mean(drops, axis=0)
    assert evidence > others + 0.05


def _drop(suggester: Suggester, text: str, found: Suggestion, cut: set[int]) -> float:
    rest = "".join(char for i, char in enumerate(text) if i not in cut)
    number = list(categories()).index(found.category.code)
    return found.category.probability - float(suggester.model.read([rest])[0].joint.sum(1)[number])


def test_nothing_in_a_suggestion_contradicts_itself(suggester: Suggester, held_out: list[Item]) -> None:
    for found in suggester.suggest_many([Call(turns=item.as_turns()) for item in held_out[:300]]):
        rule = suggester.policies["hangzhou"].rules[found.category.code]
        assert rule.owner is found.police.label
        police_first = any("先按警情处置" in reason for reason in found.reasons)
        assert found.red_flags or police_first or found.destination.code == rule.destination(found.urgency.level)
        if found.police.label is PoliceLabel.INVALID:
            assert found.urgency.level is Urgency.ROUTINE_REMOTE
        if found.urgency.level is Urgency.EMERGENCY:
            assert not found.consent.required
        assert 0 <= found.category.probability <= found.police.probability + 1e-3
        assert found.destination.code in destinations()


def test_red_flags_never_lower(suggester: Suggester, held_out: list[Item]) -> None:
    for item in held_out[:100]:
        call = Call(turns=item.as_turns())
        worse = Call.model_validate({"turns": [*(t.model_dump() for t in call.transcript),
                                               {"speaker": "caller", "text": "他手里拿着一把菜刀要砍人"}]})  # fmt: skip
        assert suggester.suggest(worse).urgency.level is Urgency.EMERGENCY


def test_alone_or_in_a_batch_the_answer_is_the_same(suggester: Suggester, held_out: list[Item]) -> None:
    calls = [Call(turns=item.as_turns()) for item in held_out[:80]]
    together = suggester.suggest_many(calls)
    assert [content(s) for s in together] == [content(suggester.suggest(call)) for call in calls]


def test_turns_or_text_the_answer_is_the_same(suggester: Suggester) -> None:
    text = "称楼下烧烤店音响放到一点多"
    turns = Call.model_validate({"turns": [{"speaker": "caller", "text": text}]})
    assert content(suggester.suggest(said(text))) == content(suggester.suggest(turns))


def test_traditional_characters_and_full_width_digits(suggester: Suggester) -> None:
    plain = suggester.suggest(said("110吗，我的电动车被偷了，停在3号楼下"))
    other = suggester.suggest(said("１１０嗎，我的電動車被偷了，停在３號樓下"))
    assert plain.category.code == other.category.code == "theft"
    assert plain.category.probability == pytest.approx(other.category.probability, abs=0.02)


def test_beginning_and_end_of_a_long_call_are_among_what_is_suggested(suggester: Suggester) -> None:
    filler = "然后我就去菜场买了白菜，回家烧了饭，吃完看了一会电视。" * 300
    matter = (
        "我家电动车昨晚在楼下被人偷走了，早上下来就没了，锁剪断了扔在地上，"
        "监控拍到两个人推走的，我要报案抓小偷，车是新买的三千多块。"
    )
    for text in (matter + filler, filler + matter):
        found = suggester.suggest(said(text))  # one sentence in twenty that the encoder reads: it may not come first
        assert "theft" in (found.category.code, *(other.code for other in found.category.alternatives))
        assert found.destination.code == "police_station" or not found.confident
    middle = filler + "他拿着刀冲进来了。" + filler
    assert suggester.suggest(said(middle)).urgency.level is Urgency.EMERGENCY


@pytest.mark.parametrize("name", ANSWERED)
def test_odd_texts_get_an_answer(suggester: Suggester, name: str) -> None:
    found = suggester.suggest(said(ANSWERED[name]))
    assert found.destination.code in destinations()


def test_words_of_no_language_are_not_confident(suggester: Suggester) -> None:
    assert not suggester.suggest(said("😭😭😭")).confident
    assert not suggester.suggest(said("，。！？")).confident


def test_a_line_on_which_nobody_speaks_is_never_confident(suggester: Suggester) -> None:
    found = suggester.suggest(said("（接通后无人说话，只有电流声，约二十秒后挂断）"))
    assert found.category.code == "silent"
    assert found.category.probability > 0.9
    assert not found.confident
    assert found.action == "call_back"


def test_an_unknown_city(suggester: Suggester) -> None:
    with pytest.raises(UnknownCity, match="shanghai"):
        suggester.suggest(said("喂", city="shanghai"))


def test_no_calls(suggester: Suggester) -> None:
    assert suggester.suggest_many([]) == []


def test_a_glance_is_the_linear_models_and_sure_of_nothing(
    suggester: Suggester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("the encoder was asked")

    call = said("诸暨牌头这边，我停在菜场门口的电瓶车被偷了，昨天晚上还在的")
    monkeypatch.setattr(suggester.model, "_vectors", forbidden)
    glance = suggester.glance(call)
    assert glance.glance
    assert glance.suggestion.category.code == "theft"
    assert not glance.suggestion.confident
    assert glance.suggestion.evidence == ()
    assert {"place"} <= {fact.field for fact in glance.facts}


def test_a_glance_holds_what_is_shown_but_not_back_danger(suggester: Suggester) -> None:
    noise = "楼上半夜三更还在跳操，咚咚咚的吵得人睡不着，跟他们说了也不听，你们管不管的"
    shown = suggester.advise(said(noise)).shown
    more = suggester.glance(said(noise + "，我明天还要上班，一个月了都是这样，物业也来过，物业说他们管不了这个"), shown)
    assert more.suggestion.category.code == "noise"
    danger = suggester.glance(said(noise + "，啊他拿刀下来了，在砍我家的门，救命"), shown)
    assert danger.suggestion.urgency.level == "emergency"
