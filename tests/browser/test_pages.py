"""Every page: in light and dark, on a phone, without scripts, and for those who cannot see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.house import House, opened, sign_in
from tests.browser.places import PLACES, QUESTIONS

AXE = Path(__file__).with_name("axe.min.js").read_text(encoding="utf-8")
PHONE = 360

pytestmark = pytest.mark.timeout(240)


def faults(page: Page) -> list[str]:
    """What axe finds serious or worse on the page."""
    # The page's own policy lets no script in; the browser's debugger is not bound by it.
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("axe.run()")
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_accessibility(
    chromium: Browser, house: House, scheme: Any
) -> None:
    context = opened(chromium, house, scheme)
    page = context.new_page()
    page.goto("/console/sign-in")
    found = {"sign-in": faults(page)}
    sign_in(page, house)
    for name, address in {**PLACES, **QUESTIONS}.items():
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        found[name] = faults(page)
    context.close()
    assert {name: each for name, each in found.items() if each} == {}


def test_no_page_is_wider_than_a_phone(chromium: Browser, house: House) -> None:
    context = opened(chromium, house, width=PHONE)
    page = context.new_page()
    sign_in(page, house)
    wide = {}
    for name, address in {**PLACES, **QUESTIONS}.items():
        page.goto(address)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE:
            wide[name] = width
    context.close()
    assert wide == {}


def test_everything_can_be_read_and_acted_on_without_scripts(
    chromium: Browser, house: House
) -> None:
    context = opened(chromium, house, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, house)
    for address in (*PLACES.values(), *QUESTIONS.values()):
        page.goto(address)
        assert page.locator("h1").inner_text()
    page.goto("/console/accounts/ulrika")
    page.get_by_role("link", name="Block").click()
    page.get_by_label("Reason").fill("asked for by their lawyer")
    page.get_by_role("button", name="Block").click()
    assert "The account is blocked." in page.content()
    context.close()


def test_a_viewer_sees_no_personal_data_and_no_buttons(
    chromium: Browser, house: House, tmp_path: Path
) -> None:
    password = house.add_operator("vera", "viewer")
    context = opened(chromium, house)
    page = context.new_page()
    sign_in(page, house, "vera", password)
    page.goto("/console/accounts/boris")
    assert "boris@customers.example" not in page.content()
    assert page.get_by_role("link", name="Unblock").count() == 0
    context.close()


@pytest.mark.parametrize(
    "language, words", [("fr", "Échecs"), ("cs", "Selhání"), ("en", "Failures")]
)
def test_the_console_speaks_the_browsers_language(
    chromium: Browser, house: House, language: str, words: str
) -> None:
    context = opened(chromium, house, locale=language)
    page = context.new_page()
    page.goto("/console/sign-in")
    page.locator("[name=name]").fill("demo")
    page.locator("[name=password]").fill(house.password)
    page.locator("button[type=submit]").click()
    page.wait_for_selector("header.bar")
    assert words in page.locator("#menu").inner_text()
    context.close()
