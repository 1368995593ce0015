"""The whole way of a call: read, route, place, ask. One `Suggester` per process."""

import re
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from data.gazetteer import load_gazetteer
from data.policy import DEFAULT_CITY, Policy, UnknownCity, policies
from data.records import (
    Call,
    CategoryGuess,
    DestinationGuess,
    Linked,
    Place,
    Police,
    RedFlag,
    Scored,
    Suggestion,
    UrgencyGuess,
)
from data.taxonomy import categories, destinations
from model.checklist import ask_next
from model.decode import Answer, Array, answer
from model.evidence import evidence
from model.fallback import Linear, Nothing
from model.location import Location, Locator
from model.red_flags import Raised, raised_flags
from model.release import BUNDLED, ReleaseError
from model.routing import Route, consent, route
from model.runtime import Encoder, Model, Reading
from model.text import Rendered, render

TOP = 3
HAN = re.compile("[\u3400-\u9fff]")
FEWEST_HAN = 2


class Suggester:
    """Turns calls into suggestions. `degraded` names what is missing and stands in every suggestion.

    The encoder of the release answers; when it cannot be loaded the linear model does, and when that fails too every
    category is equally likely, so that the operator always gets an answer.
    """

    def __init__(
        self, folder: Path = BUNDLED, threads: int = 0, city: str = DEFAULT_CITY, model: Model | None = None
    ) -> None:
        self.problems: list[str] = []
        self.city = city
        self.model = model or self._load(folder, threads)
        self.policies: Mapping[str, Policy] = policies()
        self.city = self.policy(city).city
        self._locator = Locator(load_gazetteer())

    def _load(self, folder: Path, threads: int) -> Model:
        try:
            return Encoder(folder, threads)
        except ReleaseError as error:
            self.problems.append(f"model: {error}")
        try:
            return Linear(folder)
        except ReleaseError as error:
            self.problems.append(f"fallback: {error}")
        return Nothing()

    @property
    def degraded(self) -> tuple[str, ...]:
        """What does not work: `model`, `fallback`."""
        return tuple(problem.partition(":")[0] for problem in self.problems)

    def policy(self, city: str | None) -> Policy:
        """The policy of `city`, the default city's for None.

        Raises:
            UnknownCity: there is none.
        """
        code = city or self.city
        if code not in self.policies:
            raise UnknownCity(code, self.policies)
        return self.policies[code]

    def suggest(self, call: Call) -> Suggestion:
        """The suggestion for one call.

        Raises:
            UnknownCity: no policy for the call's city.
        """
        return self.suggest_many([call])[0]

    def suggest_many(self, calls: Sequence[Call]) -> list[Suggestion]:
        """Suggestions for `calls`, in their order; `elapsed_ms` is each one's share of the time.

        Raises:
            UnknownCity: no policy for the city of one of them.
        """
        begun = time.perf_counter()
        chosen = [self.policy(call.city) for call in calls]
        rendered = [render(call.turns) for call in calls]
        readings = self.model.read([text.text for text in rendered])
        read = (time.perf_counter() - begun) / max(1, len(calls))
        made = []
        for call, policy, text, reading in zip(calls, chosen, rendered, readings, strict=True):
            start = time.perf_counter()
            suggestion = self._suggest(call, policy, text, reading)
            elapsed = round((read + time.perf_counter() - start) * 1e3, 2)
            made.append(suggestion.model_copy(update={"elapsed_ms": elapsed}))
        return made

    def _suggest(self, call: Call, policy: Policy, rendered: Rendered, reading: Reading) -> Suggestion:
        flags = raised_flags(call.turns)
        table = _without_invalid(reading.joint) if flags else reading.joint
        reply = answer(table, policy)
        sure = reply.probability["destination"] >= self.model.confident_at
        confident = sure and not self.degraded and len(HAN.findall(rendered.text)) >= FEWEST_HAN
        way = route(reply, policy, flags, confident, call.channel)
        place = self._locator.locate(
            [(n, turn.text) for n, turn in enumerate(call.turns) if turn.speaker == "caller"], policy.city
        )
        unit = _unit(way, place, policy.city)
        number = list(categories()).index(reply.category)
        reasons = way.reasons + _elsewhere(place, policy.city)
        return Suggestion(
            call_id=call.call_id or uuid.uuid4().hex,
            suggestion_id=uuid.uuid4().hex,
            police=Police(label=reply.label, probability=_rounded(reply.probability["police"])),
            category=_category(reply),
            urgency=UrgencyGuess(level=way.urgency, probability=_urgency_probability(table, way, flags)),
            destination=_destination(reply, way, policy, unit),
            linked=tuple(Linked(code=code, name=destinations()[code].name) for code in way.linked),
            action=way.action,
            consent=consent(way, reply.label, reply.category, unit, call.channel),
            confident=confident,
            reasons=reasons,
            evidence=evidence(reading, number, rendered, call.turns),
            red_flags=tuple(RedFlag(id=raised.flag.id, text=raised.text) for raised in flags),
            ask_next=ask_next(
                call.turns,
                categories()[reply.category],
                way.urgency,
                placed=place is not None and place.town is not None and place.city == policy.city,
            ),
            location=Place(text=place.text, district=place.district, town=place.town) if place else None,
            degraded=self.degraded,
            model_version=self.model.version,
            policy_version=policy.version,
            elapsed_ms=0.0,
        )


def _without_invalid(table: Array) -> Array:
    """A call in which danger was heard is no invalid call."""
    kept = table.copy()
    kept[[number for number, category in enumerate(categories().values()) if category.group == "invalid"]] = 0
    total = kept.sum()
    return kept / total if total > 0 else table


def _rounded(probability: float) -> float:
    return round(min(1.0, float(probability)), 4)


def _urgency_probability(table: Array, way: Route, flags: Sequence[Raised]) -> float:
    """The model's probability that it is at least this urgent where a flag raised it, exactly this urgent otherwise."""
    level = way.urgency.rank
    by_level = table.sum(0)
    return _rounded(by_level[: level + 1].sum() if flags else by_level[level])


def _category(reply: Answer) -> CategoryGuess:
    found = categories()
    codes = list(found)
    ranked = [codes[n] for n in reply.by_category.argsort()[::-1] if codes[n] != reply.category][: TOP - 1]
    return CategoryGuess(
        code=reply.category,
        name=found[reply.category].name,
        group=found[reply.category].group,
        probability=_rounded(reply.probability["category"]),
        alternatives=tuple(_scored(code, found[code].name, reply.by_category[codes.index(code)]) for code in ranked),
    )


def _scored(code: str, name: str, probability: float) -> Scored:
    return Scored(code=code, name=name, probability=_rounded(probability))


def _destination(reply: Answer, way: Route, policy: Policy, unit: str | None) -> DestinationGuess:
    found = destinations()
    others = sorted((code for code in reply.by_destination if code != way.destination),
                    key=lambda code: -reply.by_destination[code])[: TOP - 1]  # fmt: skip
    return DestinationGuess(
        code=way.destination,
        name=found[way.destination].name,
        unit=unit,
        responsible=policy.rules[reply.category].responsible,
        track=way.track,
        probability=_rounded(reply.by_destination.get(way.destination, 0.0)),
        alternatives=tuple(_scored(code, found[code].name, reply.by_destination[code]) for code in others),
    )


def _unit(way: Route, place: Location | None, city: str) -> str | None:
    """Name of the town's office that takes it; only within the policy's own city, and only where a town is known."""
    pattern = destinations()[way.destination].unit
    if place is None or place.town is None or place.city != city or not pattern:
        return None
    return pattern.format(town=place.town)


def _elsewhere(place: Location | None, city: str) -> tuple[str, ...]:
    if place is None or place.city == city:
        return ()
    return (f"地点“{place.text}”不在本市，请核对后转当地",)
