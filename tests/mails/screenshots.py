"""Pictures of the mails: ``python -m tests.mails.screenshots DIRECTORY [NAME …]`` takes every
sample in every language through a headless Chromium: as on a desktop in light and in dark, and as
on a phone, side by side."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

from playwright.sync_api import Browser, sync_playwright

from domain.accounts import LOCALES
from domain.mails import palette, samples

DOCUMENTED: Final = (
    "receipt",
    "receipt-all-credit",
    "renewal_ahead",
    "renewal_ahead-no_method",
    "renewal_failed",
    "auto_renew_off-renewal_failed",
    "expiry_warning-3",
    "blocked-subscription_expired",
    "unblocked",
    "refund_done",
    "credit_note_issued",
    "method_rejected",
    "vat_number_refused-invalid",
)
"""Samples whose pictures lie in the documentation: every kind of mail."""
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHOSEN: Final = "BILLHOOK_TEST_CHROMIUM"
Scheme = Literal["light", "dark"]


class Screen(NamedTuple):
    """What a mail is looked at on; ``width`` in CSS pixels."""

    scheme: Scheme
    width: int


PHONE: Final = 390
SCREENS: Final = (Screen("light", 720), Screen("dark", 720), Screen("light", PHONE))
SCALE: Final = 0.6


def browser() -> str | None:
    """The first Chromium of this machine, or None."""
    names = (os.environ.get(CHOSEN) or "", *BROWSERS)
    return next(filter(None, map(shutil.which, filter(None, names))), None)


@contextmanager
def opened() -> Iterator[Browser]:
    """A running Chromium."""
    with sync_playwright() as driver:
        # No sandbox: containers do not allow one, and nothing is loaded from anywhere.
        chromium = driver.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def picture(chromium: Browser, page: Path, target: Path, screen: Screen) -> None:
    """Take a picture of all of an HTML file."""
    context = chromium.new_context(
        color_scheme=screen.scheme, viewport={"width": screen.width, "height": 100}, offline=True
    )
    shown = context.new_page()
    shown.goto(page.resolve().as_uri())
    shown.screenshot(path=target, full_page=True)
    context.close()


def _sheet(chromium: Browser, page: Path, target: Path) -> None:
    """Take a picture of a mail on every screen, side by side."""
    shots = [page.with_name(f"{page.stem}-{number}.shot.png") for number in range(len(SCREENS))]
    for screen, shot in zip(SCREENS, shots, strict=True):
        picture(chromium, page, shot, screen)
    images = "".join(
        f'<img src="{shot.name}" width="{screen.width * SCALE}" style="vertical-align:top">'
        for screen, shot in zip(SCREENS, shots, strict=True)
    )
    sheet = page.with_suffix(".sheet.html")
    style = f"margin:0;font-size:0;background:{palette.LIGHT['page']}"
    sheet.write_text(f'<!doctype html><body style="{style}">{images}', encoding="utf-8")
    width = round(sum(screen.width for screen in SCREENS) * SCALE)
    picture(chromium, sheet, target, Screen("light", width))
    for made in (*shots, sheet):
        made.unlink()


def main(arguments: list[str] | None = None) -> None:
    """Write the samples and their pictures into the directory that is named."""
    parser = argparse.ArgumentParser(prog="python -m tests.mails.screenshots", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("names", nargs="*", help="samples; default: all")
    given = parser.parse_args(arguments)
    if browser() is None:
        sys.exit(f"there is no Chromium on this machine: make browser, or name one in {CHOSEN}")
    samples.write(given.directory)
    names = [f"{name}.{locale}" for name in given.names or samples.SAMPLES for locale in LOCALES]
    with opened() as chromium:
        for name in names:
            page = given.directory / f"{name}.html"
            _sheet(chromium, page, page.with_suffix(".png"))
    sys.stdout.write(f"{len(names)} pictures in {given.directory}\n")


if __name__ == "__main__":
    main()
