"""One browser and one running Billhook for all tests of the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.house import House, house_in, launch, opened, sign_in
from tests.mails import screenshots


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A Chromium; without one the tests are left out, which the end of the run says."""
    if screenshots.browser() is None:
        pytest.skip("there is no Chromium on this machine: make browser")
    with sync_playwright() as driver:
        started = launch(driver)
        yield started
        started.close()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[House]:
    """Billhook as ``make run`` starts it."""
    assert chromium.is_connected()
    with house_in(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about."""
    return []


@pytest.fixture
def page(chromium: Browser, house: House, complaints: list[str]) -> Iterator[Page]:
    """The demo's operator is signed in; any complaint of the browser fails the test."""
    context = opened(chromium, house)
    page = context.new_page()
    page.on("console", lambda said: _keep(complaints, said.type, said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, house)
    yield page
    context.close()
    assert complaints == []


def _keep(complaints: list[str], kind: str, text: str) -> None:
    if kind in {"error", "warning"}:
        complaints.append(text)
