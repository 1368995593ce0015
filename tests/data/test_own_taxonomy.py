"""What a city adds to the categories and merges of them, and every way in which its file can be wrong."""

from pathlib import Path

import pytest

from data.own_taxonomy import LARGEST, PACKAGED, Taxonomy, load_taxonomy, together
from data.policy import DEFAULT_CITY, load_policy, policies
from data.tables import DataError
from data.taxonomy import PoliceLabel, Urgency, categories

HEADER = (
    "code,into,group,group_name,name,police,default_urgency,scope,if_emergency_or_urgent,if_routine_onsite,"
    "if_routine_remote,linked_when_someone_goes\n"
)
WAYS = "police_station,grassroots_platform,hotline_12345,"
DRONE = f"drone,,public_order,,无人机,police,urgent,放飞无人机,{WAYS}\n"


def merge(code: str, into: str) -> str:
    return f"{code},{into},,,,,,,,,,\n"


def written(folder: Path, rows: str | bytes, header: str = HEADER) -> Path:
    path = folder / "city.csv"
    path.write_bytes(rows if isinstance(rows, bytes) else (header + rows).encode())
    return path


def loaded(folder: Path, rows: str) -> Taxonomy:
    return load_taxonomy(written(folder, rows))


def test_what_stays_keeps_its_order_and_what_is_new_comes_behind(tmp_path: Path) -> None:
    found = loaded(tmp_path, DRONE + merge("transport_service", "public_service"))
    assert found.codes == (*(code for code in categories() if code != "transport_service"), "drone")
    assert found.categories["drone"].group_name == categories()["noise"].group_name
    assert found.resolved("transport_service") == "public_service"
    assert found.resolved("theft") == "theft"
    with pytest.raises(ValueError, match="not a category of this taxonomy"):
        found.resolved("balloon")


def test_merges_follow_chains_also_into_a_new_category(tmp_path: Path) -> None:
    found = loaded(tmp_path, merge("fight", "disorder") + merge("disorder", "drone") + DRONE)
    assert found.resolved("fight") == found.resolved("disorder") == "drone"


def test_the_same_content_is_the_same_taxonomy(tmp_path: Path) -> None:
    one = loaded(tmp_path, DRONE)
    assert one == loaded(tmp_path, "# said again\n" + DRONE)
    assert one != PACKAGED
    assert one != loaded(tmp_path, DRONE.replace("无人机", "无人驾驶航空器"))
    assert PACKAGED.version == ""


def test_every_city_routes_what_is_added_as_the_file_says(tmp_path: Path) -> None:
    found = loaded(tmp_path, DRONE + merge("transport_service", "public_service"))
    for city, policy in policies(found).items():
        assert tuple(policy.rules) == found.codes
        assert policy.rules["drone"].owner is PoliceLabel.POLICE
        assert policy.rules["drone"].destination(Urgency.ROUTINE_ONSITE) == "grassroots_platform"
        assert policy.rules["noise"] == load_policy(city).rules["noise"]
        assert policy.version != load_policy(city).version
    assert load_policy(DEFAULT_CITY, taxonomy=PACKAGED) == load_policy(DEFAULT_CITY)


def test_files_that_several_judge_are_read_with_all_they_know(tmp_path: Path) -> None:
    found = together(PACKAGED, loaded(tmp_path, DRONE + merge("fight", "disorder")))
    assert found.codes == (*categories(), "drone")
    assert not found.merged


WRONG = {
    "code that is there already": (DRONE.replace("drone", "theft"), 2, "code", "is a category of taxonomy.csv already"),
    "code twice": (DRONE + DRONE, 3, "code", "stands already in line 2"),
    "added and merged": (DRONE + merge("drone", "theft"), 3, "code", "stands already in line 2"),
    "code that is no code": (DRONE.replace("drone", "Drohne!"), 2, "code", "pattern"),
    "no name": (DRONE.replace("无人机,", ",", 1), 2, "name", "required"),
    "no scope": (DRONE.replace("放飞无人机", " "), 2, "scope", "required"),
    "unknown owner": (DRONE.replace(",police,", ",army,"), 2, "police", "Input should be"),
    "unknown urgency": (DRONE.replace(",urgent,", ",soon,"), 2, "default_urgency", "Input should be"),
    "unknown destination": (DRONE.replace("grassroots_platform", "moon"), 2, "if_routine_onsite", "not a destination"),
    "no destination": (DRONE.replace("hotline_12345", ""), 2, "if_routine_remote", "required"),
    "unknown linked": (DRONE.replace(WAYS, WAYS + "moon"), 2, "linked_when_someone_goes", "not a destination"),
    "new group without a name": (DRONE.replace("public_order", "air"), 2, "group_name", "wants a name"),
    "group of another name": (DRONE.replace("public_order,,", "public_order,空域,"), 2, "group_name", "called"),
    "invalid in part": (DRONE.replace("public_order", "invalid"), 2, "", "invalid"),
    "merged from nowhere": (merge("balloon", "theft"), 2, "code", "not a category of taxonomy.csv"),
    "merged into nothing": (merge("theft", "balloon"), 2, "into", "'balloon' is not a category"),
    "merged into itself": (merge("theft", "theft"), 2, "into", "circle"),
    "a circle": (merge("theft", "robbery") + merge("robbery", "theft"), 2, "into", "circle"),
    "a call that is none": (merge("silent", "theft"), 2, "into", "invalid calls"),
    "a merge with a name": (merge("theft", "robbery").replace(",,,,,,", ",,偷,,,,", 1), 2, "", "Extra inputs"),
    "too few columns": ("theft,robbery\n", 2, "", "has not 12 columns"),
    "nothing": ("", 1, "", "adds and merges nothing"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, case: str) -> None:
    rows, line, field, message = WRONG[case]
    path = written(tmp_path, rows)
    with pytest.raises(DataError, match=message) as caught:
        load_taxonomy(path)
    assert (caught.value.file, caught.value.line) == (path, line)
    assert not field or caught.value.field == field


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not UTF-8") as caught:
        load_taxonomy(written(tmp_path, (HEADER + DRONE).encode("gb18030")))
    assert caught.value.line == 2
    with pytest.raises(DataError, match="larger than"):
        load_taxonomy(written(tmp_path, b"#" * (LARGEST + 1)))
    with pytest.raises(DataError, match="Extra inputs"):
        load_taxonomy(written(tmp_path, DRONE.replace("\n", ",red\n"), HEADER.replace("\n", ",colour\n")))
    with pytest.raises(DataError, match="cannot be read"):
        load_taxonomy(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot be read"):
        load_taxonomy(tmp_path)
