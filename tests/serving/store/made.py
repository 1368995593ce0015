"""Entries for tests, as the service would write them."""

from datetime import UTC, datetime
from typing import Any

from data.records import Turn
from data.taxonomy import categories, destinations
from serving.keys import Key, Role
from serving.store.entries import By, Decided, Reviewed, Suggested, new_id

ANNA = By(id="a1", role="operator", name="安娜", city="hangzhou")
BORIS = By(id="b2", role="reviewer", name="鲍里斯", city="hangzhou")
CLARA = By(id="c3", role="reviewer", name="克拉拉")
NOON = datetime(2025, 11, 20, 4, tzinfo=UTC)  # noon in Hangzhou


def key(by: By) -> Key:
    return Key(by.id, Role(by.role), "", "", name=by.name, city=by.city)


def suggestion(call_id: str, category: str = "neighbour_dispute", **changes: Any) -> dict[str, Any]:
    found = categories()[category]
    urgency = changes.get("urgency", found.default_urgency.value)
    destination = changes.get("destination", "grassroots_platform")
    return {
        "call_id": call_id,
        "suggestion_id": changes.get("suggestion_id") or new_id(),
        "police": {"label": changes.get("police", found.police.value), "probability": 0.9},
        "category": {"code": category, "name": found.name, "group": found.group,
                     "probability": changes.get("probability", 0.8), "alternatives": []},
        "urgency": {"level": urgency, "probability": 0.9},
        "destination": {"code": destination, "name": destinations()[destination].name, "unit": changes.get("unit"),
                        "responsible": "镇街", "track": destinations()[destination].track.value,
                        "probability": changes.get("probability", 0.8), "alternatives": []},
        "linked": [],
        "action": "work_order",
        "consent": {"required": changes.get("consent", False), "script": None},
        "confident": changes.get("confident", True),
        "reasons": ["规则"],
        "evidence": [],
        "red_flags": [{"id": flag, "text": "刀"} for flag in changes.get("flags", ())],
        "ask_next": [],
        "location": changes.get("location"),
        "degraded": [],
        "model_version": "m1",
        "policy_version": "hangzhou-1",
        "elapsed_ms": 6.0,
    }  # fmt: skip


def suggested(call_id: str, by: By = ANNA, at: datetime = NOON, text: str = "楼上漏水", **changes: Any) -> Suggested:
    return Suggested(
        by=by,
        at=at,
        call_id=call_id,
        city=changes.pop("city", "hangzhou"),
        channel="110",
        turns=(Turn(speaker="caller", text=text),),
        numbers=changes.pop("numbers", ()),
        partial=changes.pop("partial", False),
        suggestion=suggestion(call_id, **changes),
    )


def decided(shown: Suggested, by: By = ANNA, **changes: Any) -> Decided:
    s = shown.suggestion
    return Decided(
        **{
            "by": by,
            "at": shown.at,
            "call_id": shown.call_id,
            "suggestion_id": s["suggestion_id"],
            "category": s["category"]["code"],
            "urgency": s["urgency"]["level"],
            "destination": s["destination"]["code"],
            "consent": "not_asked",
            "overrode": False,
            "lowered": False,
            "raised": False,
        }
        | changes
    )


def reviewed(call_id: str, by: By = BORIS, **changes: Any) -> Reviewed:
    fields: dict[str, Any] = {
        "by": by,
        "call_id": call_id,
        "batch": new_id(),
        "verdict": "approve",
        "category": "neighbour_dispute",
        "urgency": "routine_onsite",
        "destination": "grassroots_platform",
    }
    return Reviewed(**fields | changes)
