"""Key information: the values, what they must not be, the written set, and hostile texts."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Turn
from data.tables import DataError
from model.fact_patterns import load_facts
from model.facts import MOST, find_facts
from model.facts_measure import SET, load_set, measure
from model.location import Location
from tests.texts import ANSWERED, REFUSED

ROOT = Path(__file__).parents[2]


def caller(*texts: str) -> list[Turn]:
    return [Turn(speaker="caller", text=text) for text in texts]


def values(field: str, *texts: str) -> list[str]:
    """What is found of a field in turns of operator and caller (one text: the caller's)."""
    turns = [
        Turn(speaker="caller" if n % 2 or len(texts) == 1 else "operator", text=text) for n, text in enumerate(texts)
    ]
    return [fact.value for fact in find_facts(turns, None) if fact.field == field]


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("injured", "两车相撞，没人受伤", ["0"]),
        ("injured", "头打破了，流了很多血", ["有"]),
        ("injured", "三个人受伤，有一个头破了", ["3", "1"]),
        ("injured", "会不会受伤", []),
        ("weapon", "他手里拿着菜刀", ["刀"]),
        ("weapon", "他没拿刀，空手的", ["无"]),
        ("weapon", "小孩拿着玩具刀", []),
        ("weapon", "我在厨房切菜，刀掉了", []),
        ("amount", "被骗五千多块", ["5000+"]),
        ("amount", "转了12万，又转了三千五", ["120000", "3500"]),
        ("amount", "三百米外有一块砖，五千个人", []),
        ("amount", "打了12345，又打过96110和95598，还拨了110，给12315也打了", []),
        ("amount", "罚了120，花了110块，充12345", ["120", "110", "12345"]),
        ("amount", "要赔多少万，收多少块钱一个月，欠我多少千块", []),
        ("phone", "电话幺三八，零零一三，八零零零", ["13800138000"]),
        ("phone", "手机138，嗯，138，0571，对，0571，2345", ["13805712345"]),
        ("phone", "号码+86 138 0013 8000一直打", ["13800138000"]),
        ("plate", "浙a·d12345跑了", ["浙AD12345"]),
        ("plate", "上海A12345和浙江B12345撞了", ["沪A12345", "浙B12345"]),
        ("plate", "浙D后面是五N三幺六", ["浙D5N316"]),
        ("time", "昨晚十点多", ["昨天22:00+"]),
        ("time", "昨晚两点多有人撬我家门", ["昨晚02:00+"]),
        ("time", "晚上一点还在吵", ["01:00"]),
        ("time", "半夜11点多翻墙进来", ["23:00+"]),
        ("time", "下午两点多", ["14:00+"]),
        ("time", "昨天，昨天晚上八点半", ["昨天20:30"]),
        ("time", "半小时前", ["30分钟前"]),
        ("time", "晚上睡不着，提三点建议的", []),
        ("people", "来了五六个人，三十多个工人", ["5-6", "30+"]),
        ("people", "两男一女", ["3"]),
        ("people", "我一个人在家，四十几岁的男的", []),
        ("account", "转到工行卡，尾号8827", ["工商银行", "8827"]),
        ("account", "在建行门口，工单尾号7781", []),
    ],
)  # fmt: skip
def test_values(field: str, text: str, expected: list[str]) -> None:
    assert values(field, text) == expected


def test_the_question_tells_what_an_answer_means() -> None:
    assert values("injured", "有没有人受伤？", "没有，就是吵架") == ["0"]
    assert values("weapon", "他手里有东西吗？", "没有。") == ["无"]
    assert values("weapon", "对方拿什么？", "西瓜刀，这么长") == ["刀"]
    assert values("people", "来了几个人？", "五六个吧") == ["5-6"]
    assert values("amount", "多少钱？", "一共八千六。") == ["8600"]
    assert values("amount", "损失多少？", "打了110，还没算") == []
    assert values("injured", "要不要帮忙？", "没有。") == []


def test_spans_lead_to_the_words() -> None:
    turns = caller("我在古荡", "ＡＢ，昨晚１０点，被騙五千塊")
    place = Location("古荡", 0, 2, 4, "hangzhou", "西湖区", "古荡街道")
    facts = find_facts(turns, place)
    assert [(fact.field, fact.text, fact.value) for fact in facts] == [
        ("place", "古荡", "西湖区古荡街道"),
        ("time", "昨晚１０点", "昨天22:00"),
        ("amount", "五千塊", "5000"),
    ]
    assert all(turns[fact.turn].text[fact.start : fact.end] == fact.text for fact in facts)


def test_only_the_caller_counts_and_a_value_comes_once() -> None:
    turns = [Turn(speaker="operator", text="被骗五千块？"), *caller("是三千块", "对，三千块")]
    assert [(fact.value, fact.turn) for fact in find_facts(turns, None)] == [("3000", 1)]


def test_the_bounds_hold_on_the_written_set() -> None:
    calls = load_set()
    assert len(calls) >= 200
    for part in ("before", "after"):
        scores = measure(call for call in calls if call.part == part)
        assert not {name: score.f1 for name, score in scores.items() if score.f1 < 0.85}


def test_a_span_outside_the_text_is_an_error(tmp_path: Path) -> None:
    line = SET.read_text(encoding="utf-8").splitlines()[0].replace('"start": 2', '"start": 900')
    (tmp_path / "x.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match="outside the text"):
        load_set(tmp_path / "x.jsonl")


def test_a_pattern_must_be_true_to_its_example(tmp_path: Path) -> None:
    path = tmp_path / "patterns.csv"
    path.write_text(
        "field,value,pattern,near,unless,asked,example,counter\nweapon,刀,刀,拿,,,拿刀,拿剪刀\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"line 2, field 'counter'.*gives the fact"):
        load_facts(path)


@given(
    st.lists(
        st.text("受伤没有人刀拿三五十千万块元点晚昨天前个电话138浙A，。 尾号", max_size=40), min_size=1, max_size=4
    )
)
def test_nothing_raises_and_spans_stand(texts: list[str]) -> None:
    turns = caller(*texts)
    for fact in find_facts(turns, None):
        assert fact.text == turns[fact.turn].text[fact.start : fact.end] != ""


@pytest.mark.parametrize("text", [*ANSWERED.values(), *REFUSED.values()])
def test_hostile_texts_pass(text: str) -> None:
    assert len(find_facts(caller(text), None)) <= MOST


HOSTILE = """
from data.records import Turn
from model.facts import find_facts
for piece in ("1", "一", "十", "三个", "刀", "拿刀", "受伤", "两个人", "昨天", "3点", "块", "三千", "没", "手", "浙A", "尾号", "五，", "1:"):
    find_facts([Turn(speaker="caller", text=(piece * 20_000)[:20_000])], None)
    find_facts([Turn(speaker="caller", text=(piece * 50)[:50])] * 400, None)
print("done")
"""


def test_no_text_takes_for_ever() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE], capture_output=True, text=True, cwd=ROOT, timeout=120, check=True
    )
    assert done.stdout == "done\n"
