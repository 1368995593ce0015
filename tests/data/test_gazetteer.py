"""The place files, and what happens when a line of them is wrong."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from data.gazetteer import CITY_NAMES, PLACES_DIR, Gazetteer, Place, load_gazetteer, short_name
from data.tables import DataError

DISTRICTS = {
    "hangzhou": 13,
    "ningbo": 10,
    "wenzhou": 12,
    "jiaxing": 7,
    "huzhou": 5,
    "shaoxing": 6,
    "jinhua": 9,
    "quzhou": 6,
    "zhoushan": 4,
    "taizhou": 9,
    "lishui": 9,
}


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return load_gazetteer()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PLACES_DIR, tmp_path / "places"))


def test_all_cities_have_their_districts(gazetteer: Gazetteer) -> None:
    assert Counter(place.city for place in gazetteer.places if place.town is None) == DISTRICTS
    assert sum(place.town is not None for place in gazetteer.places) > 1_300


def test_every_district_but_longgang_has_towns(gazetteer: Gazetteer) -> None:
    with_towns = {(place.city, place.district) for place in gazetteer.places if place.town}
    without = {(place.city, place.district) for place in gazetteer.places} - with_towns
    assert without == {("wenzhou", "龙港市")}


@pytest.mark.parametrize(
    ("city", "district", "town"),
    [
        ("hangzhou", "上城区", "九堡街道"),
        ("hangzhou", "拱墅区", "武林街道"),
        ("hangzhou", "临平区", "乔司街道"),
        ("hangzhou", "钱塘区", "下沙街道"),
        ("hangzhou", "萧山区", "盈丰街道"),
        ("ningbo", "海曙区", "高桥镇"),
        ("ningbo", "江北区", "外滩街道"),
        ("wenzhou", "洞头区", "昆鹏街道"),
        ("huzhou", "南浔区", "东迁街道"),
        ("huzhou", "德清县", "康乾街道"),
        ("shaoxing", "新昌县", "沃洲镇"),
        ("shaoxing", "嵊州市", "浦口街道"),
    ],
)
def test_divisions_are_those_of_today(gazetteer: Gazetteer, city: str, district: str, town: str) -> None:
    assert Place(city, district, town) in gazetteer.places


def test_abolished_divisions_are_gone(gazetteer: Gazetteer) -> None:
    names = {place.district for place in gazetteer.places} | {place.town for place in gazetteer.places}
    assert not names & {"江干区", "下城区", "江东区", "绍兴县", "中马街道", "旧馆镇", "大市聚镇", "岭上乡"}


def test_table_is_sorted() -> None:
    lines = (PLACES_DIR / "zhejiang.csv").read_text("utf-8").splitlines()[1:]
    rows = [line.split(",") for line in lines]
    assert rows == sorted(rows)


def test_aliases_of_all_cities(gazetteer: Gazetteer) -> None:
    assert len(gazetteer.aliases) >= 250
    assert {place.city for places in gazetteer.aliases.values() for place in places} == set(CITY_NAMES)
    assert gazetteer.aliases["金沙湖地铁站"] == (Place("hangzhou", "钱塘区", "下沙街道"),)


def test_everyday_words_are_marked(gazetteer: Gazetteer) -> None:
    assert {"和平", "新建", "大桥", "城南", "东湖", "保安", "留下", "三单", "太阳"} <= gazetteer.common_words


@pytest.mark.parametrize(
    ("name", "short"),
    [("古荡街道", "古荡"), ("壶镇镇", "壶镇"), ("柳城畲族镇", "柳城"), ("景宁畲族自治县", "景宁"), ("乌镇", "乌镇")],
)
def test_short_name(name: str, short: str) -> None:
    assert short_name(name) == short


def test_a_wrong_header_is_named(folder: Path) -> None:
    (folder / "aliases.csv").write_text("name,city\n", "utf-8")
    with pytest.raises(DataError, match="must be alias,city,district,town"):
        load_gazetteer(folder)


def test_a_kind_without_words_is_named(folder: Path) -> None:
    (folder / "context.csv").write_text("kind,word\nhere,在\n", "utf-8")
    with pytest.raises(DataError, match="no word of kind"):
        load_gazetteer(folder)
