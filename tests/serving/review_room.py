"""Calls for one test of the review page: a city of its own on a running service, and reviewers who see only that."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, Request, expect

from serving.keys import Key, KeyRing, Role
from serving.store.entries import AnyEntry, Doubted, Happened, now
from serving.store.store import Store
from tests.serving.browser import opened
from tests.serving.store.made import ANNA, decided, reviewed, suggested

LOST = ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_SOCKET", "ERR_FAILED", "ERR_INTERNET", "403", "409")
expect.set_options(timeout=20_000)
_cities = (f"city-{number}" for number in count())


class Room:
    """A city of its own."""

    def __init__(self, address: str, state: Path, city: str = "") -> None:
        self.address, self._state, self.city = address, state, city or next(_cities)
        self._store = Store(f"sqlite:///{state}/calls.db")
        self._store.migrate()  # the service may still be at it
        self._ring = KeyRing(state / "keys.json")
        self._secret = self.reviewer("看客")[1]

    def reviewer(self, name: str = "李复核") -> tuple[Key, str]:
        """A reviewer of this city."""
        return self._ring.create(Role.REVIEWER, name, self.city)

    def call(self, name: str, *then: Callable[[Any], AnyEntry], **changes: Any) -> str:
        """A call and what was done with it: functions of what was shown."""
        shown = suggested(f"{self.city}-{name}", at=now(), city=self.city, **changes)
        self.happened(shown, *(make(shown) for make in then))
        return shown.call_id

    def happened(self, *entries: AnyEntry) -> None:
        """Stores entries."""
        self._store.apply(entries)

    def overridden(self, number: int, **changes: Any) -> list[str]:
        """Calls that the operator sent elsewhere, the newest last."""
        elsewhere: dict[str, Any] = {
            "overrode": True,
            "category": "property_mgmt_dispute",
            "destination": "department",
        } | changes
        return [
            self.call(f"o{n}", lambda shown: decided(shown, **elsewhere), text=f"第{n}件，楼上漏水")
            for n in range(number)
        ]

    def reviews(self, call_id: str = "") -> list[dict[str, Any]]:
        """Verdicts that stand in the database, oldest first, those taken back too."""
        headers = {"Authorization": f"Bearer {self._secret}"}
        httpx.get(
            f"{self.address}/v1/review-queues", headers=headers, timeout=30
        ).raise_for_status()  # waits for the spool
        with sqlite3.connect(self._state / "calls.db") as database:
            database.row_factory = sqlite3.Row
            like = call_id or f"{self.city}-%"
            return [
                dict(row)
                for row in database.execute("SELECT * FROM reviews WHERE call_id LIKE ? ORDER BY at, id", [like])
            ]

    def close(self) -> None:
        """The end of it."""
        self._store.close()

    @contextmanager
    def page(self, browser: Browser, secret: str = "", address: str = "", **options: Any) -> Iterator[Page]:
        """The review page of one of its reviewers."""
        secret = secret or self.reviewer()[1]
        with opened(browser, f"{address or self.address}/review#key={secret}", LOST, **options) as page:
            page.wait_for_selector("html[data-ready]")
            yield page


def returned(owner: str = "hotline_12345", **changes: Any) -> Callable[[Any], AnyEntry]:
    """The unit sends it back."""
    return lambda shown: Happened(
        by=ANNA, call_id=shown.call_id, status="returned", owner=owner, **{"reason": "不属本单位"} | changes
    )


def verdict(**changes: Any) -> Callable[[Any], AnyEntry]:
    """Somebody reviewed it."""
    return lambda shown: reviewed(shown.call_id, **changes)


def shadowed(**labels: str) -> Callable[[Any], AnyEntry]:
    """A candidate says otherwise."""
    return lambda shown: Doubted(by=ANNA, call_id=shown.call_id, source="shadow", version="r9", **labels)  # type: ignore[arg-type]


def decision(**changes: Any) -> Callable[[Any], AnyEntry]:
    """The operator decided."""
    return lambda shown: decided(shown, **changes)


def settled(page: Page) -> None:
    """Waits until every verdict has arrived."""
    page.wait_for_function(
        "() => Object.entries(localStorage).every(([name, value]) => !name.startsWith('review.item.')"
        " || JSON.parse(value).state !== 'waiting')",
        timeout=40_000,
    )
    expect(page.locator("#outbox")).to_have_text("全部已送")


def in_front(page: Page, call_id: str) -> None:
    """Waits until this call is shown."""
    expect(page.locator("#said")).to_be_visible()
    expect(page.locator("#call-line")).to_have_attribute("title", re.compile(f"{re.escape(call_id)}$"))


def turn_to(page: Page, queue: str) -> None:
    """Goes to another queue."""
    page.click(f"[data-queue={queue}]")
    expect(page.locator(f"[data-queue={queue}]")).to_have_attribute("aria-current", "true")


def asked(page: Page) -> list[Request]:
    """The requests to the API from now on."""
    found: list[Request] = []
    page.on("request", lambda request: found.append(request) if "/v1/" in request.url else None)
    return found


def press(page: Page, keys: Sequence[str]) -> None:
    """Presses keys one after the other."""
    for key in keys:
        page.keyboard.press(key)
