"""The API over a real database, with a worker that really opens checkouts at a test's provider."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from domain import catalogue as catalogues
from domain import tokens
from domain.database import Database
from domain.settings import Settings
from tests.contract.acme.ledger import Ledger, named
from webhooks.api.parts import Services
from webhooks.app import create_app
from webhooks.providers import registry
from workers import perform_effects, process_events, trials
from workers.runtime import Runtime

SECRET = "acme_secret_of_tests"


class Worker:
    """A bell with a worker behind it: a thread that does what is rung for, until stopped."""

    def __init__(self) -> None:
        self.runtime: Runtime | None = None
        self.rung: list[str] = []
        self.failures: list[Exception] = []
        self._jobs: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def ring(self, job: str) -> None:
        """Have a job done soon."""
        self.rung.append(job)
        self._jobs.put(job)

    def start(self, runtime: Runtime) -> None:
        """Begin to work."""
        self.runtime = runtime
        self._thread.start()

    def stop(self) -> None:
        """Do what is left, then end."""
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join(10)

    def wait(self) -> None:
        """Return when everything that was rung for is done; fail if some of it failed."""
        self._jobs.join()
        assert self.failures == []

    def _work(self) -> None:
        drains = {
            "perform_effects": perform_effects.drain,
            "process_events": process_events.drain,
            "run_trials": trials.drain,
        }
        while (job := self._jobs.get()) is not None:
            try:
                if self.runtime is not None:
                    drains[job](self.runtime)
            except Exception as error:  # noqa: BLE001 - told to whoever waits
                self.failures.append(error)
            finally:
                self._jobs.task_done()


@pytest.fixture
def ledger_name(request: pytest.FixtureRequest) -> str:
    """The name of this test's own ledger at Acme."""
    return str(request.node.nodeid)


@pytest.fixture
def ledger(ledger_name: str) -> Ledger:
    """Acme's books of this test."""
    return named(ledger_name)


@pytest.fixture
def environ(ledger_name: str) -> dict[str, str]:
    """An environment in which Acme alone is switched on."""
    return {
        "BILLHOOK_PROVIDERS": "tests.contract.acme",
        "ACME_API_KEY": "acme_key",
        "ACME_WEBHOOK_SECRETS": f"acme_secret_of_old,{SECRET}",
        "ACME_LEDGER": ledger_name,
    }


@pytest.fixture
def worker() -> Iterator[Worker]:
    """The bell of the services; nobody hears it until ``start``."""
    worker = Worker()
    yield worker
    worker.stop()


@pytest.fixture
def services(database: Database, environ: dict[str, str], worker: Worker) -> Services:
    """What the API works with."""
    return Services(
        settings=Settings(environ=environ),
        database=database,
        providers=registry(environ),
        catalogue=catalogues.load(),
        bell=worker,
    )


@pytest.fixture
def working(services: Services, worker: Worker) -> Worker:
    """The worker, working."""
    runtime = Runtime(
        settings=services.settings,
        database=services.database,
        providers=services.providers,
        catalogue=services.catalogue,
        bell=worker,
    )
    worker.start(runtime)
    return worker


@pytest.fixture
def token(database: Database) -> Callable[[str], str]:
    """Makes tokens: ``token("app")``."""

    def make(role: str) -> str:
        with database.transaction() as session:
            return tokens.create(session, role, f"tests as {role}")[1]

    return make


@pytest.fixture
def anonymous(services: Services) -> Iterator[TestClient]:
    """The whole application, called by nobody in particular."""
    with TestClient(create_app(services), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(anonymous: TestClient, token: Callable[[str], str]) -> TestClient:
    """The same, called by the app."""
    anonymous.headers["Authorization"] = f"Bearer {token('app')}"
    return anonymous


@pytest.fixture
def shop(client: TestClient) -> str:
    """The ref of an account in CZK."""
    answer = client.put("/api/accounts/shop", json=details())
    assert answer.status_code == 201, answer.text
    return "shop"


def details(**changes: Any) -> dict[str, Any]:
    """A body for ``PUT /api/accounts/{ref}``."""
    billing = {"name": "Anna s.r.o.", "country": "CZ"}
    return {"email": "anna@example.com", "currency": "CZK", "billing": billing, **changes}


def wanted(**changes: Any) -> dict[str, Any]:
    """A target: Standard for two agents by the month."""
    return {
        "plan": "standard",
        "interval": "month",
        "agents": 2,
        "conversations": 100,
        **changes,
    }


def purchase(**changes: Any) -> dict[str, Any]:
    """A body for ``POST /api/accounts/{ref}/orders``."""
    urls = {
        "return_url": "https://app.example.com/thanks",
        "cancel_url": "https://app.example.com/plans",
    }
    return {**wanted(), "method": "transfer", **urls, **changes}
