"""Two reviewers: each judges alone, a third adjudicates, and how far they agree is shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.serving.review_room import Room, in_front, press, settled, turn_to
from tests.serving.test_serve import served


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    state: Path = tmp_path_factory.mktemp("two")
    with served(state, YIDIANTONG_REVIEWERS="2") as (address, _):
        room = Room(address, state, "hangzhou")
        yield room
        room.close()


def test_two_judge_alone_and_a_third_adjudicates(browser: Browser, room: Room) -> None:
    agreed, disputed = room.overridden(2)
    with room.page(browser, room.reviewer("甲")[1]) as page:
        press(page, ["Enter", "Enter"])
        settled(page)
        expect(page.locator("#none-title")).to_have_text("这个队列审完了")
    with room.page(browser, room.reviewer("乙")[1]) as page:
        in_front(page, disputed)
        expect(page.locator("#history")).not_to_contain_text("甲")
        press(page, ["2", "Enter"])
        settled(page)
        turn_to(page, "adjudication")
        expect(page.locator("#none-title")).to_have_text("这个队列审完了")  # his own case is not his to decide
    with room.page(browser, room.reviewer("丙")[1]) as page:
        turn_to(page, "adjudication")
        in_front(page, disputed)
        expect(page.locator("#opinions tr").nth(0)).to_contain_text("甲")
        expect(page.locator("#opinions tr").nth(1)).to_contain_text("乙")
        press(page, ["Enter"])
        expect(page.locator("#toast")).to_contain_text("两人结论不同")
        expect(page.locator("#kappa")).to_contain_text("2")
        press(page, ["2"])
        settled(page)
    final = room.reviews(disputed)[-1]
    assert (final["adjudicates"], final["category"]) == (1, "neighbour_dispute")
    assert len(room.reviews(agreed)) == 2
