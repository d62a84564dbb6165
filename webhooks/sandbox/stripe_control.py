"""Control endpoints of the played Stripe: what a customer, a bank or Stripe's dashboard does."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from webhooks.sandbox import (
    stripe_checkout,
    stripe_customer_acts,
    stripe_disputes,
    stripe_methods,
    stripe_refunds,
    stripe_subscriptions,
)
from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import StripeError, no_such
from webhooks.sandbox.stripe_events import STYLES
from webhooks.sandbox.stripe_views import present
from webhooks.sandbox.world import World

Act = Callable[..., Document]
"""``(account, wanted, *parts of the path) -> what is answered``; raises ``StripeError``."""


def routes(world: World) -> list[BaseRoute]:
    """The endpoints, below ``/sandbox/stripe``; all POST, JSON in and out."""
    account = StripeAccount(world)
    return [_route(account, path, act) for path, act in ACTS]


def _route(account: StripeAccount, path: str, act: Act) -> Route:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        wanted: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}
        parts = [str(part) for part in request.path_params.values()]
        return await run_in_threadpool(_perform, account, act, wanted, parts)

    return Route(path, endpoint, methods=["POST"])


def _perform(account: StripeAccount, act: Act, wanted: Document, parts: list[str]) -> Response:
    try:
        with account.world.lock:
            done = act(account, wanted, *parts)
            shown = present(account, done, account.events.api_version, [])
    except StripeError as error:
        return JSONResponse(error.body(), error.status)
    return JSONResponse(shown)


def _pay(account: StripeAccount, wanted: Document, key: str) -> Document:
    return stripe_customer_acts.complete(account, key, wanted)


def _settle(account: StripeAccount, wanted: Document, key: str) -> Document:
    return stripe_customer_acts.settle(account, key, wanted.get("fail"))


def _expire(account: StripeAccount, _wanted: Document, key: str) -> Document:
    return stripe_checkout.expire(account, stripe_checkout.current(account, key))


def _renew(account: StripeAccount, wanted: Document, key: str) -> Document:
    return stripe_subscriptions.renew(account, key, wanted)


def _cancel(account: StripeAccount, _wanted: Document, key: str) -> Document:
    subscription = stripe_subscriptions.running(account, key)
    return stripe_subscriptions.end(account, subscription, "cancellation_requested")


def _close_dispute(account: StripeAccount, wanted: Document, key: str) -> Document:
    return stripe_disputes.close(account, key, str(wanted.get("outcome")))


def _settle_refund(account: StripeAccount, wanted: Document, key: str) -> Document:
    return stripe_refunds.settle(account, key, str(wanted.get("outcome") or "succeeded"))


def _behave(account: StripeAccount, wanted: Document, key: str) -> Document:
    return stripe_methods.behave(account, key, str(wanted.get("behaviour") or "succeeds"))


def _set_version(account: StripeAccount, wanted: Document) -> Document:
    """``version`` (``2020-03-02``, ``2026-10-28.endive``) and ``style`` of webhooks from now on."""
    version, style = wanted.get("version"), wanted.get("style")
    if style not in (None, *STYLES):
        raise StripeError(f"style must be one of {', '.join(STYLES)}")
    if version is not None:
        account.world.set("stripe_api_version", str(version))
    if style is not None:
        account.world.set("stripe_style", style)
    return {"version": account.events.api_version, "style": style}


def _send_thin(account: StripeAccount, wanted: Document) -> Document:
    """Send a thin event: ``type``, ``related_object``, ``reason``; without a type, the ping."""
    related = wanted.get("related_object")
    if "type" in wanted:
        return {"id": account.events.thin(wanted["type"], related, wanted.get("reason"))}
    destination = account.store.new_id("ed_test")
    related = {
        "id": destination,
        "type": "v2.core.event_destination",
        "url": f"/v2/core/event_destinations/{destination}",
    }
    return {"id": account.events.thin("v2.core.event_destination.ping", related, None)}


def _resend(account: StripeAccount, _wanted: Document, key: str) -> Document:
    if not account.events.resend(key):
        raise no_such("event", key)
    return {"id": key}


def _twin(account: StripeAccount, _wanted: Document, key: str) -> Document:
    second = account.events.twin(key)
    if second is None:
        raise no_such("event", key)
    return {"id": second}


def _roll(account: StripeAccount, wanted: Document) -> Document:
    """Roll the webhook secret: deliveries carry one signature per secret until ``finish``."""
    known = account.events.secrets
    if wanted.get("finish"):
        known = known[-1:]
    else:
        known = [known[-1], str(wanted.get("secret") or f"whsec_{secrets.token_hex(16)}")]
    account.world.set("stripe_webhook_secrets", known)
    return {"secrets": known}


ACTS: list[tuple[str, Act]] = [
    ("/checkout/{id}/pay", _pay),
    ("/checkout/{id}/settle", _settle),
    ("/checkout/{id}/expire", _expire),
    ("/subscriptions/{id}/renew", _renew),
    ("/subscriptions/{id}/cancel", _cancel),
    ("/disputes", stripe_disputes.open_dispute),
    ("/disputes/{id}/close", _close_dispute),
    ("/refunds", stripe_refunds.refund_in_dashboard),
    ("/refunds/{id}/settle", _settle_refund),
    ("/payment_methods/{id}", _behave),
    ("/api_version", _set_version),
    ("/thin", _send_thin),
    ("/events/{id}/resend", _resend),
    ("/events/{id}/twin", _twin),
    ("/secrets/roll", _roll),
]
"""What can be asked for."""
