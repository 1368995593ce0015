"""The locator against written utterances, and its rules one by one."""

import csv
from pathlib import Path

import pytest

from data.gazetteer import CITY_NAMES, load_gazetteer
from model.location import Location, Locator

CASES = Path(__file__).with_name("location_cases.csv")


@pytest.fixture(scope="module")
def locator() -> Locator:
    return Locator(load_gazetteer())


def place(found: Location | None) -> tuple[str, str | None] | None:
    return (found.district, found.town) if found else None


def test_precision_and_recall(locator: Locator) -> None:
    with CASES.open(encoding="utf-8", newline="") as file:
        cases = list(csv.DictReader(file))
    given = right = wanted = 0
    misses = []
    for case in cases:
        found = place(locator.locate([(0, case["text"])], case["city"]))
        expected = (case["district"], case["town"] or None) if case["district"] else None
        given += found is not None
        wanted += expected is not None
        right += found is not None and found == expected
        if found != expected:
            misses.append(f"{case['text']}: {expected} but {found}")
    precision, recall = right / given, right / wanted
    print(f"\n{len(cases)} utterances: precision {precision:.3f}, recall {recall:.3f}", *misses, sep="\n  ")
    assert len(cases) >= 150
    assert {case["city"] for case in cases} == set(CITY_NAMES)
    assert precision >= 0.97
    assert recall >= 0.95


def test_words_and_offsets(locator: Locator) -> None:
    text = "喂你好，诸暨牌头这边的服装厂欠薪"
    found = locator.locate([(1, "喂"), (3, text)], "shaoxing")
    assert found == Location("诸暨牌头", 3, 4, 8, "shaoxing", "诸暨市", "牌头镇")
    assert text[found.start : found.end] == found.text


@pytest.mark.parametrize(
    ("text", "away"),
    [
        ("我在余杭仓前", False),
        ("我老家在余杭仓前", True),
        ("我老家在余杭仓前，现在在余杭仓前", False),
        ("我在余杭仓前打工", True),
        ("我是余杭仓前的", True),
        ("我从余杭仓前过来的", True),
    ],
)
def test_a_place_is_away_when_the_words_around_say_so(locator: Locator, text: str, away: bool) -> None:
    found = locator.locate([(0, text)], "hangzhou")
    assert found is not None
    assert found.away == away


def test_place_of_another_city_comes_with_its_city(locator: Locator) -> None:
    found = locator.locate([(0, "我在乌镇西栅的民宿里")], "hangzhou")
    assert found is not None
    assert (found.city, found.district, found.town) == ("jiaxing", "桐乡市", "乌镇镇")


@pytest.mark.parametrize(
    ("city", "district", "town"),
    [("ningbo", "海曙区", "高桥镇"), ("jiaxing", "桐乡市", "高桥街道"), ("taizhou", "黄岩区", "高桥街道")],
)
def test_the_asked_city_comes_first(locator: Locator, city: str, district: str, town: str) -> None:
    assert place(locator.locate([(0, "高桥这边停电了")], city)) == (district, town)


def test_two_towns_of_one_name_are_not_guessed(locator: Locator) -> None:
    assert locator.locate([(0, "横溪这边山上有人受伤")], "hangzhou") is None


def test_a_district_said_later_tells_towns_apart(locator: Locator) -> None:
    turns = [(1, "横溪这边山上有人受伤"), (3, "嗯，仙居的")]
    assert place(locator.locate(turns, "hangzhou")) == ("仙居县", "横溪镇")


def test_district_and_town_of_one_name_give_the_district(locator: Locator) -> None:
    assert place(locator.locate([(0, "我在柯桥")], "shaoxing")) == ("柯桥区", None)
    assert place(locator.locate([(0, "我在柯桥街道")], "shaoxing")) == ("柯桥区", "柯桥街道")


def test_a_later_mention_completes_an_earlier_one(locator: Locator) -> None:
    found = locator.locate([(1, "我在诸暨，工资没发"), (3, "牌头镇上那家服装厂")], "shaoxing")
    assert place(found) == ("诸暨市", "牌头镇")
    assert found is not None
    assert (found.turn, found.text) == (3, "牌头镇")


def test_two_districts_without_a_hint_give_none(locator: Locator) -> None:
    assert locator.locate([(0, "滨江跟萧山交界那里")], "hangzhou") is None


def test_two_towns_without_a_hint_give_their_district(locator: Locator) -> None:
    assert place(locator.locate([(0, "古荡翠苑那一带都停电了")], "hangzhou")) == ("西湖区", None)


@pytest.mark.parametrize("text", ["东湖那里", "城南那边", "保安打人", "花园里", "大桥下面", "三单元", "和平解决"])
def test_everyday_words_are_no_places(locator: Locator, text: str) -> None:
    assert all(locator.locate([(0, text)], city) is None for city in CITY_NAMES)


def test_everyday_words_count_after_their_district_or_with_their_kind(locator: Locator) -> None:
    assert place(locator.locate([(0, "越城区东湖")], "shaoxing")) == ("越城区", "东湖街道")
    assert place(locator.locate([(0, "东湖街道")], "shaoxing")) == ("越城区", "东湖街道")
    assert place(locator.locate([(0, "绍兴东湖街道")], "hangzhou")) == ("越城区", "东湖街道")


@pytest.mark.parametrize(
    "text",
    [
        "诸暨路和望江路口",
        "绍兴银行",
        "温州人",
        "宁波话",
        "杭州人",
        "北仑牌",
        "我是安徽人",
        "我是诸暨人",
        "萧山中学",
        "莫干山路",
        "义乌第二小学",
        "金华火腿",
        "富阳农商银行",
        "我在上海普陀区",
        "我在江苏苏州",
        "不在古荡",
    ],
)
def test_other_things_of_that_name(locator: Locator, text: str) -> None:
    assert locator.locate([(0, text)], "shaoxing") is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["不是古荡，是翠苑"], ("西湖区", "翠苑街道")),
        (["在古荡", "不对不对，在三墩"], ("西湖区", "三墩镇")),
        (["是不是在古荡啊我也搞不清楚"], ("西湖区", "古荡街道")),
        (["我老家在富阳，现在住在滨江"], ("滨江区", None)),
        (["从九堡打车去滨江，我在九堡等他"], ("上城区", "九堡街道")),
        (["我老公在滨江上班，我家住临平"], ("临平区", None)),
        (["以前是江干区的"], ("上城区", None)),
        (["我是余杭区良渚的，楼上漏水"], ("余杭区", "良渚街道")),
    ],
)
def test_what_the_words_around_say(locator: Locator, texts: list[str], expected: tuple[str, str | None]) -> None:
    assert place(locator.locate(list(enumerate(texts)), "hangzhou")) == expected


@pytest.mark.parametrize("texts", [[], [(0, "")], [(0, "喂")], [(0, "我在宁波")], [(0, "快点来人")]])
def test_nothing_named(locator: Locator, texts: list[tuple[int, str]]) -> None:
    assert locator.locate(texts, "ningbo") is None


@pytest.mark.parametrize("piece", ["今天天气不错我想问一下医保怎么弄", "古荡", "我在诸暨牌头这边", "绍兴路", "西湖区"])
def test_long_texts_are_read(locator: Locator, piece: str) -> None:
    text = (piece * 10_000)[:20_000]
    short = locator.locate([(0, piece)], "hangzhou")
    assert place(locator.locate([(0, text)], "hangzhou")) == place(short)


def test_a_flood_of_names_is_cut_off(locator: Locator) -> None:
    assert place(locator.locate([(0, "古荡。" * 2_000)], "hangzhou")) == ("西湖区", "古荡街道")
