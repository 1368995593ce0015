"""What follows from the cores that the service may use."""

import pytest

from serving import settings
from serving.settings import Settings


@pytest.mark.parametrize(("cores", "places", "lines"), [(1, 1, 128), (2, 1, 256), (8, 4, 1024)])
def test_the_cores_set_how_much_is_done_at_a_time(
    monkeypatch: pytest.MonkeyPatch, cores: int, places: int, lines: int
) -> None:
    monkeypatch.setattr(settings, "cores", lambda: cores)
    assert (Settings().places, Settings().lines) == (places, lines)
    told = Settings(concurrency=3, live_calls=7)
    assert (told.places, told.lines) == (3, 7)
