"""What tests of the billing life start from: a runtime, accounts, orders, and provider events.

Events are inserted as the edge inserts them; their bodies have the providers' real shapes.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from domain import catalogue as catalogues
from domain import clock, inbox, orders, quotes
from domain.accounts import Account
from domain.database import Database
from domain.inbox import Event
from domain.orders import Order
from domain.settings import Settings
from domain.subscriptions import Target
from webhooks import inbox_rows
from webhooks.inbox_rows import Incoming, Receipt
from webhooks.providers import registry
from webhooks.providers.provider import Identity
from workers.runtime import Runtime

ENVIRON = {
    "STRIPE_API_KEY": "sk_test_tests",
    "STRIPE_WEBHOOK_SECRETS": "whsec_tests",
    "PAYPAL_CLIENT_ID": "client",
    "PAYPAL_CLIENT_SECRET": "secret-of-client",
    "PAYPAL_WEBHOOK_IDS": "WH-TESTS",
    "PAYPAL_MODE": "sandbox",
}


def runtime_on(
    database: Database, environ: dict[str, str] | None = None, sandbox: str | None = None
) -> Runtime:
    """A runtime over a database, with both providers switched on and nobody at the bell."""
    settings = Settings(environ=environ or ENVIRON, sandbox=sandbox)
    return Runtime(
        settings=settings,
        database=database,
        providers=registry(settings.environ, settings.sandbox),
        catalogue=catalogues.load(),
    )


def account(runtime: Runtime, ref: str = "acme", country: str = "CZ", **more: Any) -> int:
    """Make an account; returns its number."""
    values = {"currency": "CZK", "email": f"{ref}@customers.example", **more}
    with runtime.database.transaction() as session:
        row = Account(ref=ref, billing={"country": country}, status="active", **values)
        session.add(row)
        session.flush()
        return row.id


def target(**changes: Any) -> Target:
    """Standard for two agents by the month, with changes."""
    values = {"plan": "standard", "interval": "month", "agents": 2, "conversations": 100}
    return Target(**{**values, **changes})


def order(runtime: Runtime, ref: str = "acme", provider: str = "stripe", **changes: Any) -> Order:
    """Place an open order of the account for a target."""
    with runtime.database.transaction() as session:
        owner = session.scalars(select(Account).where(Account.ref == ref)).one()
        quote = quotes.make(session, runtime.catalogue, owner, target(**changes))
        return orders.place(
            session, runtime.catalogue, owner, quote, method="card", provider=provider
        )


def incoming(
    event_id: str, kind: str, obj: dict[str, Any], provider: str = "stripe", **changes: Any
) -> Incoming:
    """A delivery with a Stripe-shaped body, as the edge would hand it to the intake."""
    body = {
        "id": event_id,
        "object": "event",
        "type": kind,
        "api_version": "2026-10-28.endive",
        "created": int(clock.now().timestamp()),
        "livemode": False,
        "data": {"object": obj},
    }
    values: dict[str, Any] = {
        "provider": provider,
        "identity": Identity(event_id=event_id, event_type=kind, livemode=False),
        "body": msgspec.json.encode(body),
        "headers": {"stripe-signature": "t=1,v1=00"},
        "received_at": clock.now(),
    }
    return Incoming(**{**values, **changes})


def deliver(runtime: Runtime, *rows: Incoming) -> list[Receipt]:
    """Commit deliveries to the inbox."""
    with runtime.database.transaction() as session:
        return inbox_rows.insert(session, rows)


def payment_events(
    paid: Order, intent: str = "pi_1", *, last4: str = "4242", **changes: Any
) -> list[Incoming]:
    """The events of one card payment for an order."""
    metadata = {"order_id": paid.id}
    amounts = {"amount": paid.due, "amount_received": paid.due, "currency": paid.currency.lower()}
    money = {**amounts, **changes}
    card = {"brand": "visa", "last4": last4, "exp_month": 12, "exp_year": 2030}
    charge = {
        "id": f"ch_{intent}",
        "object": "charge",
        "amount": money["amount"],
        "amount_captured": money["amount"],
        "currency": money["currency"],
        "paid": True,
        "captured": True,
        "status": "succeeded",
        "payment_intent": intent,
        "metadata": metadata,
        "payment_method_details": {"type": "card", "card": card},
    }
    succeeded = {
        "id": intent,
        "object": "payment_intent",
        "status": "succeeded",
        "metadata": metadata,
        "latest_charge": f"ch_{intent}",
        **money,
    }
    session = {
        "id": f"cs_{intent}",
        "object": "checkout.session",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": intent,
        "client_reference_id": paid.id,
        "metadata": metadata,
        "amount_total": money["amount"],
        "currency": money["currency"],
    }
    return [
        incoming(f"evt_a_{intent}", "charge.succeeded", charge),
        incoming(f"evt_b_{intent}", "payment_intent.succeeded", succeeded),
        incoming(f"evt_c_{intent}", "checkout.session.completed", session),
    ]


def events(runtime: Runtime) -> list[Event]:
    """Every event, in the order of arrival."""
    with runtime.database.transaction() as session:
        return list(session.scalars(select(Event).order_by(Event.id)))


def retry(runtime: Runtime, event_id: int) -> None:
    """Have an event worked on again, as an operator would."""
    with runtime.database.transaction() as session:
        inbox.retry(session, event_id, actor="test", reason="again")
