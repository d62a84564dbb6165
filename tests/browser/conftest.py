"""One browser and one running Billhook for all tests of the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.house import House, house_in, launch, opened, sign_in
from tests.mails import screenshots


@pytest.fixture(scope="session")
def installed() -> str:
    """The browser's path; without one the tests are left out, which the end of the run says."""
    path = screenshots.browser()
    if path is None:
        pytest.skip("there is no Chromium on this machine: make browser")
    return path


# Not for the session: while it is open the driver keeps an event loop running in this thread, and
# no other test in it could run one of its own.
@pytest.fixture(scope="module")
def chromium(installed: str) -> Iterator[Browser]:
    """A running Chromium."""
    assert installed
    with sync_playwright() as driver:
        started = launch(driver)
        yield started
        started.close()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, installed: str) -> Iterator[House]:
    """Billhook as ``make run`` starts it."""
    assert installed
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
