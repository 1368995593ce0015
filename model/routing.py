"""From an answer and the dangers heard to who goes: destination, track, linked parties, action, consent."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.policy import Policy, Rule
from data.records import Action, Consent
from data.tables import DATA_DIR, Row, load_table
from data.taxonomy import PoliceLabel, Track, Urgency, categories, destinations
from model.decode import Answer
from model.red_flags import Raised

ON_THE_WAY = ("police_station", "traffic_police", "anti_fraud", "fire_119", "ambulance_120", "utility_repair")
PASSED_ON = (Track.GRASSROOTS, Track.HOTLINE)
POLICE_STATION = "police_station"
SILENT = "silent"


class Script(Row):
    """One line of `consent.csv`."""

    track: Track
    script: str


@cache
def scripts(path: Path = DATA_DIR / "consent.csv") -> dict[Track, str]:
    """What the operator says before passing a matter on, by track."""
    return {row.track: row.script for row in load_table(path, Script, key=lambda row: row.track)}


@dataclass(frozen=True)
class Route:
    """Where a call goes and how."""

    destination: str
    urgency: Urgency
    track: Track
    linked: tuple[str, ...]
    action: Action
    reasons: tuple[str, ...]


def route(answer: Answer, policy: Policy, flags: Sequence[Raised], confident: bool, channel: str) -> Route:
    """Applies the policy to the answer, raised by the dangers heard.

    国办发〔2022〕12号: urgent help outside police duty still gets a first response and its owner is told at the same
    time, so an urgent non-police matter links the unit that would own it on a quiet day.
    """
    rule = policy.rules[answer.category]
    urgency = min([answer.urgency, *(raised.flag.raises_to for raised in flags)], key=lambda level: level.rank)
    destination = rule.destination(urgency)
    if flags and destination not in ON_THE_WAY:
        destination = _first_response(flags)
    someone_goes = urgency is not Urgency.ROUTINE_REMOTE
    parties = [*(rule.linked_when_someone_goes if someone_goes else ())]
    if someone_goes and urgency.rank <= Urgency.URGENT.rank and answer.label is PoliceLabel.NON_POLICE:
        parties.append(rule.if_routine_onsite)
    parties += [code for raised in flags for code in raised.flag.adds]
    linked = tuple(dict.fromkeys(code for code in parties if code not in (destination, "hotline_12345")))
    track = _track(answer.label, urgency, destination)
    return Route(
        destination,
        urgency,
        track,
        linked,
        _action(answer, destination, track, urgency, confident, channel),
        _reasons(answer, rule, policy, urgency, destination, flags, confident),
    )


def _first_response(flags: Sequence[Raised]) -> str:
    """Who goes first for a danger whose category nobody on the road owns."""
    gravest = min(flags, key=lambda raised: raised.flag.raises_to.rank)
    return next((code for code in gravest.flag.adds if code in ON_THE_WAY), POLICE_STATION)


def _track(label: PoliceLabel, urgency: Urgency, destination: str) -> Track:
    urgent = urgency.rank <= Urgency.URGENT.rank
    own = destinations()[destination].track
    if label is PoliceLabel.NON_POLICE:
        return Track.JOINT if urgent else own
    return Track.POLICE if label is PoliceLabel.POLICE and own is not Track.CLOSE else own


def _action(answer: Answer, destination: str, track: Track, urgency: Urgency, confident: bool, channel: str) -> Action:
    if destination == "operator_closes":
        return "call_back" if answer.category == SILENT else "answer"
    if destination == "hotline_12345" and channel == "12345":
        return "answer"
    if urgency.rank <= Urgency.URGENT.rank and destination != "hotline_12345":
        return "dispatch"
    if not confident and track in PASSED_ON:
        return "three_way"
    if track is Track.POLICE and answer.label is PoliceLabel.POLICE and channel == "110":
        return "dispatch"
    return "transfer" if track in (Track.POLICE, Track.HOTLINE) else "work_order"


def consent(route: Route, label: PoliceLabel, category: str, unit: str | None, channel: str) -> Consent:
    """Asked only for a non-police routine matter that leaves the desk that took the call; never in an emergency."""
    stays = route.destination == "operator_closes" or (channel == "12345" and route.destination == "hotline_12345")
    routine = route.urgency.rank >= Urgency.ROUTINE_ONSITE.rank
    if stays or not routine or label is not PoliceLabel.NON_POLICE:
        return Consent(required=False, script=None)
    script = scripts().get(route.track, scripts()[Track.POLICE])
    to = unit or destinations()[route.destination].name
    return Consent(required=True, script=script.format(name=f"“{categories()[category].name}”", to=to))


def _reasons(
    answer: Answer,
    rule: Rule,
    policy: Policy,
    urgency: Urgency,
    destination: str,
    flags: Sequence[Raised],
    confident: bool,
) -> tuple[str, ...]:
    name, owner = categories()[answer.category].name, f"（{rule.responsible}）" if rule.responsible else ""
    told = [
        f"{answer.label.label}·{name}，{urgency.label} → {destinations()[destination].name}{owner}，按 {policy.version}"
    ]
    if flags:
        heard = "、".join(f"{raised.flag.name}“{raised.text}”" for raised in flags)
        told.append(f"听到危险信号：{heard}，只升不降")
    if rule.contested:
        told.append("各地归口不一，以本市规则为准" + (f"（{rule.source}）" if rule.source else ""))
    if not confident:
        told.append("把握不足：请看备选并追问后再定")
    return tuple(told)
