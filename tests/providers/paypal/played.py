"""PayPal as the sandbox plays it over real HTTP, with our gateway in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import requests

from domain.facts import Fact
from domain.money import Money
from domain.ports import ChargeRequest, CheckoutRequest, Reading, RefundRequest
from webhooks.providers.paypal.client import PayPalClient
from webhooks.providers.paypal.gateway import PayPalGateway
from webhooks.providers.paypal.settings import PayPalSettings, configure
from webhooks.providers.paypal.translate import translate
from webhooks.providers.provider import Envelope, Translation
from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.paypal_events import use_authority
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World

TOTAL = Money(4900, "EUR")
TIMEOUT = (1.0, 0.5)


class Played:
    """The sandbox's world, its desk, and a gateway that knows nothing of either."""

    def __init__(self, world: World, base_url: str) -> None:
        environ = world.environment()
        settings = configure(environ, environ["BILLHOOK_SANDBOX"])
        assert settings is not None
        self.world = world
        self.base_url = base_url
        self.settings: PayPalSettings = settings
        self.client = PayPalClient(settings, TIMEOUT)
        self.gateway = PayPalGateway(settings, self.client)

    def desk(self, path: str, body: Any = None) -> Any:
        """Do what a buyer, PayPal or its dashboard does."""
        answer = requests.post(f"{self.base_url}/sandbox/paypal{path}", json=body or {}, timeout=5)
        answer.raise_for_status()
        return answer.json()

    def fault(self, kind: str, **particulars: Any) -> None:
        """Make the next calls go wrong."""
        self.world.faults.add({"kind": kind, "provider": "paypal", "count": 1, **particulars})

    def api(self, path: str, body: Any) -> Any:
        """Call the API as somebody else would."""
        answer = requests.post(
            f"{self.base_url}/paypal{path}",
            json=body,
            auth=(self.settings.client_id, self.settings.client_secret),
            timeout=5,
        )
        answer.raise_for_status()
        return answer.json()

    def types(self) -> list[str]:
        """Types of the events announced so far."""
        return [record["type"] for record in self.world.store.all("paypal_event")]

    def body(self, event_type: str) -> bytes:
        """The latest event of a type, as it is delivered."""
        found = [one for one in self.world.store.all("paypal_event") if one["type"] == event_type]
        return bytes(found[-1]["body"].encode())

    def told(self, event_type: str) -> Translation:
        """What the latest event of a type means, with what the gateway reads for it."""
        document = msgspec.json.decode(self.body(event_type))
        stored = Envelope(
            event_id=document["id"],
            event_type=event_type,
            body=self.body(event_type),
            received_at=datetime.now(UTC),
        )
        readings: dict[Any, Reading] = {}
        translation = translate(stored, readings)
        while translation.needs:
            for need in translation.needs:
                readings[need] = Reading(sequence=1, document=self.gateway.read(need))
            translation = translate(stored, readings)
        return translation

    def facts(self, event_type: str) -> list[Fact]:
        """The facts of the latest event of a type."""
        return list(self.told(event_type).facts)

    def paid(self, order: str = "ord_1", **wishes: Any) -> str:
        """Buy on PayPal's page; returns the id of the capture."""
        checkout = self.gateway.open_checkout(wanted(order))
        self.desk(f"/orders/{checkout.id}/approve", wishes)
        payment = self.gateway.capture_checkout(checkout.id, f"capture:{order}").payment
        assert payment is not None
        return payment

    def saved(self) -> str:
        """Buy and save the wallet; returns its token."""
        checkout = self.gateway.open_checkout(wanted("ord_first"))
        self.desk(f"/orders/{checkout.id}/approve")
        method = self.gateway.capture_checkout(checkout.id, "capture:ord_first").method
        assert method is not None
        assert method.token is not None
        return method.token


def wanted(order: str = "ord_1", **changes: Any) -> CheckoutRequest:
    """An order to be paid on PayPal's page."""
    request = CheckoutRequest(
        key=f"checkout:{order}",
        order=order,
        account="acme",
        total=TOTAL,
        description="Pro, 3 agents, one month",
        email="jana@example.com",
        customer=None,
        locale="cs",
        return_url="https://app.example/return",
        cancel_url="https://app.example/cancel",
        expires_at=datetime(2026, 3, 3, tzinfo=UTC) + timedelta(days=1),
    )
    return msgspec.structs.replace(request, **changes)


def renewal(token: str, order: str = "ord_2", **changes: Any) -> ChargeRequest:
    """A saved wallet to be charged."""
    request = ChargeRequest(
        key=f"charge:{order}:1",
        order=order,
        account="acme",
        total=TOTAL,
        description="Pro, 3 agents, one month",
        token=token,
        customer=None,
    )
    return msgspec.structs.replace(request, **changes)


def back(payment: str, amount: Money, key: str = "refund:1") -> RefundRequest:
    """Money to be given back."""
    return RefundRequest(key=key, payment=payment, amount=amount, reason="asked within 15 days")


def subscribed(paypal: Played) -> str:
    """A subscription run by PayPal, approved and paid for once."""
    price = {"fixed_price": {"value": "60.00", "currency_code": "USD"}}
    frequency = {"interval_unit": "MONTH", "interval_count": 1}
    cycle = {"tenure_type": "REGULAR", "sequence": 1, "total_cycles": 0}
    cycle = {**cycle, "frequency": frequency, "pricing_scheme": price}
    terms = {"product_id": "PROD-1", "name": "Pro", "billing_cycles": [cycle]}
    plan = paypal.api("/v1/billing/plans", terms)
    wish = {"plan_id": plan["id"], "custom_id": "ord_sub", "quantity": "1"}
    subscription = str(paypal.api("/v1/billing/subscriptions", wish)["id"])
    paypal.desk(f"/subscriptions/{subscription}/approve")
    return subscription


@contextmanager
def playing(authority: Authority) -> Iterator[Played]:
    """A sandbox that keeps its webhooks to itself."""
    app = create_sandbox(seed=11)
    world = app.state.world
    use_authority(world, authority)
    world.courier.hold()
    with SandboxServer(app) as server:
        yield Played(world, server.base_url)
