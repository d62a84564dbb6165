"""Billhook as it runs in production, with everybody around it: servers, providers, customers.

PostgreSQL, Valkey and the played providers are real servers; web, worker and clock are processes.
Whoever buys here goes through HTTP alone and tries again when nobody answers, as apps do.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec
import urllib3
from sqlalchemy import DateTime, cast, func, select, update

from domain import tokens
from domain.database import Database, migrate
from domain.effects import Effect
from domain.inbox import Event
from domain.invoices import Invoice
from domain.payments import Payment
from tests.keys import DATA_KEYS, RING
from tests.processes import PATIENCE_S, Installation, wait_until, without_libraries
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import ValkeyServer
from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World

PATIENT: Final = (0.2, 0.5, *([1.0] * 60))
"""How often the played providers try to deliver: real ones go on for days."""
STARTED: Final = ("web", "worker", "clock")
ENDS: Final = {"web": 0, "worker": 0, "clock": 0}
"""Exit status after SIGTERM."""
RETRIES: Final = 6
"""How often time passes until everything must be done: more than any list of short delays."""
SECRET_KEY: Final = "a-secret-key-of-the-tests-0123456789"


class Customer:
    """One account, its app and its purse."""

    def __init__(self, town: Town, ref: str, method: str) -> None:
        self.town, self.ref, self.method = town, ref, method
        self.order: dict[str, Any] = {}

    def buy(self) -> None:
        """Register, order, and pay on the provider's page."""
        billing = {"name": f"Customer {self.ref}", "country": "CZ"}
        details = {"email": f"{self.ref}@customers.example", "currency": "CZK", "billing": billing}
        self.town.app("PUT", f"/api/accounts/{self.ref}", details)
        wish = {
            "plan": "standard",
            "interval": "month",
            "agents": 2,
            "conversations": 100,
            "method": self.method,
            "return_url": "https://app.example/thanks",
            "cancel_url": "https://app.example/plans",
        }
        # The same key at every try: it is one order however often it is sent.
        key = {"Idempotency-Key": f"buy-{self.ref}"}
        self.order = self.town.app("POST", f"/api/accounts/{self.ref}/orders", wish, key)
        wait_until(self._has_page, f"{self.ref} gets a page", lambda: self.order)
        self._pay()

    def account(self) -> dict[str, Any]:
        """What the app is told about the account."""
        told: dict[str, Any] = self.town.app("GET", f"/api/accounts/{self.ref}")
        return told

    def has_what_was_paid(self) -> bool:
        """Whether the subscription runs."""
        return self.account()["subscription"] is not None

    def _has_page(self) -> bool:
        self.order = self.town.app("GET", f"/api/orders/{self.order['id']}")
        return bool(self.order["checkout_url"])

    def _pay(self) -> None:
        url = urlsplit(self.order["checkout_url"])
        if self.method == "card":
            page = url.path.rpartition("/")[2]
            self.town.desk(f"/stripe/checkout/{page}/pay", {"card": "visa"})
        else:
            token = parse_qs(url.query)["token"][0]
            self.town.desk(f"/paypal/orders/{token}/approve", {"vault": True})


class Town:
    """The whole of it. ``installation`` runs the processes; the servers can be made to fail."""

    def __init__(
        self,
        directory: Path,
        postgres: PostgresServer,
        valkey: ValkeyServer,
        world: World,
        environ: Mapping[str, str],
    ) -> None:
        self.postgres, self.valkey, self.world = postgres, valkey, world
        url = postgres.create_database("billhook")
        migrate(url)
        self.database = Database(url, pool_size=2, ring=RING)
        self.environ = {
            **world.environment(),
            "DATABASE_URL": url,
            "REDIS_URL": valkey.url(),
            "BILLHOOK_SECRET_KEY": SECRET_KEY,
            "BILLHOOK_DATA_KEYS": DATA_KEYS,
            **environ,
        }
        self.installation = Installation(directory, self.environ)
        self.light = without_libraries(directory)
        world.deliver_to(self.installation.base_url)
        self._http = urllib3.PoolManager(maxsize=16, timeout=30, retries=False)
        self.refusals: Counter[int] = Counter()
        with self.database.transaction() as session:
            _, self.token = tokens.create(session, "app", "town")

    def open(self) -> None:
        """Start the three processes; only the worker has the providers' libraries."""
        self.start(*STARTED)

    def start(self, *names: str) -> None:
        """Start processes and wait until they are ready."""
        for name in names:
            if name not in self.processes or not self.processes[name].alive():
                light = {} if name.startswith("worker") else self.light
                self.installation.begin(name, **light)
        for name in names:
            self.installation.await_ready(name)

    def restart(self, name: str) -> None:
        """Kill a process as a crash would, and start it again."""
        self.installation.kill(name)
        self.start(name)

    @property
    def processes(self) -> dict[str, Any]:
        """The processes by name."""
        return self.installation.processes

    def app(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Call the API as the app does: again and again until somebody answers."""
        sent = {"authorization": f"Bearer {self.token}", **(headers or {})}
        return self._insist(method, self.installation.base_url + path, body, sent)

    def desk(self, path: str, body: Any) -> Any:
        """Do what a customer does on a provider's page."""
        return self._insist("POST", f"{self.world.base_url}/sandbox{path}", body, {})

    def settle(self) -> None:
        """Wait until every webhook was taken and everything that was due is done.

        Leases of the dead and retries are waited for by having time pass.
        """
        wait_until(lambda: self.world.courier.settle(0.1), "the webhooks are delivered")
        for _ in range(RETRIES):
            with suppress(AssertionError):
                wait_until(lambda: not self.unfinished(), "nothing is due", patience=3)
                return
            self.let_time_pass()
        wait_until(lambda: not self.unfinished(), "nothing is due", self._explain)

    def _explain(self) -> str:
        return "\n".join([*self.unfinished(), self.installation.output()[-6000:]])

    def let_time_pass(self, span: timedelta = timedelta(minutes=5)) -> None:
        """Have leases run out and retries be due, as they would be in a while."""
        with self.database.transaction() as session:
            for table in (Event, Effect):
                due = table.next_attempt_at.is_not(None)
                sooner = cast(table.next_attempt_at, DateTime(timezone=True)) - span
                session.execute(update(table).where(due).values(next_attempt_at=sooner))

    def unfinished(self) -> list[str]:
        """What is not done yet, in words."""
        with self.database.transaction() as session:
            events = session.scalars(
                select(Event).where(Event.status.not_in(("processed", "ignored")))
            )
            effects = session.scalars(
                select(Effect).where(Effect.status.not_in(("done", "skipped")))
            )
            return [
                *(f"event {e.id} {e.type} {e.status}: {e.note}" for e in events),
                *(f"effect {e.id} {e.kind} {e.status}: {e.note}" for e in effects),
            ]

    def acknowledged(self) -> set[tuple[str, str]]:
        """Provider and id of every event that was answered with 200."""
        log = self.world.store.find("delivery", state="delivered")
        return {(each["provider"], each["event_id"]) for each in log}

    def received(self) -> set[tuple[str, str]]:
        """Provider and id of every event in the inbox."""
        with self.database.transaction() as session:
            rows = session.execute(select(Event.provider, Event.provider_event_id))
            return {(provider, event_id) for provider, event_id in rows}

    def counts(self) -> tuple[int, int, list[str]]:
        """How many payments and invoices there are, and the invoices' numbers."""
        with self.database.transaction() as session:
            payments = session.scalar(select(func.count()).select_from(Payment)) or 0
            numbers = session.scalars(select(Invoice.number).order_by(Invoice.number)).all()
        return payments, len(numbers), [str(number) for number in numbers]

    def close(self) -> None:
        """End everything."""
        self.installation.close()
        self.database.dispose()

    def _insist(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Any:
        sent = None if body is None else msgspec.json.encode(body)
        kind = {"content-type": "application/json"} if sent is not None else {}
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = self._http.request(method, url, body=sent, headers={**kind, **headers})
            except urllib3.exceptions.HTTPError as error:
                status, said = 0, str(error)
            else:
                status, said = answer.status, answer.data.decode()
            if 200 <= status < 300:
                return msgspec.json.decode(said) if said else None
            self.refusals[status] += 1
            assert status in {0, 500, 503}, f"{method} {url}: {status} {said}"
            assert time.monotonic() < deadline, f"{method} {url}: {status} {said}"
            time.sleep(0.1)


@contextmanager
def founded(directory: Path, **environ: str) -> Iterator[Town]:
    """A town without processes yet, until the end of the block."""
    app = create_sandbox(None, seed=11)
    world: World = app.state.world
    world.courier.schedule = PATIENT
    with PostgresServer() as postgres, ValkeyServer() as valkey, SandboxServer(app):
        town = Town(directory, postgres, valkey, world, environ)
        try:
            yield town
        finally:
            town.close()
            world.stop()
