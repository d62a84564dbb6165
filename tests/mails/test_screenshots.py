"""In a real browser a mail turns dark with the screen, and fits a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from domain.accounts import LOCALES
from domain.catalogue import Seller
from domain.mails import kinds, palette, samples
from domain.mails.render import render
from tests.mails import screenshots
from tests.mails.screenshots import PHONE, Scheme, Screen

DOCUMENTED = Path(__file__).parents[2] / "docs" / "samples" / "mails"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if screenshots.browser() is None:
        pytest.skip("there is no Chromium on this machine: make browser")
    with screenshots.opened() as chromium:
        yield chromium


@pytest.mark.parametrize("scheme, colours", [("light", palette.LIGHT), ("dark", palette.DARK)])
def test_a_mail_is_as_light_or_dark_as_the_screen(
    chromium: Browser, seller: Seller, scheme: Scheme, colours: dict[str, str]
) -> None:
    page = chromium.new_page(color_scheme=scheme)
    page.set_content(render("unblocked", "pl", {}, seller).html)
    shown = page.evaluate("getComputedStyle(document.body).backgroundColor")
    parts = [int(colours["page"][at : at + 2], 16) for at in (1, 3, 5)]
    assert shown == f"rgb({parts[0]}, {parts[1]}, {parts[2]})"
    page.close()


@pytest.mark.parametrize("width", [PHONE, 320])
def test_no_mail_is_wider_than_a_phone(chromium: Browser, seller: Seller, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 600})
    too_wide = []
    for name, (kind, parameters) in samples.SAMPLES.items():
        for locale in LOCALES:
            page.set_content(render(kind, locale, kinds.write(parameters), seller).html)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                too_wide.append(f"{name}.{locale}")
    page.close()
    assert too_wide == []


def test_a_picture_shows_all_of_a_page(chromium: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<!doctype html><body style="margin:0"><div style="height:2000px">')
    screenshots.picture(chromium, page, tmp_path / "page.png", Screen("light", 100))
    header = (tmp_path / "page.png").read_bytes()[16:24]
    assert (int.from_bytes(header[:4]), int.from_bytes(header[4:])) == (100, 2000)


def test_the_documentation_shows_every_kind_of_mail_in_every_language() -> None:
    shown = {samples.SAMPLES[name][0] for name in screenshots.DOCUMENTED}
    assert shown == set(kinds.KINDS)
    wanted = {f"{name}.{locale}.png" for name in screenshots.DOCUMENTED for locale in LOCALES}
    assert {path.name for path in DOCUMENTED.glob("*.png")} == wanted
