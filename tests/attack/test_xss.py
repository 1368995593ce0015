"""A transcript, a note, a name and a place that are scripts: in every page of the service they are only text."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from serving.keys import KeyRing, Role
from tests.serving.browser import opened
from tests.serving.review_room import Room
from tests.serving.store.made import decided
from tests.serving.test_serve import served

SCRIPT = "<img src=x onerror=\"window.pwned='%s'\"><svg onload=\"window.pwned='%s'\"></svg>'\"`}</script><script>window.pwned='%s'</script>{{7*7}}"
PAGES = ("/", "/console", "/review", "/figures", "/wall", "/login")


def hostile(where: str) -> str:
    return SCRIPT.replace("%s", where)


def test_no_page_runs_what_was_said(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path) as (address, _):
        room = Room(address, tmp_path, "hangzhou")
        place = {"text": "", "district": hostile("district")[:60], "town": hostile("town")[:60]}
        call = room.call("x", lambda shown: decided(shown, overrode=True, note=hostile("note"), reason=hostile("reason")),
                         text=hostile("text"), location=place)  # fmt: skip
        secret = KeyRing(tmp_path / "keys.json").create(Role.ADMIN, "<img src=x onerror=window.pwned=1>")[1]
        headers = {"Authorization": f"Bearer {secret}"}
        answer = httpx.post(
            f"{address}/v1/classify", json={"text": hostile("said"), "call_id": "y"}, headers=headers, timeout=60
        )
        assert answer.status_code == 200
        with opened(browser, f"{address}/login", ("401", "404", "Content Security Policy")) as page:
            answered = page.evaluate(
                "async (key) => (await fetch('/v1/sessions', {method: 'POST', headers: {'Content-Type': 'application/json'},"
                " body: JSON.stringify({key})})).status", secret,
            )  # fmt: skip
            assert answered == 201
            for path in PAGES:
                response = page.goto(f"{address}{path}", wait_until="load")
                assert response is not None
                policy = response.header_value("content-security-policy") or ""
                assert "default-src" in policy
                assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
                page.wait_for_timeout(700)
                assert page.evaluate("window.pwned") is None, path
                assert page.locator("img[src=x], svg[onload]").count() == 0, path
            page.goto(f"{address}/review?queue=overridden")
            expect(page.locator("body")).to_contain_text("onerror")
            page.goto(f"{address}/")
            page.fill("#key", secret)
            page.fill("#text", hostile("typed"))
            page.click("#go")
            page.wait_for_timeout(700)
            assert page.evaluate("window.pwned") is None
            assert page.locator("img[src=x], svg[onload]").count() == 0
            for policy in (
                f"/v1/calls/{call}",
                "/v1/calls/y",
                "/openapi.json",
                "/v1/calls",
            ):  # shown as they are, in a window of their own
                kind = (page.goto(f"{address}{policy}") or pytest.fail("no answer")).header_value("content-type") or ""
                assert kind.startswith("application/json"), kind
                assert page.evaluate("window.pwned") is None
