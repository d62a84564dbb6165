"""The console over a real database, visited over HTTP by people with and without a role."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from domain import catalogue as catalogues
from domain import clock, operator_sessions, operators
from domain.database import Database, insert_once
from domain.operators import Operator
from domain.settings import Settings
from webhooks.api.parts import Services
from webhooks.app import create_app
from webhooks.providers import registry
from webhooks.sessions import COOKIE, Caller

PASSWORD = "correct horse battery"
ORIGIN = "http://testserver"
ENVIRON = {
    "BILLHOOK_PROVIDERS": "tests.contract.acme",
    "ACME_API_KEY": "acme_key",
    "ACME_WEBHOOK_SECRETS": "acme_secret_of_tests",
    "ACME_LEDGER": "console",
}


class Bell:
    """A bell that only remembers what was rung for."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, job: str) -> None:
        """Remember."""
        self.rung.append(job)


class Visitor:
    """Somebody's browser: keeps the cookie, sends forms like a page does."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str, **more: Any) -> Any:
        """A page; redirects are not followed."""
        return self.client.get(path, follow_redirects=False, **more)

    def part(self, path: str, block: str) -> Any:
        """One block of a page, as htmx asks for it."""
        return self.get(path, headers={"HX-Request": "true", "HX-Target": block})

    def post(self, path: str, fields: dict[str, Any] | None = None, **more: Any) -> Any:
        """Send a form from a page of the console, with the session's token."""
        data = {"csrf": self.token(), **(fields or {})}
        headers = {"Origin": ORIGIN, **more.pop("headers", {})}
        return self.client.post(path, data=data, headers=headers, follow_redirects=False, **more)

    def token(self) -> str:
        """The token that the forms of the session carry; empty without a session."""
        found = re.search(r'name="csrf" value="(\w+)"', self.get("/console/audit").text)
        return found[1] if found else ""

    def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> Any:
        """Send the form of the sign-in."""
        data = {"name": name, "password": password, **more}
        return self.client.post(
            "/console/sign-in", data=data, headers={"Origin": ORIGIN}, follow_redirects=False
        )


@lru_cache(maxsize=1)
def _hash_of_password() -> str:
    return operators.hashed(PASSWORD)


def add_operator(database: Database, name: str, role: str) -> None:
    """Let somebody in, with ``PASSWORD``; hashing it once is enough for all tests."""
    now = clock.wall()
    made = {"password_hash": _hash_of_password(), "password_changed_at": now, "created_at": now}
    with database.transaction() as session:
        assert insert_once(session, Operator, name=name, role=role, theme="auto", **made)


@pytest.fixture
def bell() -> Bell:
    """What the pages ring."""
    return Bell()


@pytest.fixture
def settings() -> Settings:
    """The settings of the web process."""
    return Settings(environ=ENVIRON)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """Pages are read by the same queries on both stores; what differs asks for ``either``."""
    database = Database(sqlite_url)
    yield database
    database.dispose()


@pytest.fixture
def services(database: Database, settings: Settings, bell: Bell) -> Services:
    """What the pages work with."""
    return Services(
        settings=settings,
        database=database,
        providers=registry(settings.environ),
        catalogue=catalogues.load(),
        bell=bell,
    )


@pytest.fixture
def app(services: Services) -> Starlette:
    """The whole web application."""
    return create_app(services)


@pytest.fixture
def browser(app: Starlette) -> Iterator[Callable[..., Visitor]]:
    """Makes browsers that nobody has signed in with: ``browser("198.51.100.7")``."""
    with TestClient(app) as running:

        def make(address: str = "192.0.2.1", **more: Any) -> Visitor:
            client = TestClient(app, client=(address, 50000), raise_server_exceptions=False, **more)
            # One application has one event loop, however many visit it.
            client.portal = running.portal
            return Visitor(client)

        yield make


@pytest.fixture
def stranger(browser: Callable[..., Visitor]) -> Visitor:
    """Somebody who is not signed in."""
    return browser()


@pytest.fixture
def operator(browser: Callable[..., Visitor], services: Services) -> Visitor:
    """Anna, who may act."""
    return _signed_in(browser(), services, "anna", "operator")


@pytest.fixture
def viewer(browser: Callable[..., Visitor], services: Services) -> Visitor:
    """Vera, who reads."""
    return _signed_in(browser(), services, "vera", "viewer")


def _signed_in(visitor: Visitor, services: Services, name: str, role: str) -> Visitor:
    """Begin a session without the form: checking a password takes its time on purpose."""
    add_operator(services.database, name, role)
    with services.database.transaction() as session:
        found = operators.find(session, name)
        secret = operator_sessions.begin(session, found, "192.0.2.1", "a browser of tests")
    caller = Caller(settings=services.settings, headers={})
    visitor.client.cookies.set(COOKIE, caller.signed(secret))
    return visitor
