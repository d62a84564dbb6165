"""Pictures of the console: ``python -m tests.browser.screenshots DIRECTORY`` takes every page in
light and dark and as on a phone, and the way from a failure to its repair for the README."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, FloatRect, Page, sync_playwright

from tests.browser.house import House, Scheme, house_in, launch, opened, sign_in, wait_until
from tests.browser.places import PLACES
from tests.mails.screenshots import browser

SCREENS: Final[tuple[tuple[str, Scheme, int], ...]] = (
    ("light", "light", 1280),
    ("dark", "dark", 1280),
    ("phone", "light", 390),
)
TALLEST: Final = 1400
"""Pixels; what is longer is cut, so that a picture fits a page."""


def main(arguments: list[str]) -> int:
    """Write all pictures into the directory that is named."""
    if browser() is None:
        sys.stderr.write("there is no Chromium on this machine: make browser\n")
        return 1
    target = Path(arguments[0])
    target.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        house_in(Path(scratch)) as house,
        sync_playwright() as driver,
    ):
        chromium = launch(driver)
        walk(chromium, house, target)
        for screen in SCREENS:
            _every_page(chromium, house, target, screen)
        chromium.close()
    sys.stdout.write(f"{len(list(target.glob('*.png')))} pictures in {target}\n")
    return 0


def walk(chromium: Browser, house: House, target: Path) -> None:
    """Break, find, try without harm, repair, replay; a picture at each step."""
    context = opened(chromium, house)
    page = context.new_page()
    sign_in(page, house)
    house.break_reading()
    for number in range(3):
        house.buy_by_wallet(f"mira-{number}")
    alert = page.get_by_role("link", name="Events are parked")
    page.goto("/console/alerts")
    wait_until(lambda: page.reload() is not None and alert.count() > 0, 90)
    _take(page, target / "walk-1-alert.png")
    page.goto("/console/failures")
    failing = page.get_by_role("link", name="PAYMENT.CAPTURE.COMPLETED")
    failing.wait_for(timeout=60_000)
    _take(page, target / "walk-2-failures.png")
    failing.click()
    group = page.url
    _take(page, target / "walk-3-group.png")
    page.locator("tbody a.row-link").first.click()
    page.get_by_role("button", name="Dry run").click()
    page.get_by_text("Nothing was changed").wait_for()
    page.evaluate("scrollTo(0, 0)")
    _take(page, target / "walk-4-dry-run.png")
    house.repair()
    page.goto(group)
    page.get_by_role("link", name="Replay the group").click()
    page.get_by_label("Reason").fill("PayPal answers again")
    _take(page, target / "walk-5-chosen.png")
    page.get_by_role("button", name="Begin the replay").click()
    page.locator("#progress .badge", has_text="done").first.wait_for(timeout=60_000)
    _take(page, target / "walk-6-replayed.png")
    context.close()


def _every_page(
    chromium: Browser, house: House, target: Path, screen: tuple[str, Scheme, int]
) -> None:
    name, scheme, width = screen
    context = opened(chromium, house, scheme, width)
    page = context.new_page()
    page.goto("/console/sign-in")
    _take(page, target / f"sign-in-{name}.png")
    sign_in(page, house)
    for place, address in PLACES.items():
        page.goto(address)
        page.wait_for_load_state("networkidle")
        _take(page, target / f"{place}-{name}.png")
    context.close()


def _take(page: Page, target: Path) -> None:
    height = page.evaluate("document.documentElement.scrollHeight")
    size = page.viewport_size or {"width": 1280, "height": 900}
    clip: FloatRect = {"x": 0, "y": 0, "width": size["width"], "height": min(height, TALLEST)}
    page.screenshot(path=target, full_page=True, clip=clip, animations="disabled")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
