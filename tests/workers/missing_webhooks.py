"""Purchases whose webhooks never come: what the tests of reconciliation start from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep
from typing import Any
from urllib.parse import urlsplit

import urllib3
from sqlalchemy import select
from starlette.testclient import TestClient

from domain import clock, positions
from domain.alerts import Alert
from domain.inbox import Event
from domain.positions import EVENTS, Position
from tests.workers.conftest import Played
from webhooks import inbox_rows
from webhooks.inbox_rows import Incoming, Receipt
from webhooks.providers.provider import Delivery
from webhooks.sandbox.stripe_events import Events
from workers import perform_effects, process_events
from workers.reconcile import reconcile
from workers.runtime import Runtime

TARGET = {"plan": "standard", "interval": "month", "agents": 2, "conversations": 100}
PAGES = {"return_url": "https://app.example/ok", "cancel_url": "https://app.example/no"}
PROVIDERS = {"card": "stripe", "paypal": "paypal"}
_http = urllib3.PoolManager(retries=False, timeout=20)


def buy(played: Played, client: TestClient, ref: str, method: str = "card") -> None:
    """Register, order and pay; the provider's webhooks stay where they are."""
    details = {"email": f"{ref}@customers.example", "currency": "CZK", "billing": {"country": "CZ"}}
    client.put(f"/api/accounts/{ref}", json=details).raise_for_status()
    with ThreadPoolExecutor(1) as pool:
        # The call waits for the page, which somebody must ask the provider for meanwhile.
        wish = {**TARGET, **PAGES, "method": method}
        placing = pool.submit(client.post, f"/api/accounts/{ref}/orders", json=wish)
        while not placing.done():
            perform_effects.drain(played.runtime)
            sleep(0.02)
    page = placing.result().json()["checkout_url"]
    if method == "card":
        identifier = urlsplit(page).path.rpartition("/")[2]
        desk(played, f"/stripe/checkout/{identifier}/pay", card="visa")
    else:
        token = dict(part.split("=") for part in urlsplit(page).query.split("&"))["token"]
        desk(played, f"/paypal/orders/{token}/approve", vault=True)


def desk(played: Played, path: str, **wanted: Any) -> Any:
    """Use the sandbox's control desk."""
    url = f"{played.world.base_url}/sandbox{path}"
    answer = _http.request("POST", url, json=wanted)
    assert answer.status < 400, answer.data
    return answer.json()


def announce(played: Played, kind: str = "customer.deleted", **thing: Any) -> str:
    """Have Stripe tell something; returns the event's id."""
    return Events(played.world).emit(kind, {"id": "cus_1", "object": "customer", **thing})


def deliver(runtime: Runtime, played: Played, event_id: str) -> Receipt:
    """A webhook after all: verified and stored as the edge does it."""
    [message] = [each for each in played.world.courier.held() if each.event_id == event_id]
    provider = runtime.providers[message.provider]
    headers, body = message.transmission()
    named = {name.lower(): value for name, value in headers.items()}
    delivery = Delivery(headers=named, body=body, received_at=clock.now())
    verdict = provider.verifier.verify(delivery)
    assert verdict.status == "authentic", verdict.reason
    row = Incoming(
        provider=message.provider,
        identity=provider.verifier.identify(body),
        body=body,
        headers=named,
        received_at=clock.now(),
        delivery_key=verdict.delivery_key,
    )
    with runtime.database.transaction() as session:
        return inbox_rows.insert(session, [row])[0]


def run(played: Played, **passed: float) -> None:
    """Let time pass, and the clock and the workers do what is due."""
    clock.advance(timedelta(**(passed or {"minutes": 3})))
    reconcile(played.runtime)
    work(played.runtime)


def work(runtime: Runtime) -> None:
    """Work until nothing is due now."""
    while perform_effects.drain(runtime) + process_events.drain(runtime):
        pass


def listed(runtime: Runtime, **wanted: str) -> list[Event]:
    """The events of the inbox."""
    with runtime.database.transaction() as session:
        return list(session.scalars(select(Event).filter_by(**wanted).order_by(Event.id)))


def position(runtime: Runtime, provider: str = "stripe") -> Position:
    """Where the list of events stands."""
    with runtime.database.transaction() as session:
        return positions.of(session, provider, EVENTS)


def alert(runtime: Runtime, rule: str, subject: str = "stripe") -> Alert | None:
    """The last alert of a rule."""
    statement = select(Alert).where(Alert.rule == rule, Alert.subject == subject)
    with runtime.database.transaction() as session:
        return session.scalar(statement.order_by(Alert.id.desc()).limit(1))
