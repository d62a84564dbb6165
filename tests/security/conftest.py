"""One installation in which there is one of everything, copied for each test of its doors."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from domain import alerts, failures, replays, tokens, trials
from domain import catalogue as catalogues
from domain.audit import Decider
from domain.database import Database
from domain.event_search import Filter
from domain.replays import Plan
from domain.settings import Settings
from tests.api.conftest import SECRET, details, purchase
from tests.conftest import SESSION
from tests.contract.acme.ledger import Ledger, delivery, named
from webhooks.api import resource
from webhooks.api.parts import Services
from webhooks.app import create_app
from webhooks.providers import registry
from workers import perform_effects, process_events
from workers.runtime import Runtime

ENVIRON = {
    "BILLHOOK_PROVIDERS": "tests.contract.acme",
    "ACME_API_KEY": "acme_key",
    "ACME_WEBHOOK_SECRETS": SECRET,
}
SECRET_KEY = "a key for the sessions of tests"
BY = Decider(actor="operator:tests", reason="to have one")


class Quiet:
    """A bell that nobody hears."""

    def ring(self, job: str) -> None:
        """Nothing."""


def services_over(url: str) -> Services:
    """What the web process works with, over the database at ``url``, each with its own Acme."""
    environ = {**ENVIRON, "ACME_LEDGER": url}
    return Services(
        settings=Settings(environ=environ, secret_key=SECRET_KEY),
        database=Database(url),
        providers=registry(environ),
        catalogue=catalogues.load(),
        bell=Quiet(),
    )


@pytest.fixture(scope="module")
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with an account that bought something, and one of everything else."""
    path = tmp_path_factory.mktemp("lived") / "billhook.db"
    shutil.copyfile(request.config.stash[SESSION].migrated_file, path)
    services = services_over(f"sqlite:///{path}")
    _live(services, named(f"sqlite:///{path}"))
    services.database.dispose()
    return path


def _live(services: Services, ledger: Ledger) -> None:
    runtime = Runtime(
        settings=services.settings,
        database=services.database,
        providers=services.providers,
        catalogue=services.catalogue,
        bell=services.bell,
    )
    with services.database.transaction() as session:
        token = tokens.create(session, "app", "life")[1]
    with TestClient(create_app(services)) as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr(resource, "PATIENCE_S", 0.0)
        client.headers["Authorization"] = f"Bearer {token}"
        client.put("/api/accounts/shop", json=details())
        client.post("/api/accounts/shop/orders", json=purchase())
        perform_effects.drain(runtime)
        odd = {"id": "evt_odd", "type": "payment.completed"}
        for event in (odd, ledger.pay("acme_checkout_1")):
            headers, body = delivery(event, SECRET)
            assert client.post("/webhooks/acme", content=body, headers=headers).is_success
        process_events.drain(runtime)
    with services.database.transaction() as session:
        alerts.raise_alert(session, "renewal_exhausted", "shop", account="shop")
        failures.refresh(session)
        replays.create(session, Plan(filter=Filter(provider="acme")), BY)
        trials.want(session, 1, BY)


@pytest.fixture
def services(lived: Path, tmp_path: Path) -> Iterator[Services]:
    """This test's own copy of the installation."""
    path = tmp_path / "billhook.db"
    shutil.copyfile(lived, path)
    services = services_over(f"sqlite:///{path}")
    yield services
    services.database.dispose()


@pytest.fixture
def client(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The whole application, called from elsewhere by nobody in particular."""
    monkeypatch.setattr(resource, "PATIENCE_S", 0.0)
    app = create_app(services)
    with TestClient(
        app, client=("192.0.2.1", 50000), raise_server_exceptions=False, follow_redirects=False
    ) as client:
        yield client


@pytest.fixture
def token(services: Services) -> Callable[[str], str]:
    """Makes tokens: ``token("app")``."""

    def make(role: str) -> str:
        with services.database.transaction() as session:
            return tokens.create(session, role, f"tests as {role}")[1]

    return make
