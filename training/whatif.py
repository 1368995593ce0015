"""The same calls under several cities' tables."""

from collections import Counter
from collections.abc import Sequence

from data.records import Call, Suggestion
from model.suggest import Suggester
from model.text import render


def under(suggester: Suggester, calls: Sequence[Call], cities: Sequence[str]) -> dict[str, list[Suggestion]]:
    """The suggestions for `calls` by city; every call is read once, whatever the number of cities.

    Raises:
        UnknownCity: no policy for one of them.
    """
    for city in cities:
        suggester.policy(city)
    rendered = [render(call.transcript) for call in calls]
    readings = suggester.read([text.text for text in rendered])
    return {
        city: [suggester.advice(call.model_copy(update={"city": city}), text, reading).suggestion
               for call, text, reading in zip(calls, rendered, readings, strict=True)]
        for city in cities
    }  # fmt: skip


def moved(before: Sequence[Suggestion], after: Sequence[Suggestion]) -> Counter[tuple[str, str]]:
    """How many calls went from one destination to another; those that stay stand under twice the same code."""
    return Counter((a.destination.code, b.destination.code) for a, b in zip(before, after, strict=True))
