"""What a suggestion shows of an answer: category, urgency, destination and place as records."""

from collections.abc import Sequence

from data.own_taxonomy import Taxonomy
from data.policy import Policy
from data.records import CategoryGuess, DestinationGuess, Place, Scored, Turn, UrgencyGuess
from data.taxonomy import destinations
from model.decode import Answer
from model.location import Location
from model.routing import Route
from model.stability import Decision

TOP = 3


def rounded(probability: float) -> float:
    """A probability as it is shown."""
    return round(min(1.0, float(probability)), 4)


def urgency_guess(decision: Decision, way: Route) -> UrgencyGuess:
    """The urgency with the probability of at least it where a danger raised it, of exactly it otherwise."""
    level = way.urgency.rank
    by_level = decision.table.sum(0)
    probability = by_level[: level + 1].sum() if decision.dangers else by_level[level]
    return UrgencyGuess(level=way.urgency, probability=rounded(probability))


def category_guess(reply: Answer, taxonomy: Taxonomy) -> CategoryGuess:
    """The category with the runners-up."""
    found, codes = taxonomy.categories, taxonomy.codes
    ranked = [codes[n] for n in reply.by_category.argsort()[::-1] if codes[n] != reply.category][: TOP - 1]
    return CategoryGuess(
        code=reply.category,
        name=found[reply.category].name,
        group=found[reply.category].group,
        probability=rounded(reply.probability["category"]),
        alternatives=tuple(_scored(code, found[code].name, reply.by_category[codes.index(code)]) for code in ranked),
    )


def _scored(code: str, name: str, probability: float) -> Scored:
    return Scored(code=code, name=name, probability=rounded(probability))


def destination_guess(
    reply: Answer, way: Route, policy: Policy, unit: str | None, plausible_at: float
) -> DestinationGuess:
    """Who should take it, the likeliest others, and all that are at least as likely as `plausible_at`."""
    found = destinations()
    others = sorted((code for code in reply.by_destination if code != way.destination),
                    key=lambda code: -reply.by_destination[code])[: TOP - 1]  # fmt: skip
    return DestinationGuess(
        code=way.destination,
        name=found[way.destination].name,
        unit=unit,
        responsible=policy.rules[reply.category].responsible,
        track=way.track,
        probability=rounded(reply.by_destination.get(way.destination, 0.0)),
        alternatives=tuple(_scored(code, found[code].name, reply.by_destination[code]) for code in others),
        plausible=tuple(code for code in found
                        if code == way.destination or reply.by_destination.get(code, 0.0) >= plausible_at),
    )  # fmt: skip


def unit_of(way: Route, town: str | None) -> str | None:
    """Name of the office of `town` that takes it; None where the town is not known or no town's office takes it."""
    pattern = destinations()[way.destination].unit
    return pattern.format(town=town) if town and pattern else None


def place_said(found: Location | None, turns: Sequence[Turn]) -> Place | None:
    """The place in the words of the call."""
    if found is None:
        return None
    said = turns[found.turn].text[found.start : found.end]
    return Place(text=said, district=found.district, town=found.town)
