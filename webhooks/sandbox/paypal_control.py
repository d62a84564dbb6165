"""What buyers, PayPal and PayPal's dashboard do, on demand: the desk under ``/sandbox/paypal``.

Bodies and answers are JSON; refusals have PayPal's own error shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from domain.money import Money, from_decimal_text
from webhooks.sandbox import paypal_page
from webhooks.sandbox.paypal_approval import approve_order, cancel_order
from webhooks.sandbox.paypal_billing import approve, bill, change_status
from webhooks.sandbox.paypal_calls import PACE, new_debug_id, revoke_tokens
from webhooks.sandbox.paypal_captures import EVENT_OF, capture_of, refund_of, settle
from webhooks.sandbox.paypal_disputes import (
    REASON,
    dispute_of,
    open_dispute,
    payment_of,
    resolve_dispute,
    update_dispute,
)
from webhooks.sandbox.paypal_errors import ISSUES, PayPalError, malformed, missing
from webhooks.sandbox.paypal_notifications import CERTIFICATE_OUTAGE, resend
from webhooks.sandbox.paypal_order_documents import whole
from webhooks.sandbox.paypal_payment import BEHAVIOURS
from webhooks.sandbox.paypal_sales import give_back
from webhooks.sandbox.paypal_shapes import Document, public
from webhooks.sandbox.paypal_subscriptions import subscription_of
from webhooks.sandbox.paypal_vault import approve_setup_token, forget_token, payment_token_of
from webhooks.sandbox.world import World

Act = Callable[[World, str, Document], Document | None]
"""(world, id in the path, body) → what is answered; None is an empty object."""


def routes(world: World) -> list[BaseRoute]:
    """Under ``/sandbox/paypal``: the desk, and the page for people."""
    return [*(_route(world, path, act) for path, act in ACTS.items()), *paypal_page.routes(world)]


def _approve_order(world: World, key: str, body: Document) -> Document:
    outcome = str(body.get("capture", "COMPLETED"))
    vault = body.get("vault", True)
    order = approve_order(world, key, body.get("payer") or {}, vault=vault, outcome=outcome)
    return whole(world, order)


def _cancel_order(world: World, key: str, _: Document) -> Document:
    return whole(world, cancel_order(world, key))


def _settle_capture(world: World, key: str, body: Document) -> Document:
    if body.get("status") not in EVENT_OF:
        raise malformed("/status")
    return settle(world, capture_of(world, key), body["status"])


def _refund(world: World, key: str, body: Document) -> Document:
    return _give_back(world, key, body, reversal=False)


def _reverse(world: World, key: str, body: Document) -> Document:
    return _give_back(world, key, body, reversal=True)


def _give_back(world: World, key: str, body: Document, *, reversal: bool) -> Document:
    """``amount`` is a decimal in the payment's currency; without it, what is left."""
    payment = payment_of(world, key)
    if "state" in payment:
        money = _money(body, payment["amount"]["currency"])
        return give_back(world, payment, money, reversal=reversal)
    money = _money(body, payment["amount"]["currency_code"])
    return refund_of(world, payment, money, {}, reversal=reversal)


def _money(body: Document, currency: str) -> Money | None:
    if "amount" not in body:
        return None
    try:
        return from_decimal_text(str(body["amount"]), currency)
    except ValueError:
        raise malformed("/amount") from None


def _approve_subscription(world: World, key: str, body: Document) -> Document:
    return approve(world, subscription_of(world, key), body.get("payer") or {})


def _renew(world: World, key: str, body: Document) -> Document:
    return bill(world, subscription_of(world, key), fail=bool(body.get("fail", False)))


def _to(status: str) -> Act:
    def act(world: World, key: str, _: Document) -> Document:
        return change_status(world, subscription_of(world, key), status)

    return act


def _open_dispute(world: World, _: str, body: Document) -> Document:
    payment = body.get("capture_id") or body.get("sale_id")
    if payment is None:
        raise missing("/capture_id")
    paid = payment_of(world, str(payment))["amount"]
    money = _money(body, paid.get("currency_code") or paid["currency"])
    return open_dispute(world, str(payment), str(body.get("reason", REASON)), money)


def _update_dispute(world: World, key: str, body: Document) -> Document:
    return update_dispute(world, dispute_of(world, key), str(body.get("stage", "CHARGEBACK")))


def _resolve_dispute(world: World, key: str, body: Document) -> Document:
    """With ``reverse`` the money is taken back as an event of its own, before the decision."""
    dispute = dispute_of(world, key)
    if body.get("reverse"):
        _give_back(world, dispute["_payment"], {}, reversal=True)
    return resolve_dispute(world, dispute, str(body.get("outcome", "")))


def _behave(world: World, key: str, body: Document) -> Document:
    """``behaviour``: accept, decline, pending, payer_action, or any issue."""
    token = payment_token_of(world, key)
    if body.get("behaviour") not in BEHAVIOURS and body.get("behaviour") not in ISSUES:
        raise malformed("/behaviour")
    token["_behaviour"] = body["behaviour"]
    world.store.put("paypal_payment_token", key, token)
    return token


def _forget(world: World, key: str, _: Document) -> None:
    forget_token(world, payment_token_of(world, key))


def _approve_setup(world: World, key: str, body: Document) -> Document:
    return approve_setup_token(world, key, body.get("payer") or {})


def _choose_shape(world: World, _: str, body: Document) -> Document:
    if body.get("version") not in {"1", "2"}:
        raise malformed("/version")
    world.set("paypal_shape", body["version"])
    return {"version": body["version"]}


def _certificate(world: World, _: str, body: Document) -> Document:
    world.set(CERTIFICATE_OUTAGE, bool(body.get("outage", False)))
    return {"outage": bool(body.get("outage", False))}


def _pace(world: World, _: str, body: Document) -> Document:
    world.set(PACE, float(body.get("seconds", 0.0)))
    return {"seconds": float(body.get("seconds", 0.0))}


def _revoke(world: World, _: str, __: Document) -> None:
    revoke_tokens(world)


def _resend(world: World, key: str, _: Document) -> None:
    resend(world, key)


ACTS: Final[Mapping[str, Act]] = {
    "/orders/{id}/approve": _approve_order,
    "/orders/{id}/cancel": _cancel_order,
    "/captures/{id}": _settle_capture,
    "/captures/{id}/refund": _refund,
    "/captures/{id}/reverse": _reverse,
    "/sales/{id}/refund": _refund,
    "/sales/{id}/reverse": _reverse,
    "/subscriptions/{id}/approve": _approve_subscription,
    "/subscriptions/{id}/renew": _renew,
    "/subscriptions/{id}/suspend": _to("SUSPENDED"),
    "/subscriptions/{id}/cancel": _to("CANCELLED"),
    "/subscriptions/{id}/activate": _to("ACTIVE"),
    "/subscriptions/{id}/expire": _to("EXPIRED"),
    "/disputes": _open_dispute,
    "/disputes/{id}/update": _update_dispute,
    "/disputes/{id}/resolve": _resolve_dispute,
    "/setup-tokens/{id}/approve": _approve_setup,
    "/vault/{id}": _behave,
    "/vault/{id}/delete": _forget,
    "/events/{id}/resend": _resend,
    "/tokens/revoke": _revoke,
    "/certificate": _certificate,
    "/pace": _pace,
    "/shape": _choose_shape,
}
"""Path → what a POST to it does. DELETE of ``/vault/{id}`` is the same as its ``/delete``."""


def _route(world: World, path: str, act: Act) -> Route:
    async def respond(request: Request) -> Response:
        body = msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
        wanted = _forget if request.method == "DELETE" else act
        try:
            with world.lock:
                answer = wanted(world, str(request.path_params.get("id", "")), body)
        except PayPalError as error:
            return JSONResponse(error.body(new_debug_id()), error.status)
        return JSONResponse(public(answer or {}))

    methods = ["POST", "DELETE"] if path == "/vault/{id}" else ["POST"]
    return Route(path, respond, methods=methods)
