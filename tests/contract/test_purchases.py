"""One purchase by every way to pay that any provider serves, through the same calls and rules.

Nothing but settings makes a provider take part: the route, the orders and the page are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import urllib3

from domain import catalogue as catalogues
from domain import tokens
from domain.database import Database
from domain.settings import Settings
from tests.api.conftest import Worker
from tests.contract.acme.ledger import Ledger, delivery, named
from tests.contract.participants import ACME_SECRET, SPECS, settings_of
from tests.invariants import assert_invariants
from tests.processes import wait_until
from webhooks.api.parts import Services
from webhooks.app import create_app
from webhooks.providers import registry
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World
from workers.runtime import Runtime

METHODS = {method: name for name, spec in SPECS.items() for method in spec.methods}


class Shop:
    """Billhook on a real port, with a worker, called as the app calls it."""

    def __init__(self, base_url: str, token: str, world: World, ledger: Ledger) -> None:
        self.base_url, self.token, self.world, self.ledger = base_url, token, world, ledger

    def app(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API; gives the answer's JSON."""
        headers = {"authorization": f"Bearer {self.token}"}
        answer = urllib3.request(method, self.base_url + path, json=body, headers=headers)
        assert answer.status < 300, answer.data
        return answer.json()

    def desk(self, path: str, body: Any) -> None:
        """Do what a customer does on a played provider's page."""
        url = f"{self.world.base_url}/sandbox{path}"
        assert urllib3.request("POST", url, json=body).status < 300


def _pay_by_card(shop: Shop, url: str) -> None:
    shop.desk(f"/stripe/checkout/{urlsplit(url).path.rpartition('/')[2]}/pay", {"card": "visa"})


def _pay_by_wallet(shop: Shop, url: str) -> None:
    shop.desk(
        f"/paypal/orders/{parse_qs(urlsplit(url).query)['token'][0]}/approve", {"vault": True}
    )


def _pay_by_transfer(shop: Shop, url: str) -> None:
    headers, body = delivery(shop.ledger.pay(url.rpartition("/")[2]), ACME_SECRET)
    for _ in range(2):
        hook = f"{shop.base_url}/webhooks/acme"
        assert urllib3.request("POST", hook, body=body, headers=headers).status == 200


PAY: dict[str, Callable[[Shop, str], None]] = {
    "card": _pay_by_card,
    "paypal": _pay_by_wallet,
    "transfer": _pay_by_transfer,
}


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """The store of the shop."""
    database = Database(sqlite_url)
    yield database
    database.dispose()


@pytest.fixture
def shop(database: Database, world: World, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """The shop, open."""
    environ = {**settings_of(world), "ACME_LEDGER": request.node.nodeid}
    worker, providers = Worker(), registry(environ, world.base_url)
    settings = Settings(environ=environ, sandbox=world.base_url)
    catalogue = catalogues.load()
    worker.start(Runtime(settings, database, providers, catalogue, worker))
    services = Services(settings, database, providers, catalogue, worker)
    with database.transaction() as session:
        _, token = tokens.create(session, "app", "shop")
    with SandboxServer(create_app(services)) as server:
        world.deliver_to(server.base_url)
        yield Shop(server.base_url, token, world, named(request.node.nodeid))
        world.courier.settle()
        worker.stop()


def test_every_way_to_pay_has_a_customer_here() -> None:
    assert set(PAY) == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_a_purchase_by_every_way_to_pay_ends_in_the_same_state(
    shop: Shop, database: Database, method: str
) -> None:
    billing = {"name": "Anna s.r.o.", "country": "CZ"}
    details = {"email": "anna@example.com", "currency": "CZK", "billing": billing}
    shop.app("PUT", "/api/accounts/anna", details)
    wish = {
        "plan": "standard",
        "interval": "month",
        "agents": 2,
        "conversations": 100,
        "method": method,
        "return_url": "https://app.example/thanks",
        "cancel_url": "https://app.example/plans",
    }
    order = shop.app("POST", "/api/accounts/anna/orders", wish)["id"]
    wait_until(lambda: shop.app("GET", f"/api/orders/{order}")["checkout_url"], "there is a page")
    PAY[method](shop, shop.app("GET", f"/api/orders/{order}")["checkout_url"])
    told: dict[str, Any] = {}

    def is_all_there() -> bool:
        told.update(shop.app("GET", "/api/accounts/anna"))
        # The method may be told of by an event of its own.
        return bool(told["subscription"] and told["payment_method"])

    wait_until(is_all_there, "the subscription runs", lambda: msgspec.json.encode(told))
    assert told["status"] == "active"
    assert told["subscription"]["auto_renew"] is True
    assert told["subscription"]["agents"] == 2
    assert told["next_charge"]["amount"] == {"amount": 118_580, "currency": "CZK"}
    assert shop.app("GET", f"/api/orders/{order}")["state"] == "paid"
    assert_invariants(database)
