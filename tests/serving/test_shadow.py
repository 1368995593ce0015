"""The candidate answers silently: nothing it does reaches a caller, and what it said is kept without his words."""

import json
import re
import threading
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from data.records import Call, Suggestion
from model.registry import Registry
from model.suggest import Suggester
from serving.app import create_app
from serving.keys import KeyRing, Role
from serving.releases import Releases
from serving.settings import Settings
from serving.shadow import WAITING, Shadow, answers, labels, summary
from tests.releases import copied, truncated
from tests.serving.conftest import Headers
from tests.serving.test_releases import yidiantong

SAID = "有人拿刀砍人，我叫王小明"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    Registry(tmp_path / "state" / "releases").add(copied(tmp_path / "r1", "r1"))
    return tmp_path / "state"


def key(state: Path) -> Headers:
    return {"Authorization": f"Bearer {KeyRing(state / 'keys.json').create(Role.OPERATOR)[1]}"}


def kept(state: Path, count: int) -> list[dict[str, object]]:
    for _ in range(200):
        rows = [dict(row) for row in answers(state, "r1")]
        if len(rows) >= count:
            return rows
        time.sleep(0.05)
    pytest.fail(f"not {count} rows")


def test_both_answers_are_kept_and_no_words(state: Path) -> None:
    app = create_app(Settings(state_dir=state, shadow_share=1))
    with TestClient(app) as client:
        headers = key(state)
        shown = client.post("/v1/classify", json={"text": SAID}, headers=headers).json()
        client.post("/v1/classify/batch", json={"calls": [{"text": SAID}, {"text": "狗叫"}]}, headers=headers)
        rows = kept(state, 3)
    assert rows[0]["call_id"] == shown["call_id"]
    assert rows[0]["live"] == rows[0]["candidate"]
    written = (state / "shadow" / "r1.jsonl").read_text(encoding="utf-8")
    assert "小明" not in written
    assert "刀" not in written
    done = yidiantong(state, "shadow")
    assert "3 calls answered by both" in done.stdout
    assert "category: 100.0% alike" in done.stdout
    assert yidiantong(state, "shadow", "../keys").returncode == 2


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nothing_is_asked_without_a_share_or_a_candidate(state: Path, share: float) -> None:
    if share:
        Registry(state / "releases").promote("r1")
    app = create_app(Settings(state_dir=state, shadow_share=share))
    with TestClient(app) as client:
        assert client.post("/v1/classify", json={"text": SAID}, headers=key(state)).status_code == 200
        time.sleep(0.3)
    assert not (state / "shadow").exists()


def test_a_broken_candidate_changes_no_answer(state: Path) -> None:
    truncated(state / "releases" / "r1")
    app = create_app(Settings(state_dir=state, shadow_share=1))
    with TestClient(app) as client:
        for _ in range(3):
            answer = client.post("/v1/classify", json={"text": SAID}, headers=key(state))
            assert (answer.status_code, answer.json()["degraded"]) == (200, [])
    assert not (state / "shadow").exists()


def test_a_slow_candidate_is_left_behind(state: Path, monkeypatch: pytest.MonkeyPatch, suggester: Suggester) -> None:
    go = threading.Event()
    settings = Settings(state_dir=state, shadow_share=1)
    shadow = Shadow(settings, Releases(settings))

    def slow(call: Call, shown: Suggestion) -> None:
        go.wait(10)

    monkeypatch.setattr(shadow, "_answer", slow)
    shadow.start()
    call = Call(text=SAID)
    shown = suggester.suggest(call)
    begun = time.monotonic()
    for _ in range(3 * WAITING):
        shadow.take(call, shown)
    assert time.monotonic() - begun < 5
    go.set()
    shadow.stop()


def test_the_summary_counts_head_by_head(tmp_path: Path, suggester: Suggester) -> None:
    said = labels(suggester.suggest(Call(text=SAID)))
    other = said | {"category": "noise", "urgency": "routine_onsite"}
    rows = [{"call_id": "a", "live": said, "candidate": said}, {"call_id": "b", "live": said, "candidate": other}]
    folder = tmp_path / "shadow"
    folder.mkdir()
    (folder / "c.jsonl").write_text("\n".join(map(json.dumps, rows)) + '\n{"call_id": "cut', encoding="utf-8")
    found = summary(answers(tmp_path, "c"))
    assert found["calls"] == 2
    assert found["agreement"] == {"police": 1.0, "category": 0.5, "urgency": 0.5, "destination": 1.0}
    assert found["changes"] == [(f"{said['category']} → noise", 1)]
    assert found["apart"] == ["b"]
    assert summary(answers(tmp_path, "none")) == {"calls": 0, "agreement": {}, "changes": [], "apart": []}


def test_a_disagreement_waits_for_a_reviewer_and_no_operator_sees_it(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Contrary(Suggester):
        def suggest(self, call: Call) -> Suggestion:
            said = super().suggest(call)
            return said.model_copy(update={"category": said.category.model_copy(update={"code": "noise"})})

    monkeypatch.setattr("serving.shadow.Suggester", Contrary)
    app = create_app(Settings(state_dir=state, shadow_share=1))
    with TestClient(app) as client:
        operator = key(state)
        reviewer = {"Authorization": f"Bearer {KeyRing(state / 'keys.json').create(Role.REVIEWER)[1]}"}
        shown = client.post("/v1/classify", json={"text": SAID}, headers=operator).json()
        kept(state, 1)
        for _ in range(200):
            ahead = client.get("/v1/review-calls", params={"queue": "shadow"}, headers=reviewer).json()["calls"]
            if ahead:
                break
            time.sleep(0.05)
        (call,) = ahead
        assert (call["call_id"], call["suggested"]["category"]) == (shown["call_id"], shown["category"]["code"])
        assert (call["candidate"]["version"], call["candidate"]["category"]) == ("r1", "noise")
        assert client.get("/v1/review-queues", headers=reviewer).json()["counts"]["shadow"] == 1
        seen = client.get(f"/v1/calls/{shown['call_id']}", headers=operator).json()
        assert seen["candidate"] is None
    done = yidiantong(state, "shadow", "--output", str(state / "shadow.md"))
    assert done.returncode == 0
    report = (state / "shadow.md").read_text(encoding="utf-8")
    assert "其中 1 件" in report
    assert "| 类别 | 0.0% |" in report
    assert f"- `{shown['call_id']}`" in report
    assert re.search(r"^\| .* `\w+` \| .* `noise` \| 1 \|$", report, re.MULTILINE)
    assert yidiantong(state, "shadow", "--output", str(state / "none" / "shadow.md")).returncode == 2
