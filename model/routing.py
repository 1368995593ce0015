"""From an answer and the dangers heard to who goes: destination, track, linked parties, action, consent."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from data.policy import Policy, Rule
from data.records import Action, Consent
from data.tables import DATA_DIR, Row, filled_by, load_table
from data.taxonomy import Category, PoliceLabel, Track, Urgency, destinations
from model.decode import Answer
from model.red_flags import Flag

ON_THE_WAY = ("police_station", "traffic_police", "anti_fraud", "fire_119", "ambulance_120", "utility_repair")
PASSED_ON = (Track.GRASSROOTS, Track.HOTLINE)
POLICE_STATION = "police_station"
NOT_LINKED = ("hotline_12345", "operator_closes")
SILENT = "silent"


class Script(Row):
    """One line of `consent.csv`; `{name}` and `{to}` are filled in."""

    track: Track
    script: Annotated[str, AfterValidator(filled_by("name", "to"))]


@cache
def scripts(path: Path = DATA_DIR / "consent.csv") -> dict[Track, str]:
    """What the operator says before passing a matter on, by track."""
    return {row.track: row.script for row in load_table(path, Script, key=lambda row: row.track)}


@dataclass(frozen=True)
class Dangers:
    """What raises a call: flags with the words that were heard, and whether an unsure model suspects danger.

    Not sure and danger possible is treated as police first. A flag that the model all but contradicts (`doubted`)
    still sends somebody now, but is no emergency by itself.
    """

    heard: Sequence[tuple[Flag, str]] = ()
    suspected: bool = False
    doubted: bool = False

    def __bool__(self) -> bool:
        return bool(self.heard) or self.suspected

    @property
    def raise_to(self) -> list[Urgency]:
        """Urgencies below which the call must not stay."""
        highest = Urgency.URGENT if self.doubted else Urgency.EMERGENCY
        flagged = [max(flag.raises_to, highest, key=lambda level: level.rank) for flag, _ in self.heard]
        return [*flagged, *([Urgency.URGENT] if self.suspected else [])]

    @property
    def adds(self) -> list[str]:
        """Parties that join."""
        return [*(code for flag, _ in self.heard for code in flag.adds), *([POLICE_STATION] if self.suspected else [])]

    @property
    def first_response(self) -> str:
        """Who goes first when nobody on the road owns the category."""
        gravest = min((flag for flag, _ in self.heard), key=lambda flag: flag.raises_to.rank, default=None)
        return POLICE_STATION if gravest is None else gravest.adds[0]


@dataclass(frozen=True)
class Route:
    """Where a call goes and how."""

    destination: str
    urgency: Urgency
    track: Track
    linked: tuple[str, ...]
    action: Action
    reasons: tuple[str, ...]


def route(answer: Answer, policy: Policy, dangers: Dangers, confident: bool, channel: str) -> Route:
    """Applies the policy to the answer, raised by the dangers.

    国办发〔2022〕12号: urgent help outside police duty still gets a first response and its owner is told at the same
    time, so an urgent non-police matter links the unit that would own it on a quiet day.
    """
    rule = policy.rules[answer.category]
    urgency = min([answer.urgency, *dangers.raise_to], key=lambda level: level.rank)
    destination = rule.destination(urgency)
    if dangers and destination not in ON_THE_WAY:
        destination = dangers.first_response
    someone_goes = urgency is not Urgency.ROUTINE_REMOTE
    parties = [*(rule.linked_when_someone_goes if someone_goes else ())]
    if someone_goes and urgency.rank <= Urgency.URGENT.rank and answer.label is PoliceLabel.NON_POLICE:
        parties.append(rule.if_routine_onsite)
    if dangers:
        parties += [answer.destination, rule.destination(urgency), *dangers.adds]
    linked = tuple(code for code in dict.fromkeys(parties) if code not in (destination, *NOT_LINKED))
    track = _track(answer.label, urgency, destination)
    return Route(
        destination,
        urgency,
        track,
        linked,
        _action(answer, destination, track, urgency, confident, channel),
        _reasons(answer, rule, policy, urgency, destination, dangers, confident),
    )


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
    own = destinations()[destination].track  # a police matter may be one for the hotline, and nobody is sent to that
    if own is Track.POLICE and answer.label is PoliceLabel.POLICE and channel == "110":
        return "dispatch"
    return "transfer" if own in (Track.POLICE, Track.HOTLINE) else "work_order"


def consent(route: Route, label: PoliceLabel, category: Category, unit: str | None, channel: str) -> Consent:
    """Asked only for a non-police routine matter that leaves the desk that took the call; never in an emergency."""
    stays = route.destination == "operator_closes" or (channel == "12345" and route.destination == "hotline_12345")
    routine = route.urgency.rank >= Urgency.ROUTINE_ONSITE.rank
    if stays or not routine or label is not PoliceLabel.NON_POLICE:
        return Consent(required=False, script=None)
    script = scripts().get(route.track, scripts()[Track.POLICE])
    to = unit or destinations()[route.destination].name
    return Consent(required=True, script=script.format(name=f"“{category.name}”", to=to))


def _reasons(
    answer: Answer,
    rule: Rule,
    policy: Policy,
    urgency: Urgency,
    destination: str,
    dangers: Dangers,
    confident: bool,
) -> tuple[str, ...]:
    name = policy.taxonomy.categories[answer.category].name
    owner = f"（{rule.responsible}）" if rule.responsible else ""
    told = [
        f"{answer.label.label}·{name}，{urgency.label} → {destinations()[destination].name}{owner}，按 {policy.version}"
    ]
    if dangers.heard:
        heard = "、".join(f"{flag.name}“{words}”" for flag, words in dangers.heard)
        told.append(f"听到危险信号：{heard}，只升不降")
    if dangers.suspected:
        told.append(f"把握不足而可能有危险（{answer.danger:.0%}），先按警情处置")
    if rule.contested:
        told.append("各地归口不一，以本市规则为准" + (f"（{rule.source}）" if rule.source else ""))
    if not confident:
        told.append("把握不足：请看备选并追问后再定")
    return tuple(told)
