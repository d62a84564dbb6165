"""A sandbox that plays Stripe over HTTP, and our gateway to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain import clock
from domain.money import Money
from domain.ports import ChargeRequest, CheckoutRequest, MethodRequest, ReadingRequest
from tests.sandbox.conftest import Sandbox, Stage
from webhooks.providers.stripe.gateway import StripeGateway, gateway
from webhooks.providers.stripe.settings import StripeConfiguration, configure

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EUR = Money(4900, "EUR")

Document = dict[str, Any]


class Shop:
    """Our gateway, and what a customer or a bank does on the other side of the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.gateway = self.another_gateway()

    def another_gateway(self, **changes: str) -> StripeGateway:
        """A gateway of its own, with other settings than the sandbox's."""
        return gateway(self._configuration(changes))

    def be_impatient(self) -> None:
        """From now on neither wait long for an answer nor repeat a call."""
        configuration = self._configuration({})
        self.gateway = StripeGateway(configuration, timeouts=(0.5, 0.5), retries=0)

    def _configuration(self, changes: dict[str, str]) -> StripeConfiguration:
        environ = self.sandbox.world.credentials.environment(self.sandbox.base_url)
        stripe = {k: v for k, v in environ.items() if k.startswith("STRIPE_")}
        configuration = configure({**stripe, **changes}, self.sandbox.base_url)
        assert configuration is not None
        return configuration

    def checkout(self, **changes: Any) -> CheckoutRequest:
        """A request to open a page for order ord_7."""
        wanted: Document = {
            "key": "open:ord_7",
            "order": "ord_7",
            "account": "acme",
            "total": EUR,
            "description": "Standard, 5 agents, 1 month",
            "email": "jo@example.com",
            "customer": None,
            "locale": "cs",
            "return_url": "https://app.example/paid",
            "cancel_url": "https://app.example/back",
            "expires_at": NOON + timedelta(hours=3),
        }
        return CheckoutRequest(**{**wanted, **changes})

    def method_entry(self, **changes: Any) -> MethodRequest:
        """A request to open a page where account acme enters a card."""
        wanted: Document = {
            "key": "method:1",
            "account": "acme",
            "email": "jo@example.com",
            "customer": None,
            "locale": "pl",
            "currency": "PLN",
            "return_url": "https://app.example/saved",
            "cancel_url": "https://app.example/back",
        }
        return MethodRequest(**{**wanted, **changes})

    def pay(self, checkout: str, **wanted: Any) -> Document:
        """The customer pays on the page."""
        return self.sandbox.control(f"/stripe/checkout/{checkout}/pay", **wanted)

    def saved_card(self, card: str = "pm_card_visa") -> tuple[str, str]:
        """A customer with a saved card: (customer, token)."""
        customer = self.sandbox.stripe.customers.create({"email": "jo@example.com"}).id
        method = self.sandbox.stripe.payment_methods.attach(card, {"customer": customer})
        return customer, method.id

    def charge(self, card: str = "pm_card_visa", **changes: Any) -> ChargeRequest:
        """A request to charge a newly saved card for order ord_8."""
        customer, token = self.saved_card(card)
        wanted: Document = {
            "key": "charge:ord_8",
            "order": "ord_8",
            "account": "acme",
            "total": EUR,
            "description": "Standard, 5 agents, 1 month",
            "token": token,
            "customer": customer,
        }
        return ChargeRequest(**{**wanted, **changes})

    def read(self, kind: str, key: str) -> Document:
        """What the gateway reads; it must be there."""
        document = self.gateway.read(ReadingRequest(kind, key))
        assert document is not None
        return document

    def fault(self, kind: str, **about: Any) -> None:
        """Something goes wrong between Stripe and us."""
        self.sandbox.world.faults.add({"kind": kind, "provider": "stripe", **about})

    def intents(self) -> list[Document]:
        """All PaymentIntents that Stripe has."""
        return self.sandbox.world.store.all("stripe.payment_intent")


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """One server for all tests."""
    made = Stage()
    with made.server:
        yield made
    made.receiver.close()


@pytest.fixture
def shop(stage: Stage) -> Iterator[Shop]:
    """A fresh sandbox at noon, with our gateway."""
    clock.travel(NOON)
    with stage.play() as sandbox:
        yield Shop(sandbox)
    clock.reset()
