"""Personal data goes, everything else stays, and nothing breaks it."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Turn
from data.redaction import LONGEST_GROWTH, load_shapes, load_words, redact, redact_turns
from data.redaction_measure import measure
from data.tables import DataError
from tests.texts import ANSWERED, REFUSED

ROOT = Path(__file__).parents[2]
PIECES = st.sampled_from(
    [
        "我叫",
        "张建国",
        "电话",
        "138",
        "0013",
        "8000",
        "幺",
        "三八",
        "，",
        " ",
        "-",
        "浙A",
        "D123",
        "45",
        "12幢",
        "2单元",
        "301室",
        "号",
        "路",
        "身份证",
        "33010619780312",
        "451X",
        "卡号",
        "6222 0212",
        "微信",
        "abc_123",
        "@qq.com",
        "〔电话〕",
        "〔姓名〕",
        "的",
        "姓",
        "怎么称呼",
        "国家的国",
        "１３８",
        "尾号",
        "订单号",
        "元",
        "万",
        "叫",
        "住",
        "+86",
        "嗯",
        "对，",
        "先生",
        "幢 2 单元 3 0 2",
    ]
)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("我手机幺三八，零五七幺，八八九九", "我手机〔电话〕"),
        ("１３８００１３８０００打给我", "〔电话〕打给我"),
        ("座机0571-87654321", "座机〔电话〕"),
        ("身份证330106197803124512", "身份证〔证件〕"),
        ("卡号6222 0212 0200 1234 567，工行的", "卡号〔卡号〕，工行的"),
        ("浙A·D12345，一辆白车", "〔车牌〕，一辆白车"),
        ("浙a幺二三D五往北开", "〔车牌〕往北开"),
        ("金地自在城，五幢二单元1301。", "金地自在城，〔门牌〕。"),
        ("送到三单元402", "送到〔门牌〕"),
        ("免贵姓王，王建国，国家的国", "免贵姓〔姓名〕，〔姓名〕，〔姓名〕"),
        ("加了微信xiaomei_520，邮箱a.b@qq.com", "加了微信〔账号〕，邮箱〔邮箱〕"),
        ("聯繫人：陳志強，樓上302一直跳", "聯繫人：〔姓名〕，樓上〔门牌〕一直跳"),
        ("138，嗯，0571，2345", "〔电话〕"),
        ("一三八 对 零五七一 嗯 二三四五", "〔电话〕"),
        ("号码是139，对139，0571，好，6620，6620，快点", "号码是〔电话〕，快点"),
        (
            "来电：我手机138\n坐席：138，嗯\n来电：0571，2345",
            "来电：我手机〔电话〕\n坐席：〔电话〕，嗯\n来电：〔电话〕",
        ),
        ("家里座机8621，嗯，4407", "家里座机〔电话〕"),
        ("浙江A12345撞的", "〔车牌〕撞的"),
        ("是浙B，2G803。", "是〔车牌〕。"),
        ("浙 A D 1 2 3 4 5，绿牌", "〔车牌〕，绿牌"),
        ("牌照是A 1 2 3 4 5，跑了", "牌照是〔车牌〕，跑了"),
        ("车牌号D幺二三五八一直停着", "车牌号〔车牌〕一直停着"),
        ("住8 幢 2 单元 3 0 2，漏水", "住〔门牌〕，漏水"),
        ("王建国先生和陈晓明师傅在吵", "〔姓名〕先生和〔姓名〕师傅在吵"),
        ("我找张丽女士", "我找〔姓名〕女士"),
    ],
)
def test_personal_data_goes(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "被骗了五千多块，还有12万，共5000，2000，3000，1380，1200元",
        "G60沪昆高速123公里处，320国道15号桩",
        "110吗，我打过12345和95598",
        "2023-05-12 10:30，昨晚十点半，这个月15号",
        "三号线2号出口，八号车厢，三室两厅",
        "我叫救护车了，他叫我过去，我叫他们坐下",
        "银行卡尾号8827，浙A开头的车",
        "打了12345，嗯，又打96110，转了1380，对，又转了5710",
        "这里有 3 幢楼没水，第 2 单元灯坏了",
        "广东老板和语文老师，王师傅、农家乐老板",
    ],
)
def test_look_alikes_stay(text: str) -> None:
    assert redact(text) == text


def turns(*said: str) -> list[Turn]:
    """Operator and caller in turn."""
    return [Turn(speaker="caller" if number % 2 else "operator", text=text) for number, text in enumerate(said)]


def test_a_name_that_was_asked_for_goes_everywhere() -> None:
    found = redact_turns(turns("您怎么称呼？", "陈志强。", "陈志强先生，什么事？", "我叫陈志强，志气的志"))
    assert not [turn for turn in found if "志" in turn.text]
    assert [turn.speaker for turn in found] == ["operator", "caller", "operator", "caller"]


def test_a_number_dictated_over_turns_goes() -> None:
    found = redact_turns(turns("电话多少？", "138", "嗯138", "0571", "0571", "8899。"))
    assert not [turn for turn in found if any(char.isdigit() for char in turn.text)]


def test_a_number_in_groups_over_turns_goes_though_none_asked_for_it() -> None:
    found = redact_turns(turns("您好", "我手机是138", "嗯，138", "0571", "0571，然后呢", "2345，你们快来"))
    assert [turn.text for turn in found] == [
        "您好",
        "我手机是〔电话〕",
        "嗯，〔电话〕",
        "〔电话〕",
        "〔电话〕，然后呢",
        "〔电话〕，你们快来",
    ]


@given(st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=80))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
    assert len(once) <= LONGEST_GROWTH * len(text)


@given(
    st.lists(st.tuples(st.sampled_from(["caller", "operator"]), st.lists(PIECES, max_size=6).map("".join)), max_size=6)
)
def test_turns_stay_turns(said: list[tuple[str, str]]) -> None:
    before = [Turn.model_validate({"speaker": speaker, "text": text}) for speaker, text in said]
    after = redact_turns(before)
    assert [turn.speaker for turn in after] == [turn.speaker for turn in before]
    assert redact_turns(after) == after


@pytest.mark.parametrize("text", [*ANSWERED.values(), *REFUSED.values()])
def test_hostile_texts_pass(text: str) -> None:
    redact(text)


HOSTILE = """
from data.redaction import redact
for piece in ("1", "一", "我叫", "a", "1，", "叫王", "12幢", "路1号", "住1单元", "浙A", "a@", "姓", " 1", "138 ", "微信a", "我叫张建国，", "138，嗯，", "138好的好的x0571", "138" + "好的" * 40 + "x0571", "1 ", "13 对 ", "张建先生", "8 幢 ", "车牌A 1 "):
    redact((piece * 20_000)[:20_000])
redact("".join(f"我叫张{chr(0x4e00 + n)}建，" for n in range(3_300)))
print("done")
"""


def test_no_text_takes_for_ever() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE], capture_output=True, text=True, cwd=ROOT, timeout=120, check=True
    )
    assert done.stdout == "done\n"


def test_the_bounds_hold_on_the_written_set() -> None:
    found = measure()
    assert found.texts >= 300
    assert found.recall >= 0.98
    assert found.destruction <= 0.01
    assert found.touched_share <= 0.01


def test_what_is_kept_or_spoilt_is_counted(tmp_path: Path) -> None:
    (tmp_path / "personal.txt").write_text("# note\n我叫{张建国}，{阿三叔}｜问：{一三八}五千\n", encoding="utf-8")
    (tmp_path / "look_alikes.txt").write_text("电话13857189966\n没事\n", encoding="utf-8")
    found = measure(tmp_path)
    assert (found.texts, found.pieces, found.gone) == (3, 3, 1)
    assert (found.destroyed, found.look_alikes, found.touched) == (11, 2, 1)
    (tmp_path / "personal.txt").write_text("我叫{张建国\n", encoding="utf-8")
    with pytest.raises(DataError, match="brace"):
        measure(tmp_path)


def test_a_shape_must_be_true_to_its_example(tmp_path: Path) -> None:
    path = tmp_path / "patterns.csv"
    path.write_text("id,mark,pattern,example,counter\nx,〔门牌〕,<n>幢,三幢,3幢\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2, field 'counter'"):
        load_shapes(path)
    with pytest.raises(DataError, match="cannot be read"):
        load_words(tmp_path / "none.csv")
