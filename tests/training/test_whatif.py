"""The same calls under several tables."""

import pytest

from data.policy import UnknownCity, policies
from model.suggest import Suggester
from tests.conftest import said
from training.whatif import moved, under

CALLS = [said("门口一直有流浪狗乱跑，请派人来抓"), said("称停在菜场口的电瓶车被偷")]


def test_every_city_answers_as_it_would_by_itself(suggester: Suggester) -> None:
    found = under(suggester, CALLS, list(policies()))
    for city, suggestions in found.items():
        alone = suggester.suggest_many([call.model_copy(update={"city": city}) for call in CALLS])
        assert [s.destination for s in suggestions] == [s.destination for s in alone]
        assert {s.policy_version for s in suggestions} == {policies()[city].version}


def test_what_moves_is_counted(suggester: Suggester) -> None:
    found = under(suggester, CALLS, ["hangzhou", "wenzhou"])
    counted = moved(found["hangzhou"], found["wenzhou"])
    assert counted.total() == len(CALLS)
    assert counted["police_station", "police_station"] == 1
    assert sum(number for (a, b), number in counted.items() if a != b) == 1


def test_no_such_city(suggester: Suggester) -> None:
    with pytest.raises(UnknownCity):
        under(suggester, CALLS, ["atlantis"])
