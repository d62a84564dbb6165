"""Calls to PayPal: checkouts, charges, refunds, saved wallets, readings, and its list of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from paypalcheckoutsdk.orders import OrdersCaptureRequest, OrdersCreateRequest, OrdersGetRequest
from paypalcheckoutsdk.payments import CapturesGetRequest, CapturesRefundRequest, RefundsGetRequest

from domain.errors import Permanent, Transient
from domain.facts import Method
from domain.ports import (
    ChargeOutcome,
    ChargeRequest,
    Checkout,
    CheckoutRequest,
    MethodRequest,
    ReadingRequest,
    RefundOutcome,
    RefundRequest,
)
from webhooks.providers.paypal import cancellations, notifications, orders
from webhooks.providers.paypal.client import Call, PayPalClient, Refusal, permanent
from webhooks.providers.paypal.declines import ISSUES, decline
from webhooks.providers.paypal.documents import (
    ID,
    Document,
    captures_of,
    link,
    our_order,
    status,
    text,
)
from webhooks.providers.paypal.payments import REFUNDS
from webhooks.providers.paypal.settings import PayPalSettings
from webhooks.providers.paypal.wallets import saved_method


class PayPalGateway:
    """Implements ``domain.ports.Gateway``. Thread-safe; for workers only."""

    def __init__(self, settings: PayPalSettings, client: PayPalClient | None = None) -> None:
        self._client = client or PayPalClient(settings)
        self._webhook_ids = settings.webhook_ids

    def read(self, request: ReadingRequest) -> Document | None:
        """The object in PayPal's newest spelling that knows it, or None."""
        if request.kind not in READERS:
            raise Permanent(f"PayPal has no objects of the kind {request.kind!r}")
        for reader in READERS[request.kind]:
            document = self._found(reader(_checked(request.id)))
            if document is not None:
                return document
        return None

    def open_checkout(self, request: CheckoutRequest) -> Checkout:
        """An order to be approved by the customer. PayPal decides how long that is possible;
        ``expires_at`` cannot be told to it."""
        order = self._create(orders.checkout_body(request), request.key)
        return Checkout(id=_id(order), url=_page(order, "payer-action", "approve"))

    def expire_checkout(self, checkout: str) -> bool:
        """PayPal cannot close an order. One that is not completed yet takes no money without our
        capture, which the order's own state then refuses."""
        order = self.read(ReadingRequest("order", checkout))
        return order is None or status(order) != "COMPLETED"

    def capture_checkout(self, checkout: str, key: str) -> ChargeOutcome:
        """Take the money of an approved order; one that was captured before answers with that."""
        request = OrdersCaptureRequest(_checked(checkout))
        request.prefer("return=representation")
        request.headers["PayPal-Request-Id"] = orders.request_id(key)
        try:
            return orders.outcome(self._client.call(request, moves_money=True))
        except Refusal as refusal:
            return self._after_refused_capture(checkout, refusal)

    def charge(self, request: ChargeRequest) -> ChargeOutcome:
        """Charge a saved wallet. PayPal takes one payment per ``invoice_id``: when it says that
        there is one already, that payment is the answer."""
        try:
            order = self._create(orders.charge_body(request), request.key, moves_money=True)
        except Refusal as refusal:
            if refusal.issue == "DUPLICATE_INVOICE_ID":
                return self._charged_before(request)
            return _declined(refusal)
        if status(order) in {"CREATED", "APPROVED"} and not captures_of(order):
            return self.capture_checkout(_id(order), f"{request.key}:capture")
        return orders.outcome(order)

    def find_charge(self, order: str, key: str) -> ChargeOutcome | None:
        """Look for a payment of ``order`` in what PayPal announced in the last days.

        PayPal cannot be asked for an order by our id. A success or a pending payment counts
        whichever try made it; a failure only when it belongs to the try of this ``key``.
        """
        found = [(capture, orders.capture_outcome(capture)) for capture in self._announced(order)]
        for wanted in ("succeeded", "pending"):
            for _, result in found:
                if result.status == wanted:
                    return result
        tries = (result for capture, result in found if self._made_by(capture, key))
        return next(tries, None)

    def refund(self, request: RefundRequest) -> RefundOutcome:
        """Give back a capture, or a sale, which the v1 API knows."""
        payment = _checked(request.payment)
        call = CapturesRefundRequest(payment)
        call.pay_pal_request_id(orders.request_id(request.key))
        call.prefer("return=representation")
        call.request_body({"amount": orders.amount(request.amount)})
        try:
            return _refunded(self._client.call(call, moves_money=True))
        except Refusal as refusal:
            if refusal.status != 404:
                raise permanent(refusal) from refusal
        return self._refund_sale(payment, request)

    def open_method_entry(self, request: MethodRequest) -> Checkout:
        """A setup token to be approved by the customer; ``complete_method_entry`` follows."""
        call = Call(
            "POST",
            "/v3/vault/setup-tokens",
            orders.setup_body(request),
            key=orders.request_id(request.key),
        )
        token = self._plain(call)
        customer = text(token, "customer", "id")
        return Checkout(id=_id(token), url=_page(token, "approve"), customer=customer)

    def complete_method_entry(self, checkout: str, key: str) -> Method | None:
        """Turn an approved setup token into a wallet that can be charged; None while the customer
        has not approved. PayPal sends no event for the approval: it has to be asked."""
        token = self.read(ReadingRequest("setup_token", checkout))
        if token is None:
            raise Permanent(f"PayPal knows no setup token {checkout}; it may have expired")
        if status(token) != "APPROVED":
            return None
        source = {"token": {"id": checkout, "type": "SETUP_TOKEN"}}
        call = Call(
            "POST",
            "/v3/vault/payment-tokens",
            {"payment_source": source},
            key=orders.request_id(key),
        )
        saved = self._plain(call)
        return saved_method(_id(saved), saved)

    def remove_method(self, token: str) -> None:
        """Delete a payment token; one that is not there is done."""
        try:
            self._client.call(Call("DELETE", f"/v3/vault/payment-tokens/{_checked(token)}"))
        except Refusal as refusal:
            if refusal.status != 404:
                raise permanent(refusal) from refusal

    def cancel_subscription(self, reference: str, key: str) -> None:
        """Cancel a subscription, or an agreement of the v1 API, at once and for good."""
        cancellations.cancel(self._client, _checked(reference), orders.request_id(key))

    def list_events(self, since: datetime, until: datetime) -> list[Document]:
        """What PayPal announced between the two instants, oldest first."""
        return notifications.events(self._client, since, until)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> bool | None:
        """PayPal's own opinion on a delivery; None when it cannot be had now."""
        return notifications.verified(self._client, self._webhook_ids, headers, body)

    def _create(self, body: Document, key: str, *, moves_money: bool = False) -> Document:
        request = OrdersCreateRequest()
        request.prefer("return=representation")
        request.headers["PayPal-Request-Id"] = orders.request_id(key)
        request.request_body(body)
        if moves_money:
            return self._client.call(request, moves_money=True)
        return self._plain(request)

    def _plain(self, request: Any) -> Document:
        try:
            return self._client.call(request)
        except Refusal as refusal:
            raise permanent(refusal) from refusal

    def _found(self, request: Any) -> Document | None:
        try:
            return self._client.call(request)
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise permanent(refusal) from refusal

    def _after_refused_capture(self, checkout: str, refusal: Refusal) -> ChargeOutcome:
        if refusal.issue == "ORDER_NOT_APPROVED":
            raise Transient(f"PayPal's order {checkout} is not approved") from refusal
        if refusal.issue == "ORDER_ALREADY_CAPTURED":
            order = self.read(ReadingRequest("order", checkout))
            if order is None or not captures_of(order):
                raise Transient(f"PayPal does not show the capture of order {checkout} yet")
            return orders.outcome(order)
        return _declined(refusal)

    def _charged_before(self, request: ChargeRequest) -> ChargeOutcome:
        found = self.find_charge(request.order, request.key)
        if found is None or found.status == "failed":
            raise Permanent(
                f"PayPal took a payment for order {request.order} before, but announces none: look "
                "for this invoice id in PayPal's activity"
            )
        return found

    def _announced(self, order: str) -> list[Document]:
        """Captures that name our order, read anew, the newest first."""
        ids = dict.fromkeys(
            text(event, "resource", "id") or ""
            for event in reversed(notifications.recent_captures(self._client))
            if our_order(event["resource"]) == order
        )
        readings = (self.read(ReadingRequest("capture", one)) for one in ids if one)
        return [capture for capture in readings if capture is not None]

    def _made_by(self, capture: Document, key: str) -> bool:
        checkout = text(capture, "supplementary_data", "related_ids", "order_id")
        order = self.read(ReadingRequest("order", checkout)) if checkout else None
        units = (order or {}).get("purchase_units") or [{}]
        return bool(units[0].get("reference_id") == orders.request_id(key))

    def _refund_sale(self, payment: str, request: RefundRequest) -> RefundOutcome:
        call = Call(
            "POST",
            f"/v1/payments/sale/{payment}/refund",
            {"amount": orders.amount_v1(request.amount)},
            key=orders.request_id(request.key),
        )
        try:
            return _refunded(self._client.call(call, moves_money=True))
        except Refusal as refusal:
            raise permanent(refusal) from refusal


def gateway(settings: PayPalSettings) -> PayPalGateway:
    """The gateway for these settings."""
    return PayPalGateway(settings)


def _get(path: str, key: str) -> Call:
    return Call("GET", path.format(key))


READERS: Final[dict[str, tuple[Callable[[str], Any], ...]]] = {
    "capture": (CapturesGetRequest, partial(_get, "/v1/payments/capture/{}")),
    "sale": (partial(_get, "/v1/payments/sale/{}"),),
    "refund": (RefundsGetRequest, partial(_get, "/v1/payments/refund/{}")),
    "order": (OrdersGetRequest,),
    "subscription": (
        partial(_get, "/v1/billing/subscriptions/{}"),
        partial(_get, "/v1/payments/billing-agreements/{}"),
    ),
    "payment_token": (partial(_get, "/v3/vault/payment-tokens/{}"),),
    "setup_token": (partial(_get, "/v3/vault/setup-tokens/{}"),),
    "dispute": (partial(_get, "/v1/customer/disputes/{}"),),
}
"""Kind of reading → how to ask; further ones are asked when the first knows no such object."""


def _checked(key: str) -> str:
    if not ID.fullmatch(key):
        raise Permanent(f"{key[:80]!r} is not an id of PayPal's")
    return key


def _id(document: Document) -> str:
    found = text(document, "id")
    if found is None:
        raise Transient("PayPal's answer holds no id")
    return found


def _page(document: Document, *relations: str) -> str:
    found = link(document, *relations)
    if found is None:
        raise Permanent(f"PayPal's answer holds no link to send the customer to ({relations[0]})")
    return found


def _declined(refusal: Refusal) -> ChargeOutcome:
    """A refusal of the payment is an outcome; a refusal of how we asked is an error."""
    if refusal.issue not in ISSUES:
        raise permanent(refusal)
    return ChargeOutcome(status="failed", decline=decline(refusal.issue, refusal.description))


def _refunded(document: Document) -> RefundOutcome:
    return RefundOutcome(refund=_id(document), status=REFUNDS.get(status(document), "pending"))
