"""Takes the pictures of docs/console: `python -m tests.serving.shoot_console [FOLDER]`."""

import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from serving.pages import samples
from tests.serving.browser import chromium, opened
from tests.serving.test_serve import first_keys, served

COLOURS = 96  # a flat page needs no more, and stays below 150 kB
DOCS = Path(__file__).parents[2] / "docs" / "console"
VAGUE = (
    ("你好，我楼道里放了一个东西，不晓得是谁的，放了好几天了", "就是一个大袋子，物业说不归他们管"),
    ("喂，我这边有点事情，你们能不能叫人来看一下", "就是楼下那家店，昨天讲好的，今天又不认了"),
    ("hello，嗯", "OK"),
)


def titled(*words: str) -> str:
    """Numbers of the samples whose titles begin with these words."""
    titles = [sample.title for sample in samples()]
    return ",".join(str(next(n for n, title in enumerate(titles) if title.startswith(word))) for word in words)


def played(page: Page, calls: int) -> None:
    """Waits until so many samples have been played to their end."""
    page.wait_for_function(
        f"() => window.yidiantong.store.get().calls.filter((call) => call.ended).length >= {calls}", timeout=120_000
    )
    page.wait_for_timeout(400)


def typed(page: Page, turns: Sequence[str]) -> str:
    """Types a call in a tab of its own; what the page then wants the operator to do."""
    page.evaluate("() => window.yidiantong.store.set({ active: null })")
    page.keyboard.press("t")
    for turn in turns:
        page.keyboard.type(turn)
        page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.wait_for_timeout(1500)
    return page.locator("#step").get_attribute("data-kind") or ""


def main(folder: Path) -> None:
    """All pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state, served(Path(state)) as (address, _), chromium() as browser:
        key = first_keys(Path(state))["operator"]

        def at(query: str) -> str:
            return f"{address}/console?{query}#key={key}"

        def shoot(page: Page, name: str) -> None:
            picture = Image.open(io.BytesIO(page.screenshot()))
            picture.quantize(COLOURS, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)

        several = titled("物业锁车", "持刀", "电瓶车")
        for name, dark in (("light", False), ("dark", True)):
            with opened(browser, at(f"replay=1&sample={several}&speed=8"), dark=dark) as page:
                played(page, 3)
                page.keyboard.press("Shift+Digit1")
                page.wait_for_timeout(300)
                shoot(page, name)
                if not dark:
                    page.keyboard.press("d")
                    page.wait_for_timeout(300)
                    shoot(page, "emergency")
                    page.keyboard.press("Shift+Digit3")
                    page.keyboard.press("g")
                    page.keyboard.type("ll")
                    page.wait_for_timeout(300)
                    shoot(page, "override")
        with opened(browser, at("")) as page:
            page.wait_for_selector("html[data-ready]")
            for turns in VAGUE:
                if typed(page, turns) == "choose":
                    break
            shoot(page, "not-sure")
    for picture in sorted(folder.glob("*.png")):
        size = picture.stat().st_size
        print(f"{picture.name} {size // 1000} kB")
        if size > 150_000:
            raise SystemExit(f"{picture} is over 150 kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
