"""The hand-over note says what is known, and says what is not."""

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.records import Call
from data.tables import DataError
from model.facts import find_facts
from model.handover import Asked, handover, load_template
from model.suggest import Suggester
from tests.conftest import said

TALK = {
    "city": "hangzhou",
    "turns": [
        {"speaker": "operator", "text": "您好，110。"},
        {"speaker": "caller", "text": "我在西湖区古荡，昨晚十点多楼上漏水，天花板泡坏了，物业不管。"},
        {"speaker": "operator", "text": "有人受伤吗？"},
        {"speaker": "caller", "text": "没有，要他赔五千多块，电话13857189966，希望有人来看看。"},
        {"speaker": "operator", "text": "好，我帮您转给街道。"},
    ],
}


def note(suggester: Suggester, call: Call, consent: Asked | None = None) -> str:
    return handover(
        call, suggester.suggest(call), find_facts(call.transcript, None), consent, datetime(2026, 5, 3, 9, 7)
    )


def test_a_whole_note(suggester: Suggester) -> None:
    lines = note(suggester, Call.model_validate(TALK), "given").splitlines()
    assert lines[0] == "时间：5月3日 09:07来电；事发昨天22:00许"
    assert lines[1].startswith("地点：西湖区古荡街道")
    assert lines[2].startswith("事由：")
    assert "楼上漏水" in lines[2]
    assert lines[3] == "人员/伤情：无人受伤；联系电话13857189966"
    assert lines[4] == "财物：涉及5000余元"
    assert lines[5] == "诉求与承诺：诉求：希望有人来看看；已答复：我帮您转给街道"
    assert lines[6].startswith("已告知/征询结果：已征得来电人同意，转古荡街道")


def test_what_is_not_known_is_said(suggester: Suggester) -> None:
    text = note(suggester, said("喂"))
    assert "地点：未问清" in text
    assert "人员/伤情：未提及" in text
    assert "财物" not in text


def test_an_emergency_has_no_consent(suggester: Suggester) -> None:
    call = said("有人拿刀砍人，两个人受伤，浙A12345跑了")
    text = note(suggester, call, "not_asked")
    assert "2人受伤" in text
    assert "持刀" in text
    assert "车牌浙A12345" in text
    assert "危险：" in text
    assert "前往处置，未设征询" in text


@pytest.mark.parametrize(("consent", "words"), [("refused", "不同意转出"), ("not_asked", "未征询"), (None, "尚未征询")])
def test_consent(suggester: Suggester, consent: Asked | None, words: str) -> None:
    assert words in note(suggester, Call.model_validate(TALK), consent)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(text=st.text("漏水{}%打人，。古荡\n<b>", min_size=1, max_size=60).filter(str.strip))
def test_any_words_give_a_short_note(suggester: Suggester, text: str) -> None:
    assert len(note(suggester, said(text + "在"))) < 1000


def test_a_long_call_gives_a_short_note(suggester: Suggester) -> None:
    assert len(note(suggester, said("楼上漏水，" * 4000))) < 1000


def test_a_field_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "template.csv"
    path.write_text("line,label,needs,text\na,b,shoe,{shoe}\n", encoding="utf-8")
    with pytest.raises(DataError, match="no field of the note"):
        load_template(path)
