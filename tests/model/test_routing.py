"""The policy applied: tracks, first response, linked parties, action, consent."""

from dataclasses import replace

import numpy as np
import pytest

from data.policy import load_policy
from data.records import Turn
from data.taxonomy import PoliceLabel, Track, Urgency, categories
from model.decode import Answer
from model.red_flags import load_flags, raised_flags
from model.routing import Dangers, Route, consent, route


def answered(code: str, urgency: str) -> Answer:
    rule = load_policy("hangzhou").rules[code]
    level = Urgency(urgency)
    even = np.zeros(65, np.float32)
    return Answer((0, 0), rule.owner, code, level, rule.destination(level), {"police": 1.0}, even, {}, danger=0.4)


def way(
    code: str, urgency: str, heard: str = "", confident: bool = True, channel: str = "110", suspected: bool = False
) -> Route:
    flags = [(raised.flag, heard[raised.start : raised.end])
             for raised in raised_flags([Turn(speaker="caller", text=heard)])]  # fmt: skip
    return route(answered(code, urgency), load_policy("hangzhou"), Dangers(flags, suspected), confident, channel)


@pytest.mark.parametrize(
    ("code", "urgency", "destination", "track", "action"),
    [
        ("fight", "emergency", "police_station", "police", "dispatch"),
        ("theft", "routine_onsite", "police_station", "police", "dispatch"),
        ("telecom_fraud", "emergency", "anti_fraud", "police", "dispatch"),
        ("neighbour_dispute", "routine_onsite", "grassroots_platform", "grassroots", "work_order"),
        ("debt_contract_dispute", "routine_onsite", "mediation_centre", "grassroots", "work_order"),
        ("neighbour_dispute", "urgent", "police_station", "joint", "dispatch"),
        ("gas_hazmat", "emergency", "fire_119", "police", "dispatch"),
        ("utility_hazard", "urgent", "utility_repair", "joint", "dispatch"),
        ("gov_consult", "routine_remote", "hotline_12345", "hotline", "transfer"),
        ("police_complaint", "routine_remote", "operator_closes", "close", "answer"),
        ("misdial", "routine_remote", "operator_closes", "close", "answer"),
        ("silent", "routine_remote", "operator_closes", "close", "call_back"),
        ("move_car", "routine_onsite", "traffic_police", "police", "transfer"),
    ],
)
def test_the_five_tracks(code: str, urgency: str, destination: str, track: str, action: str) -> None:
    found = way(code, urgency)
    assert (found.destination, found.track, found.action) == (destination, track, action)


@pytest.mark.parametrize(
    ("city", "urgency", "action"),
    [("shaoxing", "routine_remote", "transfer"), ("hangzhou", "routine_onsite", "dispatch")],
)
def test_nobody_is_dispatched_to_a_hotline(city: str, urgency: str, action: str) -> None:
    policy = load_policy(city)
    rule = policy.rules["noise"]
    reply = replace(answered("noise", urgency), label=rule.owner, destination=rule.destination(Urgency(urgency)))
    assert route(reply, policy, Dangers(), True, "110").action == action


def test_an_urgent_non_police_matter_links_its_owner() -> None:
    assert "grassroots_platform" in way("neighbour_dispute", "urgent").linked
    assert "department" in way("consumer", "urgent").linked


def test_a_destination_is_not_linked_to_itself_and_nobody_is_linked_when_nobody_goes() -> None:
    for code in categories():
        for urgency in Urgency:
            found = way(code, urgency)
            assert found.destination not in found.linked
            assert len(set(found.linked)) == len(found.linked)
            assert urgency is not Urgency.ROUTINE_REMOTE or found.linked == ()


@pytest.mark.parametrize("code", list(categories()))
@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize("heard", ["他拿着刀追人", "屋里一股煤气味", "他就在门口守着"])
def test_flags_only_raise_and_only_add(code: str, urgency: Urgency, heard: str) -> None:
    plain, flagged = way(code, urgency), way(code, urgency, heard)
    assert flagged.urgency.rank <= min(plain.urgency.rank, Urgency.URGENT.rank)
    assert flagged.track not in (Track.HOTLINE, Track.CLOSE, Track.GRASSROOTS)
    assert flagged.action == "dispatch"
    parties = {flagged.destination, *flagged.linked}
    assert parties & {"police_station", "fire_119", "traffic_police"}
    assert {plain.destination, *plain.linked} - {"hotline_12345", "operator_closes"} <= parties
    assert not consent(flagged, answered(code, urgency).label, categories()[code], None, "110").required


def test_gas_goes_to_the_fire_brigade_even_from_a_question() -> None:
    found = way("gov_consult", "routine_remote", "屋里一股煤气味")
    assert (found.destination, found.urgency) == ("fire_119", Urgency.EMERGENCY)


def test_consent_is_asked_for_routine_non_police_matters_that_are_passed_on() -> None:
    non_police = PoliceLabel.NON_POLICE
    asked = consent(
        way("neighbour_dispute", "routine_onsite"),
        non_police,
        categories()["neighbour_dispute"],
        "古荡街道社会治理中心",
        "110",
    )
    assert asked.required
    assert asked.script is not None
    assert "古荡街道社会治理中心" in asked.script
    for code, urgency, label in (
        ("neighbour_dispute", "urgent", non_police),
        ("theft", "routine_onsite", PoliceLabel.POLICE),
        ("misdial", "routine_remote", PoliceLabel.INVALID),
    ):
        assert not consent(way(code, urgency), label, categories()[code], None, "110").required
    stays = way("gov_consult", "routine_remote", channel="12345")
    assert stays.action == "answer"
    assert not consent(stays, non_police, categories()["gov_consult"], None, "12345").required


def test_not_sure_who_owns_it_asks_the_owner_in() -> None:
    assert way("consumer", "routine_remote", confident=False).action == "three_way"
    assert way("fight", "emergency", confident=False).action == "dispatch"


def test_reasons_name_the_rule_and_the_danger() -> None:
    found = way("noise", "routine_onsite", "他拿着刀下来了", confident=False)
    assert load_policy("hangzhou").version in found.reasons[0]
    assert any("拿着刀" in reason for reason in found.reasons)
    assert any("把握不足" in reason for reason in found.reasons)
    assert any("噪声污染防治法" in reason for reason in found.reasons)


def test_not_sure_and_danger_possible_is_police_first() -> None:
    found = way("consumer", "routine_remote", confident=False, suspected=True)
    assert (found.destination, found.urgency, found.action) == ("police_station", Urgency.URGENT, "dispatch")
    assert found.track is Track.JOINT
    assert any("先按警情处置" in reason for reason in found.reasons)
    assert way("fire", "emergency", confident=False, suspected=True).destination == "fire_119"


def test_a_flag_that_the_model_all_but_contradicts_sends_somebody_now() -> None:
    flag = next(flag for flag in load_flags() if flag.raises_to is Urgency.EMERGENCY)
    assert Dangers([(flag, "拿刀")]).raise_to == [Urgency.EMERGENCY]
    assert Dangers([(flag, "拿刀")], doubted=True).raise_to == [Urgency.URGENT]
    assert Dangers([(flag, "拿刀")], doubted=True).adds == list(flag.adds)
