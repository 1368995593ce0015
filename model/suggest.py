"""The whole way of a call: read, route, place, ask. One `Suggester` per process."""

import re
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from data.gazetteer import load_gazetteer
from data.own_taxonomy import Taxonomy
from data.policy import DEFAULT_CITY, Policy, UnknownCity, policies
from data.records import Call, Linked, Police, RedFlag, Suggestion, Turn
from data.taxonomy import destinations
from model.blend import Blend, kept
from model.checklist import Check, ask_next, checklist, load_checklists
from model.decode import Answer, answer
from model.evidence import evidence
from model.facts import Fact, find_facts
from model.fallback import Linear, Nothing
from model.guesses import category_guess, destination_guess, place_said, rounded, unit_of, urgency_guess
from model.location import Location, Locator
from model.reading import Model, Reading
from model.red_flags import Raised, load_flags, raised_flags
from model.release import BUNDLED, ReleaseError
from model.risk import expected_cost, load_costs
from model.routing import SILENT, consent, route, scripts
from model.runtime import Encoder
from model.stability import Decision, Shown, Stability, decide, load_stability
from model.text import Rendered, render, simplified

HAN = re.compile("[\u3400-\u9fff]")
FEWEST_HAN = 2
# A call's only flag is doubted below these probabilities of danger in the whole call and in the `ABOUT` characters
# before and behind it. Of the 83 calls of the validation split with a single flag of emergency 10 of the 15 routine
# ones are, and no other.
ABOUT = 40
DOUBTED_AT, DOUBTED_ALONE_AT = 0.1, 0.5
DEGRADED = ("模型不可用，由备用模型作答，请以人工判断为准",)


@dataclass(frozen=True)
class Advice:
    """A suggestion with what an operator who is still on the call sees beside it.

    `shown` is what the next advice of the call is to hold on to; not `settled` means that too little has been said.
    At a `glance` only the linear model has read it.
    """

    suggestion: Suggestion
    checks: tuple[Check, ...]
    facts: tuple[Fact, ...]
    shown: Shown
    settled: bool
    glance: bool = False


class Suggester:
    """Turns calls into suggestions. `degraded` names what is missing and stands in every suggestion.

    The blend of the release answers; when it cannot be loaded, or breaks later, what is left of it does – the encoder,
    the linear model – and when nothing is left an operator decides: there is always an answer.

    Raises (when made):
        DataError: a table, a policy or a place file is broken.
        UnknownCity: there is no policy for `city`.
    """

    def __init__(
        self, folder: Path = BUNDLED, threads: int = 0, city: str = DEFAULT_CITY, model: Model | None = None
    ) -> None:
        self.problems: list[str] = []
        self.city = city
        self._locator = Locator(load_gazetteer())
        for load in (load_flags, load_checklists, load_costs, load_stability, scripts):
            load()
        self._spare: list[tuple[str, Callable[[], Model]]] = [
            ("model", partial(Blend, folder, threads)),
            ("model", partial(Encoder, folder, threads)),
            ("fallback", partial(Linear, folder)),
            ("fallback", partial(Linear, BUNDLED)),
        ]
        self.model = model or self._next_model()
        self.policy(city)

    def _next_model(self) -> Model:
        """The next model that loads."""
        while self._spare:
            part, load = self._spare.pop(0)
            try:
                return load()
            except ReleaseError as error:
                self.problems.append(f"{part}: {error}")
        return Nothing()

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading a text by the model, or by the next one should it break."""
        while True:  # ends with a model that reads nothing and so cannot break
            try:
                return self.model.read(texts)
            except Exception as error:  # whatever broke in there, the operator gets an answer
                self.problems.append(f"model: {error}")
                self.model = self._next_model()

    @property
    def degraded(self) -> tuple[str, ...]:
        """What does not work: `model`, `fallback`."""
        return tuple(dict.fromkeys(problem.partition(":")[0] for problem in self.problems))

    @property
    def policies(self) -> Mapping[str, Policy]:
        """Every city's policy, for the categories that the model answers in."""
        return policies(self.model.taxonomy)

    def policy(self, city: str | None, taxonomy: Taxonomy | None = None) -> Policy:
        """The policy of `city`, the default city's for None, for the categories of `taxonomy`, the model's for None.

        Raises:
            UnknownCity: there is none.
        """
        code, found = city or self.city, policies(taxonomy or self.model.taxonomy)
        if code not in found:
            raise UnknownCity(code, found)
        return found[code]

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
        for call in calls:
            self.policy(call.city)
        rendered = [render(call.transcript) for call in calls]
        readings = self.read([text.text for text in rendered])
        read = (time.perf_counter() - begun) / max(1, len(calls))
        made = []
        for call, text, reading in zip(calls, rendered, readings, strict=True):
            start = time.perf_counter()
            suggestion = self.advice(call, text, reading).suggestion
            elapsed = round((read + time.perf_counter() - start) * 1e3, 2)
            made.append(suggestion.model_copy(update={"elapsed_ms": elapsed}))
        return made

    def advise(self, call: Call, shown: Shown | None = None) -> Advice:
        """Advice for a live call that shows `shown` so far: it changes on evidence, not on noise.

        Raises:
            UnknownCity: no policy for the call's city.
        """
        return self._advise(call, shown, self._read, load_stability())

    def glance(self, call: Call, shown: Shown | None = None) -> Advice:
        """As `advise`, in a fifth of its time: by the linear model alone, which is never sure of anything.

        That it goes on leading for some time takes nothing over, as the whole model has the word by then.

        Raises:
            UnknownCity: no policy for the call's city.
        """
        linear = self.model.linear if isinstance(self.model, Blend) else self.model
        read = linear.glance if isinstance(linear, Linear) else self._read
        return self._advise(call, shown, read, load_stability().model_copy(update={"patience": sys.maxsize}))

    def _read(self, text: str) -> Reading:
        return self.read([text])[0]

    def _advise(self, call: Call, shown: Shown | None, read: Callable[[str], Reading], rules: Stability) -> Advice:
        begun = time.perf_counter()
        self.policy(call.city)
        rendered = render(call.transcript)
        reading = read(rendered.text)
        advice = self.advice(call, rendered, reading, shown, rules)
        elapsed = round((time.perf_counter() - begun) * 1e3, 2)
        return replace(advice, suggestion=advice.suggestion.model_copy(update={"elapsed_ms": elapsed}))

    def advice(
        self,
        call: Call,
        rendered: Rendered,
        reading: Reading,
        shown: Shown | None = None,
        rules: Stability | None = None,
    ) -> Advice:
        """What follows from a reading of `call`; with `rules`, `shown` is held on to as they say."""
        policy, turns = self.policy(call.city, reading.taxonomy), simplified(call.transcript)
        decision = self.decision(call, policy, rendered, reading, shown, rules)
        reply, dangers, confident = decision.reply, decision.dangers, decision.confident
        way = route(reply, policy, dangers, confident, call.channel)
        spoken = [(number, turn.text) for number, turn in enumerate(turns) if turn.speaker == "caller"]
        place = self._locator.locate(spoken, policy.city)
        town = place.town_in(policy.city) if place else None
        unit = unit_of(way, town)
        category = reading.taxonomy.categories[reply.category]
        facts = find_facts(call.transcript, place)
        checks = checklist(turns, facts, category, way.urgency, placed=town is not None)
        suggestion = Suggestion(
            call_id=call.call_id or uuid.uuid4().hex,
            suggestion_id=uuid.uuid4().hex,
            police=Police(label=reply.label, probability=rounded(reply.probability["police"])),
            category=category_guess(reply, reading.taxonomy),
            urgency=urgency_guess(decision, way),
            destination=destination_guess(reply, way, policy, unit, self.model.bars.plausible_at),
            linked=tuple(Linked(code=code, name=destinations()[code].name) for code in way.linked),
            action=way.action,
            consent=consent(way, reply.label, category, unit, call.channel),
            confident=confident,
            reasons=(*way.reasons, *_elsewhere(place, policy.city), *(DEGRADED if self.problems else ())),
            evidence=evidence(reading, reply.cell[0], rendered, call.transcript),
            red_flags=tuple(RedFlag(id=flag.id, text=words) for flag, words in dangers.heard),
            ask_next=ask_next(checks),
            location=place_said(place, call.transcript),
            degraded=self.degraded,
            model_version=self.model.version,
            policy_version=policy.version,
            elapsed_ms=0.0,
        )
        return Advice(suggestion, checks, facts, decision.shown, decision.settled, reading.glance)

    def decision(
        self,
        call: Call,
        policy: Policy,
        rendered: Rendered,
        reading: Reading,
        shown: Shown | None,
        rules: Stability | None,
    ) -> Decision:
        """What is shown of `call` for this reading: its answer and the dangers, before routing."""
        turns = rendered.turns
        raised = raised_flags(turns)
        flags = [(found.flag, _as_said(found, rendered, call.transcript)) for found in raised]
        heard = sum(len(turn.text) for turn in turns if turn.speaker == "caller")
        sure = partial(self._confident, reading, policy, rendered)
        doubted = len(raised) == 1 and not reading.glance and self._doubted(raised[0], turns, reading, policy, rendered)
        return decide(reading.joint, policy, flags, sure, self.model.bars.suspected_at, heard, shown, rules, doubted)

    def _doubted(
        self, raised: Raised, turns: Sequence[Turn], reading: Reading, policy: Policy, rendered: Rendered
    ) -> bool:
        """Whether neither the call nor, read by themselves, the words about a flag bear the danger out.

        In a call too long to be read whole nothing is doubted: the flag may stand in what was left out.
        """
        if kept(rendered.text, reading.spans) != rendered.text:
            return False
        if answer(reading.joint, policy).danger >= DOUBTED_AT:
            return False
        about = turns[raised.turn].text[max(0, raised.start - ABOUT) : raised.end + ABOUT]
        (alone,) = self.read([render([Turn(speaker="caller", text=about)]).text])
        return answer(alone.joint, self.policy(policy.city, alone.taxonomy)).danger < DOUBTED_ALONE_AT

    def _confident(self, reading: Reading, policy: Policy, rendered: Rendered, reply: Answer) -> bool:
        """Little enough at stake in acting on the reply, on a text that is a call and has words to be sure of.

        Of a line on which nobody speaks nothing is sure: who cannot speak may be in danger.
        """
        sure = expected_cost(reading.joint, policy, reply.destination, reply.urgency) <= self.model.bars.confident_at
        worded = reply.category != SILENT and len(HAN.findall(rendered.text)) >= FEWEST_HAN
        return sure and reading.is_call and not reading.glance and not self.degraded and worded


def _as_said(raised: Raised, rendered: Rendered, turns: Sequence[Turn]) -> str:
    """The words that raised a flag, as they were said."""
    start, end = rendered.uncovered[raised.turn].place(raised.start, raised.end)
    return turns[raised.turn].text[start:end]


def _elsewhere(place: Location | None, city: str) -> tuple[str, ...]:
    if place is None or place.away or place.city == city:
        return ()
    return (f"地点“{place.text}”不在本市，请核对后转当地",)
