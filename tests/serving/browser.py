"""A real browser on the real service, by a wire that a test can cut."""

import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
VIEW = {"width": 1366, "height": 768}


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or whatever Chrome there is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser: Browser, address: str, expected: tuple[str, ...] = (), dark: bool = False) -> Iterator[Page]:
    """A page at `address`. An error on its console fails the test, unless one of `expected` stands in it."""
    context: BrowserContext = browser.new_context(
        viewport={"width": VIEW["width"], "height": VIEW["height"]},
        locale="zh-CN",
        color_scheme="dark" if dark else "light",
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))

    def on_dialog(dialog: Dialog) -> None:
        if dialog.type != "beforeunload":
            problems.append(f"dialog: {dialog.message}")
        dialog.accept()

    page.on("dialog", on_dialog)
    page.goto(address)
    try:
        yield page
    except Exception as error:
        error.add_note(f"console: {problems}")
        raise
    finally:
        context.close()
    unexpected = [text for text in problems if not any(known in text for known in expected)]
    assert unexpected == [], unexpected


def log_in(page: Page, secret: str) -> None:
    """Logs in on the login page."""
    page.locator("#key").fill(secret)
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_be_visible()


def log_out(page: Page) -> None:
    """Logs out on the login page, which is out of every tab."""
    page.click("#out")
    expect(page.locator("#status")).to_have_text("已退出。")


class Wire:
    """Passes bytes between the browser and the service at `address` until it is cut; `address` is its own end."""

    def __init__(self, address: str) -> None:
        self._to = urlsplit(address)
        self._ends: set[socket.socket] = set()
        self._cut = False
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Breaks every connection, and each new one at once."""
        self._cut = True
        for end in list(self._ends):
            self._close(end)

    def mend(self) -> None:
        """Lets new connections through."""
        self._cut = False

    def close(self) -> None:
        """The end of it."""
        self.cut()
        self._close(self._door)

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            if self._cut:
                near.close()
                continue
            try:
                far = socket.create_connection((str(self._to.hostname), int(self._to.port or 80)))
            except OSError:
                near.close()
                continue
            self._ends |= {near, far}
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        self._close(source)
        self._close(target)

    def _close(self, end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
        self._ends.discard(end)
