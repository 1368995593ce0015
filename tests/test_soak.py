"""The soak's verdict, on made-up samples."""

import random

import pytest

from tests.bench.soak import report


@pytest.mark.parametrize(("an_hour", "grows"), [(0.0, False), (40.0, True)])
def test_growth_is_told_from_noise(an_hour: float, grows: bool) -> None:
    chance = random.Random(110)
    samples = [(n * 10.0, 300 + n / 360 * an_hour + chance.gauss(0, 1), 20.0, 40.0) for n in range(180)]
    table, found = report(samples, warm=0)
    assert found is grows
    assert table.count("steady") == 3 - grows


def test_a_file_left_open_now_and_then_is_growth() -> None:
    samples = [(n * 10.0, 300.0, 20.0, 40.0 + n // 60) for n in range(180)]
    assert report(samples, warm=0)[1]


def test_what_grows_while_it_warms_up_does_not_count() -> None:
    samples = [(n * 10.0, 300.0 + min(n, 60), 20.0, 40.0) for n in range(180)]
    assert report(samples, warm=0)[1]
    assert not report(samples, warm=600)[1]
