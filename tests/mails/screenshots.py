"""Pictures of the mails: ``python -m tests.mails.screenshots DIRECTORY [NAME …]`` takes the samples
through a headless Chromium, on a desktop and on a phone, in light and in dark."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

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
DARK: Final = "--blink-settings=preferredColorScheme=0"
LIGHT: Final = "--blink-settings=preferredColorScheme=1"
PHONE: Final = 390
"""CSS pixels of a common phone; a headless window is wider, so the mail is put into a frame."""


def browser() -> str | None:
    """The first Chromium of this machine, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def picture(
    page: Path, target: Path, *, dark: bool = False, width: int = 760, height: int = 1000
) -> None:
    """Take a picture of an HTML file. Raises CalledProcessError when the browser fails."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser() or "chromium",
            *FLAGS,
            DARK if dark else LIGHT,
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            f"--screenshot={target}",
            page.resolve().as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=60)


def on_phone(page: Path) -> Path:
    """A page that shows ``page`` as wide as a phone; returns its path, beside it."""
    framed = page.with_name(f"phone-{page.name}")
    framed.write_text(
        f'<!doctype html><meta name="color-scheme" content="light dark">'
        f'<body style="margin:0"><iframe src="{page.name}" width="{PHONE}" height="1100"'
        f' style="border:0"></iframe>',
        encoding="utf-8",
    )
    return framed


def sheet(pages: list[Path], target: Path, columns: int = 4) -> Path:
    """A page that shows several mails side by side at half their size."""
    frames = "".join(
        f'<div style="width:380px;height:470px;overflow:hidden;display:inline-block">'
        f'<iframe src="{page.name}" width="760" height="940"'
        f' style="border:0;transform:scale(.5);transform-origin:0 0"></iframe></div>'
        for page in pages
    )
    target.write_text(
        f'<!doctype html><meta name="color-scheme" content="light dark">'
        f'<body style="margin:0;width:{columns * 380}px;font-size:0">{frames}',
        encoding="utf-8",
    )
    return target


def main(arguments: list[str] | None = None) -> None:
    """Write the samples and their pictures into the directory that is named."""
    parser = argparse.ArgumentParser(prog="python -m tests.mails.screenshots", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("names", nargs="*", help="begin of the samples' names; default: all")
    given = parser.parse_args(arguments)
    if browser() is None:
        sys.exit("there is no Chromium on this machine; install Debian's package chromium")
    pages = samples.write(given.directory)
    chosen = [p for p in pages if not given.names or p.name.startswith(tuple(given.names))]
    for page in chosen:
        for dark in (False, True):
            look = "dark" if dark else "light"
            picture(page, page.with_suffix(f".{look}.png"), dark=dark)
            phone = on_phone(page)
            target = page.with_suffix(f".phone.{look}.png")
            picture(phone, target, dark=dark, width=PHONE, height=1100)
            phone.unlink()
    sys.stdout.write(f"{4 * len(chosen)} pictures in {given.directory}\n")


if __name__ == "__main__":
    main()
