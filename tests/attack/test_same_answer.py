"""The same call gets the same answer by whatever door it comes: HTTP alone and in a batch, live, both commands."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from serving.cli import app as commands
from tests.serving.conftest import Headers
from tests.serving.live_client import closed, said, url

TEXTS = (
    "我停在西湖区古荡街道莲花小区楼下的电瓶车被偷了", "楼上漏水，物业不管，想有人来看看", "他拿着刀在楼下砍人，快来", "他要sharen，石欠了我邻居",
    "报\u200b警，樓下著火了", "想问一下社保怎么转", "😭😭😭", "打错了", "hello I lost my passport near West Lake", "嗯，" * 400 + "煤气味很重",
)  # fmt: skip
HEADS = ("police", "category", "urgency", "destination")
SAME = (
    "linked",
    "action",
    "consent",
    "confident",
    "reasons",
    "evidence",
    "red_flags",
    "ask_next",
    "location",
    "model_version",
    "policy_version",
)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def steady(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in (*HEADS, *SAME)}


def by_live(client: TestClient, headers: Headers, call_id: str, turns: list[dict[str, Any]]) -> dict[str, Any]:
    """The final suggestion of a call of which everything may have been said before the first answer is shown."""
    with client.websocket_connect(url(call_id), headers=headers) as live:
        assert live.receive_json()["type"] == "ready"
        for turn in turns:
            live.send_json(turn)
        live.send_json({"type": "end"})
        seen: list[dict[str, Any]] = []
        assert closed(live, seen) == (1000, "the call has ended")
        return seen[-1]


def test_one_block(client: TestClient, operator: Headers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIDIANTONG_STATE_DIR", str(tmp_path))
    alone = [client.post("/v1/classify", json={"text": text}, headers=operator).json() for text in TEXTS]
    batch = client.post(
        "/v1/classify/batch", json={"calls": [{"text": text} for text in TEXTS]}, headers=operator
    ).json()["suggestions"]
    turn = client.post(
        "/v1/classify/batch", json={"calls": [{"turns": [said(text)]} for text in TEXTS]}, headers=operator
    ).json()["suggestions"]
    (tmp_path / "in.jsonl").write_text(
        "".join(json.dumps({"id": n, "text": text}) + "\n" for n, text in enumerate(TEXTS)), encoding="utf-8"
    )
    runner = CliRunner()
    done = runner.invoke(
        commands, ["predict", "--input", str(tmp_path / "in.jsonl"), "--output", str(tmp_path / "out.jsonl")]
    )
    assert done.exit_code == 0, done.output
    bulk = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    command = [json.loads(runner.invoke(commands, ["classify", text, "--json"]).stdout) for text in TEXTS[:3]]
    for number, answer in enumerate(alone):
        for other in (batch, turn, bulk, command[number : number + 1] and command):
            if number < len(other):
                assert steady(other[number]) == steady(answer), TEXTS[number]


@pytest.mark.parametrize("text", TEXTS)
def test_live(client: TestClient, operator: Headers, text: str) -> None:
    alone = client.post("/v1/classify", json={"text": text}, headers=operator).json()
    live = by_live(client, operator, f"same-{TEXTS.index(text)}", [said(text)])
    if not live["settled"]:  # shown before the caller had hung up, and too little to be sure of
        live["confident"] = alone["confident"]
    assert steady(live) == steady(alone)


def test_a_dialogue(client: TestClient, operator: Headers) -> None:
    turns = [
        said("请讲", "operator"),
        said("我停在楼下的电瓶车被偷了"),
        said("在哪里", "operator"),
        said("西湖区古荡街道莲花小区"),
    ]
    alone = client.post("/v1/classify", json={"turns": turns}, headers=operator).json()
    batch = client.post("/v1/classify/batch", json={"calls": [{"turns": turns}] * 2}, headers=operator).json()[
        "suggestions"
    ]
    live = by_live(client, operator, "same-dialogue", turns)
    assert steady(batch[0]) == steady(batch[1]) == steady(alone)
    assert {head: live[head] for head in HEADS} == {head: alone[head] for head in HEADS}
