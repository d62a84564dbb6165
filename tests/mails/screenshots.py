"""Pictures of the mails: ``python -m tests.mails.screenshots DIRECTORY [NAME …]`` takes every
sample through a headless Chromium: four languages side by side, each as on a desktop and as on a
phone, once in light and once in dark."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from domain.accounts import LOCALES
from domain.mails import samples

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=500",
)
SCHEMES: Final = {"light": 1, "dark": 0}
"""Chromium's numbers for ``prefers-color-scheme``."""
DESKTOP: Final = 760
PHONE: Final = 390
HEIGHT: Final = 1060
"""CSS pixels; a mail in a frame takes the frame's width for the screen's."""
SCALE: Final = 0.5


def browser() -> str | None:
    """The first Chromium of this machine, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def picture(page: Path, target: Path, scheme: str, size: tuple[int, int]) -> None:
    """Take a picture of an HTML file. Raises CalledProcessError when the browser fails."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser() or "chromium",
            *FLAGS,
            f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            f"--user-data-dir={profile}",
            f"--window-size={size[0]},{size[1]}",
            f"--screenshot={target}",
            page.resolve().as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=60)


def sheet(pages: Sequence[Path], target: Path) -> tuple[int, int]:
    """Write a page that shows mails side by side, each in both widths; returns its size."""
    frames = "".join(_frame(page, width) for page in pages for width in (DESKTOP, PHONE))
    size = (int(len(pages) * (DESKTOP + PHONE) * SCALE), int(HEIGHT * SCALE))
    target.write_text(
        '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        f'<body style="margin:0;width:{size[0]}px;font-size:0">{frames}',
        encoding="utf-8",
    )
    return size


def _frame(page: Path, width: int) -> str:
    return (
        f'<div style="width:{width * SCALE}px;height:{HEIGHT * SCALE}px;overflow:hidden;'
        f'display:inline-block"><iframe src="{page.name}" width="{width}" height="{HEIGHT}"'
        f' style="border:0;transform:scale({SCALE});transform-origin:0 0"></iframe></div>'
    )


def main(arguments: list[str] | None = None) -> None:
    """Write the samples and their pictures into the directory that is named."""
    parser = argparse.ArgumentParser(prog="python -m tests.mails.screenshots", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("names", nargs="*", help="samples; default: all")
    given = parser.parse_args(arguments)
    if browser() is None:
        sys.exit("there is no Chromium on this machine; install Debian's package chromium")
    samples.write(given.directory)
    names = given.names or list(samples.SAMPLES)
    for name in names:
        page = given.directory / f"sheet-{name}.html"
        size = sheet([given.directory / f"{name}.{locale}.html" for locale in LOCALES], page)
        for scheme in SCHEMES:
            picture(page, given.directory / f"{name}.{scheme}.png", scheme, size)
        page.unlink()
    sys.stdout.write(f"{2 * len(names)} pictures in {given.directory}\n")


if __name__ == "__main__":
    main()
