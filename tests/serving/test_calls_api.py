"""From the decision to the loop's end, with every wrong turn refused."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.keys import KeyRing, Role
from tests.serving.conftest import Headers
from tests.serving.test_api import fields, problem

LEAK = "我在西湖区古荡，楼上漏水，物业不管，想有人来看看"
KNIFE = "快来人，他拿着刀在追砍人，流了好多血"


@pytest.fixture(scope="module")
def other(state_dir: Any) -> Headers:
    ring = KeyRing(state_dir / "keys.json")
    return {"Authorization": f"Bearer {ring.create(Role.OPERATOR)[1]}"}


def said(client: TestClient, operator: Headers, text: str = LEAK, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/classify", json={"text": text} | more, headers=operator)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def accepted(s: dict[str, Any], **changes: Any) -> dict[str, Any]:
    consent = "given" if s["consent"]["required"] else "not_asked"
    return {"suggestion_id": s["suggestion_id"], "destination": s["destination"]["code"], "consent": consent} | changes


def decide(client: TestClient, operator: Headers, s: dict[str, Any], **changes: Any) -> Any:
    return client.post(f"/v1/calls/{s['call_id']}/decision", json=accepted(s, **changes), headers=operator)


def test_accepted_as_suggested(client: TestClient, operator: Headers) -> None:
    s = said(client, operator)
    answer = decide(client, operator, s, note="联系人：〔姓名〕").json()
    assert answer["decision"]["overrode"] is False
    assert answer["decision"]["destination"] == answer["final"]["destination"] == "grassroots_platform"
    assert answer["suggestion"]["suggestion_id"] == s["suggestion_id"]
    assert [step["name"] for step in answer["loop"] if step["at"]] == ["受理", "分派"]
    assert answer["loop"][2]["due_at"] is not None
    again = decide(client, operator, s).json()
    assert again["decision"] == answer["decision"]


def test_what_the_operator_closes_is_never_overdue(client: TestClient, operator: Headers) -> None:
    s = said(client, operator, "不好意思打错了，没事没事")
    answer = decide(client, operator, s, destination="operator_closes", consent="not_asked").json()
    assert answer["final"]["destination"] == "operator_closes"
    assert [step["due_at"] for step in answer["loop"]] == [None] * 4

    def listed(overdue: bool) -> bool:
        query = {"overdue": overdue, "call_id": s["call_id"]}
        return bool(client.get("/v1/calls", params=query, headers=operator).json()["calls"])

    assert not listed(True)
    assert listed(False)
    report = {"status": "accepted"}
    answer = client.post(f"/v1/calls/{s['call_id']}/outcome", json=report, headers=operator).json()
    assert [step["due_at"] for step in answer["loop"]] == [None] * 4


def test_a_second_different_decision_is_refused(client: TestClient, operator: Headers) -> None:
    s = said(client, operator)
    decide(client, operator, s)
    found = problem(decide(client, operator, s, destination="department"), 409, "conflict")
    assert "grassroots_platform" in found["detail"]


def test_overriding(client: TestClient, operator: Headers) -> None:
    s = said(client, operator)
    answer = decide(client, operator, s, destination="hotline_12345", category="noise", urgency="routine_remote").json()
    assert answer["decision"]["overrode"]
    assert answer["final"] == {"category": "noise", "urgency": "routine_remote", "destination": "hotline_12345"}
    assert answer["police"] == "police"  # the city's policy gives noise to the police


def test_refused_consent_stays_with_the_line(client: TestClient, operator: Headers) -> None:
    s = said(client, operator)
    answer = decide(client, operator, s, consent="refused").json()
    assert answer["final"]["destination"] == "police_station"
    assert answer["decision"]["overrode"] is False
    assert decide(client, operator, s, consent="refused").status_code == 200
    hot = said(client, operator, channel="12345")
    assert decide(client, operator, hot, consent="refused").json()["final"]["destination"] == "hotline_12345"


def test_an_emergency_is_asked_for_nothing(client: TestClient, operator: Headers) -> None:
    s = said(client, operator, KNIFE)
    assert s["urgency"]["level"] == "emergency"
    for consent in ("given", "refused"):
        assert fields(problem(decide(client, operator, s, consent=consent), 422, "invalid")) == ["consent"]
    assert decide(client, operator, s).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [{"urgency": "urgent"}, {"urgency": "routine_remote"}, {"category": "consumer"}, {"destination": "hotline_12345"}],
)
def test_lowering_danger_wants_a_reason(client: TestClient, operator: Headers, changes: dict[str, str]) -> None:
    s = said(client, operator, KNIFE)
    assert fields(problem(decide(client, operator, s, **changes), 422, "invalid")) == ["reason"]
    answer = decide(client, operator, s, **changes, reason="来电人说是演习").json()
    assert answer["decision"]["lowered"]


def test_danger_heard_later_counts_for_an_earlier_suggestion(client: TestClient, operator: Headers) -> None:
    early = said(client, operator)
    said(client, operator, KNIFE, call_id=early["call_id"])
    assert fields(problem(decide(client, operator, early, consent="not_asked"), 422, "invalid")) == ["reason"]


def test_raising_wants_none(client: TestClient, operator: Headers) -> None:
    s = said(client, operator)
    answer = decide(
        client, operator, s, category="fight", urgency="emergency", destination="police_station", consent="not_asked"
    ).json()
    assert answer["decision"]["raised"]
    assert answer["final"]["urgency"] == "emergency"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"suggestion_id": "unknown"}, "suggestion_id"),
        ({"suggestion_id": "a b"}, "suggestion_id"),
        ({"destination": "moon"}, "destination"),
        ({"category": "murder"}, "category"),
        ({"urgency": "soon"}, "urgency"),
        ({"consent": "maybe"}, "consent"),
        ({"note": "长" * 2001}, "note"),
        ({"note": 7}, "note"),
        ({"reason": ["x"]}, "reason"),
        ({"mood": "bad"}, "mood"),
    ],
)
def test_wrong_bodies_name_the_field(
    client: TestClient, operator: Headers, changes: dict[str, Any], field: str
) -> None:
    assert fields(problem(decide(client, operator, said(client, operator), **changes), 422, "invalid")) == [field]


def test_anothers_suggestion_is_none_of_this_call(client: TestClient, operator: Headers) -> None:
    one, two = said(client, operator), said(client, operator)
    body = accepted(one, suggestion_id=two["suggestion_id"])
    answer = client.post(f"/v1/calls/{one['call_id']}/decision", json=body, headers=operator)
    assert fields(problem(answer, 422, "invalid")) == ["suggestion_id"]


def test_unknown_calls_and_others_calls(client: TestClient, operator: Headers, other: Headers) -> None:
    s = said(client, operator)
    problem(client.post("/v1/calls/none/decision", json=accepted(s), headers=operator), 404, "not-found")
    problem(client.get("/v1/calls/none", headers=operator), 404, "not-found")
    problem(client.get("/v1/calls/a%00b", headers=operator), 422, "invalid")
    for answer in (
        decide(client, other, s),
        client.get(f"/v1/calls/{s['call_id']}", headers=other),
        client.post(f"/v1/calls/{s['call_id']}/outcome", json={"status": "accepted"}, headers=other),
    ):
        problem(answer, 403, "forbidden")
    listed = client.get("/v1/calls", headers=other).json()["calls"]
    assert s["call_id"] not in {call["call_id"] for call in listed}


def test_taking_over_a_call_by_its_id_does_not_work(
    client: TestClient, operator: Headers, other: Headers, keys: dict[Role, Headers]
) -> None:
    call_id = said(client, operator)["call_id"]
    more = {"call_id": call_id, "text": KNIFE}
    answer = client.post("/v1/classify", json=more, headers=other)
    assert fields(problem(answer, 403, "forbidden")) == ["call_id"]
    answer = client.post("/v1/classify/batch", json={"calls": [{"text": LEAK}, more]}, headers=other)
    assert fields(problem(answer, 403, "forbidden")) == ["calls.1.call_id"]
    problem(client.get(f"/v1/calls/{call_id}", headers=other), 403, "forbidden")
    for headers, text in ((keys[Role.ADMIN], KNIFE), (operator, LEAK)):
        assert client.post("/v1/classify", json=more | {"text": text}, headers=headers).status_code == 200
        seen = client.get(f"/v1/calls/{call_id}", headers=operator).json()
        assert seen["turns"][0]["text"] == text


def test_the_loop(client: TestClient, operator: Headers) -> None:
    s = said(client, operator)
    where = f"/v1/calls/{s['call_id']}/outcome"

    def report(status: str, **more: str) -> Any:
        return client.post(where, json={"status": status} | more, headers=operator)

    problem(report("accepted"), 409, "conflict")
    decide(client, operator, s)
    problem(report("reopened", reason="x"), 409, "conflict")
    assert fields(problem(report("returned"), 422, "invalid")) == ["reason"]
    assert fields(problem(report("returned", reason="不属本单位"), 422, "invalid")) == ["owner"]
    assert fields(problem(report("accepted", owner="department"), 422, "invalid")) == ["owner"]
    returned = report("returned", reason="不属本单位", owner="department").json()
    assert returned["returned"]
    assert report("accepted").json()["outcome"] == "accepted"
    assert len(report("accepted").json()["outcomes"]) == 2  # the same once more
    resolved = report("resolved", note="已处理").json()
    assert [step["name"] for step in resolved["loop"] if step["at"]] == ["受理", "分派", "处置", "反馈"]
    problem(report("accepted"), 409, "conflict")
    reopened = report("reopened", reason="又漏了").json()
    assert reopened["loop"][3]["at"] is None
    assert reopened["due_at"] is not None


def test_lists_are_filtered_and_paged(client: TestClient, operator: Headers) -> None:
    made = [said(client, operator, call_id=f"page-{number}")["call_id"] for number in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        query: dict[str, Any] = {"limit": 2, "suggested_category": "neighbour_dispute", "decided": "false"} | (
            {"cursor": cursor} if cursor else {}
        )
        page = client.get("/v1/calls", params=query, headers=operator).json()
        assert len(page["calls"]) <= 2
        seen += [call["call_id"] for call in page["calls"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert [call for call in seen if call in made] == made[::-1]
    assert len(seen) == len(set(seen))
    assert client.get("/v1/calls", params={"category": "theft"}, headers=operator).json()["calls"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cursor", "x"),
        ("cursor", "LTEg"),
        ("limit", "0"),
        ("limit", "501"),
        ("limit", "many"),
        ("category", "murder"),
        ("since", "yesterday"),
        ("town", "a\x00b"),
        ("town", "长" * 65),
        ("decided", "perhaps"),
        ("colour", "red"),
    ],
)
def test_wrong_filters_are_named(client: TestClient, operator: Headers, name: str, value: str) -> None:
    found = problem(client.get("/v1/calls", params={name: value}, headers=operator), 422, "invalid")
    assert fields(found)[0].endswith(name)


def test_a_reviewer_sees_the_calls_of_his_city(client: TestClient, operator: Headers, state_dir: Any) -> None:
    s = said(client, operator)
    ring = KeyRing(state_dir / "keys.json")
    for city, status in (("hangzhou", 200), ("ningbo", 403), (None, 200)):
        headers = {"Authorization": f"Bearer {ring.create(Role.REVIEWER, 'R', city)[1]}"}
        assert client.get(f"/v1/calls/{s['call_id']}", headers=headers).status_code == status
        listed = {call["call_id"] for call in client.get("/v1/calls", headers=headers).json()["calls"]}
        assert (s["call_id"] in listed) == (status == 200)
