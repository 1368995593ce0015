"""How early a live call shows the right thing, and how often it changes its mind: with and without hysteresis."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path
from statistics import mean, median
from typing import Any

from data.policy import Policy
from data.records import Call, Turn
from model.reading import Reading
from model.routing import route
from model.stability import Shown, Stability
from model.suggest import Suggester
from model.text import Rendered, render
from training.evaluate import Case

STEP = 8  # characters of the caller between two hypotheses of the recogniser: about two seconds of speech
SHARES = (10, 25, 50, 75, 100)
TURNS = (1, 2, 3, 4, 5, 6)
EARLIEST = 24  # characters, five or six seconds of speech; fewer make flips of first guesses
GRID = ((0.4, 0.5, 0.6), (40, 80), (0.03, 0.05, 0.1))
AT_MOST_LOST = 0.015


@dataclass(frozen=True)
class State:
    """A call as far as it has come: `heard` characters and `spoken` whole turns of the caller."""

    heard: int
    spoken: int
    turns: tuple[Turn, ...]


def states(turns: Sequence[Turn], step: int = STEP) -> Iterator[State]:
    """The states in which a live call is evaluated: every `step` characters of the caller and at each turn's end."""
    said: tuple[Turn, ...] = ()
    heard = spoken = 0
    for turn in turns:
        if turn.speaker == "caller":
            for cut in (*range(step, len(turn.text), step), len(turn.text)):
                hypothesis = Turn(speaker="caller", text=turn.text[:cut])
                yield State(heard + cut, spoken + (cut == len(turn.text)), (*said, hypothesis))
            heard, spoken = heard + len(turn.text), spoken + 1
        said = (*said, turn)


@dataclass(frozen=True)
class Heard:
    """A state with what the model read in it."""

    state: State
    call: Call
    rendered: Rendered
    reading: Reading


@dataclass(frozen=True)
class Followed:
    """A labelled call, read in every state."""

    category: str
    destination: str
    heard: Sequence[Heard]


def follow(suggester: Suggester, cases: Sequence[Case]) -> list[Followed]:
    """Reads every state of every call in which the caller says anything."""
    policy = suggester.policy(None)
    found = []
    for case in (each.within(policy.taxonomy) for each in cases):
        steps = [step for step in states(case.call().transcript) if step.heard]
        rendered = [render(step.turns) for step in steps]
        readings = suggester.read([text.text for text in rendered])
        heard = [
            Heard(step, Call(turns=step.turns), text, replace(reading, spans=(), support=reading.support[:0].copy()))
            for step, text, reading in zip(steps, rendered, readings, strict=True)
        ]
        if heard:
            found.append(Followed(case.category, _destination(case, policy), heard))
    return found


def _destination(case: Case, policy: Policy) -> str:
    return policy.rules[case.category].destination(case.urgency)


@dataclass(frozen=True)
class Sight:
    """What an operator saw in one state."""

    heard: int
    spoken: int
    category: str
    destination: str
    settled: bool


def watch(suggester: Suggester, call: Followed, rules: Stability | None) -> list[Sight]:
    """What is shown state by state; without `rules`, the plain reading of each."""
    policy = suggester.policy(None)
    shown: Shown | None = None
    seen = []
    for heard in call.heard:
        made = suggester.decision(heard.call, policy, heard.rendered, heard.reading, shown, rules)
        way = route(made.reply, policy, made.dangers, made.confident, heard.call.channel)
        shown, state = made.shown, heard.state
        seen.append(Sight(state.heard, state.spoken, made.reply.category, way.destination, made.settled))
    return seen


def flips(seen: Sequence[Sight], guesses: bool = False) -> int:
    """How often the destination shown changed once suggestions were settled; with `guesses`, before that, too."""
    shown = [sight.destination for sight in seen if sight.settled or guesses]
    return sum(before != after for before, after in pairwise(shown))


def time_to_final(seen: Sequence[Sight]) -> float:
    """The share of the caller's characters after which the destination shown stays the final one."""
    final, since = seen[-1].destination, seen[-1].heard
    for sight in reversed(seen):
        if sight.destination != final:
            break
        since = sight.heard
    return since / seen[-1].heard


def measure(calls: Sequence[Followed], sights: Sequence[Sequence[Sight]]) -> dict[str, Any]:
    """Accuracy by share and by turns, flips and time-to-final over all calls."""
    changes = [flips(seen) for seen in sights]
    finals = [time_to_final(seen) for seen in sights]
    pairs = list(zip(calls, sights, strict=True))
    return {
        "flips_per_call": round(mean(changes), 3),
        "changes_per_call": round(mean(flips(seen, guesses=True) for seen in sights), 3),
        "calls_with_at_most_one_flip": round(mean(number <= 1 for number in changes), 3),
        "median_time_to_final": round(median(finals), 3),
        "mean_time_to_final": round(mean(finals), 3),
        "after_share": {
            str(share): _right([(call, _at_share(seen, share), seen[-1]) for call, seen in pairs]) for share in SHARES
        },
        "after_turns": {
            str(turns): _right([(call, sight, seen[-1]) for call, seen in pairs if (sight := _at_turn(seen, turns))])
            for turns in TURNS
        },
    }


def _at_share(seen: Sequence[Sight], share: int) -> Sight:
    """The last state within that share of the caller's characters; the first where even that comes later."""
    limit = seen[-1].heard * share / 100
    return next((sight for sight in reversed(seen) if sight.heard <= limit), seen[0])


def _at_turn(seen: Sequence[Sight], turns: int) -> Sight | None:
    """The state at the end of the caller's turn of that number, None for a call with fewer."""
    return next((sight for sight in seen if sight.spoken == turns), None)


def _right(rows: Sequence[tuple[Followed, Sight, Sight]]) -> dict[str, Any]:
    """Which share shows the right category and destination, and which the category of the call's last state already."""
    if not rows:
        return {"calls": 0, "category": None, "destination": None, "final_category": None}
    return {
        "calls": len(rows),
        "category": round(mean(call.category == sight.category for call, sight, _ in rows), 4),
        "destination": round(mean(call.destination == sight.destination for call, sight, _ in rows), 4),
        "final_category": round(mean(last.category == sight.category for _, sight, last in rows), 4),
    }


def compare(suggester: Suggester, cases: Sequence[Case], rules: Stability) -> dict[str, Any]:
    """The figures with and without hysteresis on the same readings."""
    calls = follow(suggester, cases)
    figures: Mapping[str, Any] = {
        name: measure(calls, [watch(suggester, call, chosen) for call in calls])
        for name, chosen in (("with", rules), ("without", None))
    }
    return {"calls": len(calls), "step": STEP, "rules": rules.model_dump(), **figures}


def choose(suggester: Suggester, cases: Sequence[Case], tell: Callable[[str], None]) -> Stability:
    """The rules with the fewest flips among those that cost at most `AT_MOST_LOST` of the final accuracy.

    To be given calls of the validation split: never those that something is measured on.
    """
    calls = follow(suggester, cases)

    def tried(rules: Stability | None) -> tuple[float, float, float]:
        found = measure(calls, [watch(suggester, call, rules) for call in calls])
        final = found["after_share"]["100"]
        tell(f"{rules.model_dump() if rules else 'without'}: {found['flips_per_call']} flips, final {final}")
        return found["flips_per_call"], final["destination"], final["category"]

    _, destination, category = tried(None)
    best: tuple[float, Stability] | None = None
    for margin, patience, calm_at in product(*GRID):
        rules = Stability(earliest=EARLIEST, margin=margin, patience=patience, calm_at=calm_at,
                          measured_with=suggester.model.version)  # fmt: skip
        changes, to, what = tried(rules)
        good = to >= destination - AT_MOST_LOST and what >= category - AT_MOST_LOST
        if good and (best is None or changes < best[0]):
            best = changes, rules
    if best is None:
        raise ValueError(f"every rule tried costs more than {AT_MOST_LOST:.1%} of the final accuracy")
    return best[1]


def write_rules(rules: Stability, path: Path) -> None:
    """Writes `stability.csv`."""
    values = rules.model_dump()
    head = "# How firmly a live call holds on to what it shows; chosen by `yidiantong earliness --choose`."
    lines = [head, ",".join(values), ",".join(str(value) for value in values.values())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
