"""The events PayPal announces: envelopes, signing, and the list from which they are sent again.

https://developer.paypal.com/api/rest/webhooks/event-names/
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from secrets import token_hex
from typing import Any, Final
from weakref import WeakKeyDictionary

from webhooks.sandbox.authority import Authority
from webhooks.sandbox.delivery import Message
from webhooks.sandbox.paypal_calls import api_of
from webhooks.sandbox.paypal_ids import event_id
from webhooks.sandbox.paypal_shapes import Document, instant_with_millis, link, money_of, public
from webhooks.sandbox.paypal_signature import sign
from webhooks.sandbox.world import World

EVENTS: Final[dict[str, tuple[str, str | None, str]]] = {
    "BILLING.PLAN.CREATED": ("plan", "2.0", "A billing plan was created"),
    "BILLING.SUBSCRIPTION.CREATED": ("subscription", "2.0", "Subscription created"),
    "BILLING.SUBSCRIPTION.ACTIVATED": ("subscription", "2.0", "Subscription activated"),
    "BILLING.SUBSCRIPTION.RE-ACTIVATED": ("subscription", "2.0", "Subscription re-activated"),
    "BILLING.SUBSCRIPTION.UPDATED": ("subscription", "2.0", "Subscription updated"),
    "BILLING.SUBSCRIPTION.SUSPENDED": ("subscription", "2.0", "Subscription suspended"),
    "BILLING.SUBSCRIPTION.CANCELLED": ("subscription", "2.0", "Subscription cancelled"),
    "BILLING.SUBSCRIPTION.EXPIRED": ("subscription", "2.0", "Subscription expired"),
    "BILLING.SUBSCRIPTION.PAYMENT.FAILED": (
        "subscription",
        "2.0",
        "Payment failed for subscription",
    ),
    "CHECKOUT.ORDER.APPROVED": ("checkout-order", "2.0", "An order has been approved by buyer"),
    "CHECKOUT.ORDER.COMPLETED": ("checkout-order", "2.0", "Checkout Order Completed"),
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": (
        "checkout-order",
        "2.0",
        "A payment has been reversed after approval",
    ),
    "CUSTOMER.DISPUTE.CREATED": ("dispute", None, "A new dispute opened with Case # {id}"),
    "CUSTOMER.DISPUTE.UPDATED": ("dispute", None, "A dispute was updated with case # {id}"),
    "CUSTOMER.DISPUTE.RESOLVED": ("dispute", None, "A dispute was resolved with case # {id}"),
    "RISK.DISPUTE.CREATED": ("dispute", None, "A new dispute opened with Case # {id}"),
    "PAYMENT.AUTHORIZATION.CREATED": (
        "authorization",
        "2.0",
        "A payment authorization is created for {money}",
    ),
    "PAYMENT.AUTHORIZATION.VOIDED": ("authorization", "2.0", "A payment authorization was voided"),
    "PAYMENT.CAPTURE.COMPLETED": ("capture", "2.0", "Payment completed for {money}"),
    "PAYMENT.CAPTURE.PENDING": ("capture", "2.0", "Payment pending for {money}"),
    "PAYMENT.CAPTURE.DECLINED": ("capture", "2.0", "A {money} capture payment was declined"),
    "PAYMENT.CAPTURE.DENIED": ("capture", "2.0", "A {money} capture payment was denied"),
    "PAYMENT.CAPTURE.REFUNDED": ("refund", "2.0", "A {money} capture payment was refunded"),
    "PAYMENT.CAPTURE.REVERSED": ("refund", "2.0", "A {money} capture payment was reversed"),
    "PAYMENT.SALE.COMPLETED": ("sale", None, "Payment completed for {money}"),
    "PAYMENT.SALE.REFUNDED": ("sale", None, "A {money} sale payment was refunded"),
    "PAYMENT.SALE.REVERSED": ("sale", None, "A {money} sale payment was reversed"),
    "VAULT.PAYMENT-TOKEN.CREATED": ("payment_token", "3.0", "A payment token has been created."),
    "VAULT.PAYMENT-TOKEN.DELETION-INITIATED": (
        "payment_token",
        "3.0",
        "A payment token's deletion has been initiated.",
    ),
    "VAULT.PAYMENT-TOKEN.DELETED": ("payment_token", "3.0", "A payment token has been deleted."),
}
"""Event type → resource type, resource version (None: v1, said by silence) and summary."""

V1_TYPES: Final = {"subscription": "Agreement", "refund": "capture"}
"""Resource types that are called otherwise in the old shape."""

GONE: Final = "GONE-"

_authorities: WeakKeyDictionary[World, Authority] = WeakKeyDictionary()


def authority_of(world: World) -> Authority:
    """The authority that signs for this world, made or read at the first call."""
    with world.lock:
        if world not in _authorities:
            _authorities[world] = Authority.load_or_make(world.directory)
        return _authorities[world]


def use_authority(world: World, authority: Authority) -> None:
    """Let this authority sign for the world; for tests, where making keys would take the time."""
    with world.lock:
        _authorities[world] = authority


def certificate_url(world: World) -> str:
    """Where the signing certificate is served."""
    return f"{api_of(world)}/v1/notifications/certs/{authority_of(world).certificate_id}"


def serves_certificate(world: World, name: str) -> bool:
    """Whether the certificate of that name can be had: the one there is, and those under which it
    went missing, once it is found again."""
    certificate = authority_of(world).certificate_id
    if name == certificate:
        return True
    return name.startswith(f"{certificate}-{GONE}") and not world.faults.waits("gone_certificate")


def speaks_v1(world: World) -> bool:
    """Whether the endpoint was made with the old shapes (``POST /sandbox/paypal/shape``)."""
    return bool(world.setting("paypal_shape", "2") == "1")


def announce(
    world: World,
    event_type: str,
    resource: Document,
    *,
    v1: Callable[[], Document] | None = None,
    about: tuple[str, ...] = (),
) -> Document:
    """Make an event and hand it to the courier.

    ``v1`` writes the resource in the old shape, where there is one; ``about`` are transaction ids
    by which the list of events finds it.
    """
    event = _envelope(world, event_type, resource, v1 if speaks_v1(world) else None)
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    found_by = sorted({str(resource.get("id", "")), *about})
    record = {"id": event["id"], "type": event_type, "at": world.now().isoformat()}
    world.store.put("paypal_event", event["id"], {**record, "body": body, "about": found_by})
    world.courier.post(message(world, event["id"], event_type, body.encode()))
    return event


def message(world: World, key: str, event_type: str, body: bytes) -> Message:
    """The event as the courier carries it, signed for every transmission."""

    def headers(at: datetime) -> dict[str, str]:
        webhook_id, url = world.credentials.paypal_webhook_id, certificate_url(world)
        if world.faults.take("gone_certificate", provider="paypal", type=event_type):
            # Another name each time: whoever verifies keeps the ones that it had.
            url = f"{url}-{GONE}{token_hex(4)}"
        signed = sign(authority_of(world), webhook_id, body, at, url)
        return {"User-Agent": "PayPal/AUHD-214.0-58391792", **signed}

    return Message("paypal", key, event_type, body, headers)


def _envelope(
    world: World, event_type: str, resource: Document, v1: Callable[[], Document] | None
) -> Document:
    resource_type, version, summary = EVENTS[event_type]
    if v1 is not None:
        resource_type, version = V1_TYPES.get(resource_type, resource_type), None
    key = event_id(world)
    home = f"{api_of(world)}/v1/notifications/webhooks-events/{key}"
    event: Document = {
        "id": key,
        "event_version": "1.0",
        "create_time": instant_with_millis(world.now()),
        "resource_type": resource_type,
        "event_type": event_type,
        "summary": summary.format_map(_blanks(resource)),
        "resource": public(v1() if v1 is not None else resource),
        "links": [link(home, "self"), link(f"{home}/resend", "resend", "POST")],
    }
    return {**event, "resource_version": version} if version else event


def _blanks(resource: Document) -> dict[str, Any]:
    blanks = {"id": resource.get("dispute_id", "")}
    if "amount" in resource:
        money = money_of(resource["amount"])
        sign_of = {"USD": "$"}.get(money.currency, money.currency)
        blanks["money"] = f"{sign_of} {money}"
    return blanks
