"""Calls Stripe with its own library; for workers only, because the library is large.

Every change carries the caller's idempotency key, which Stripe keeps for a day at least:
https://docs.stripe.com/api/idempotent_requests
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import stripe

from domain.comparison import Claim
from domain.errors import Permanent
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
from webhooks.providers.stripe import charges, checkouts, event_lists, refunds
from webhooks.providers.stripe.charges import plain
from webhooks.providers.stripe.failures import failures_of, is_missing
from webhooks.providers.stripe.methods import method_of_payment_method
from webhooks.providers.stripe.readings import READS
from webhooks.providers.stripe.settings import StripeConfiguration
from webhooks.providers.stripe.shapes import Document, child, customer, reference, text
from webhooks.providers.stripe.sightings import claim

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

TIMEOUTS: Final = (3.05, 20.0)
"""Seconds to connect and to wait for an answer."""
RETRIES: Final = 2
"""By the library, with the same idempotency key."""


class StripeGateway:
    """All calls that Billhook makes to Stripe; safe to share between threads.

    Every method raises ``Transient``, ``Unknown`` or ``Permanent`` (see ``failures``).
    """

    def __init__(
        self,
        configuration: StripeConfiguration,
        *,
        timeouts: tuple[float, float] = TIMEOUTS,
        retries: int = RETRIES,
    ) -> None:
        # The library reports the duration of each call with the next one: none of its business.
        stripe.enable_telemetry = False
        # It logs every request; what we ask for stands in the effects.
        logging.getLogger("stripe").setLevel(logging.WARNING)
        self._client = stripe.StripeClient(
            configuration.api_key,
            base_addresses={"api": configuration.api_base},
            http_client=stripe.RequestsClient(timeout=timeouts),
            max_network_retries=retries,
        )

    def read(self, request: ReadingRequest) -> Document | None:
        """Read an object of a kind in ``readings.READS``; None when there is none."""
        if request.kind not in READS:
            raise Permanent(f"Stripe has no reading of the kind {request.kind}")
        with failures_of(f"read {request}"):
            try:
                return READS[request.kind](self._client, request.id)
            except stripe.InvalidRequestError as error:
                if not is_missing(error):
                    raise
                return None

    def open_checkout(self, request: CheckoutRequest) -> Checkout:
        """Make a page where the order is paid; it stays open from half an hour to a day."""
        with failures_of(f"open a checkout for order {request.order}"):
            return self._open(checkouts.payment_page(request), request.key)

    def open_method_entry(self, request: MethodRequest) -> Checkout:
        """Make a page where a card is entered for later."""
        with failures_of(f"open a page for a card of account {request.account}"):
            return self._open(checkouts.method_page(request), request.key)

    def expire_checkout(self, checkout: str) -> bool:
        """Close a checkout; False when it is complete (money may be coming)."""
        with failures_of(f"expire checkout {checkout}"):
            try:
                self._client.v1.checkout.sessions.expire(checkout)
            except stripe.InvalidRequestError as error:
                if is_missing(error):
                    return True
                session = self._client.v1.checkout.sessions.retrieve(checkout)
                if session.status == "open":
                    raise
                return session.status != "complete"
            return True

    def capture_checkout(self, checkout: str, key: str) -> ChargeOutcome:  # noqa: ARG002
        """Not for Stripe, which takes the money itself when the customer pays."""
        raise Permanent(f"checkout {checkout}: Stripe takes the money itself, nothing to capture")

    def charge(self, request: ChargeRequest) -> ChargeOutcome:
        """Charge a saved card. A decline, a method that is gone and a wish of the bank to see the
        customer are outcomes; ``Unknown`` when no answer came: then ``find_charge``."""
        with failures_of(f"charge order {request.order}", moves_money=True):
            try:
                intent = self._client.v1.payment_intents.create(
                    charges.charge_params(request), {"idempotency_key": request.key}
                )
            except stripe.CardError as error:
                return charges.outcome_of_decline(error)
            except stripe.InvalidRequestError as error:
                outcome = charges.outcome_of_refusal(error)
                if outcome is None:
                    raise
                return outcome
        return charges.outcome_of(plain(intent))

    def find_charge(self, order: str, key: str) -> ChargeOutcome | None:
        """Ask what became of a charge.

        Looks through the newest PaymentIntents, because Stripe's search may not know those of the
        last minutes (https://docs.stripe.com/search#data-freshness), and then searches by order,
        which finds the older ones. Money that moved for the order under another key is the answer
        as well: an order is charged at most once. After None the charge may be repeated *with the
        same key* within a day: should the first call have arrived all the same, Stripe answers
        the repeat with the outcome of the first and charges nothing.
        """
        with failures_of(f"tell what became of the charge of order {order}"):
            intent = charges.find_intent(self._client, order, key)
        return None if intent is None else charges.outcome_of(intent)

    def refund(self, request: RefundRequest) -> RefundOutcome:
        """Give money back, once for a key, however late it is repeated."""
        with failures_of(f"list the refunds of {request.payment}"):
            made = refunds.find_refund(self._client, request)
        if made is not None:
            return refunds.outcome_of(made)
        with failures_of(f"refund {request.amount} of {request.payment}", moves_money=True):
            made = plain(
                self._client.v1.refunds.create(
                    refunds.refund_params(request), {"idempotency_key": request.key}
                )
            )
        return refunds.outcome_of(made)

    def complete_method_entry(self, checkout: str, key: str) -> Method | None:  # noqa: ARG002
        """The card entered on a setup page; Stripe's events tell of it too, usually sooner."""
        page = self.read(ReadingRequest("checkout", checkout)) or {}
        setup = reference(page, "setup_intent")
        entered = self.read(ReadingRequest("setup_intent", setup)) if setup else None
        if entered is None or entered.get("status") != "succeeded":
            return None
        card = {"customer": customer(entered), **child(entered, "payment_method")}
        return method_of_payment_method(card)

    def remove_method(self, token: str) -> None:
        """Detach a PaymentMethod for ever; done when it is detached or gone already."""
        with failures_of(f"remove payment method {token}"):
            try:
                self._client.v1.payment_methods.detach(token)
            except stripe.InvalidRequestError:
                found = self.read(ReadingRequest("payment_method", token))
                if found is not None and customer(found) is not None:
                    raise

    def cancel_subscription(self, reference: str, key: str) -> None:
        """Cancel at once; Stripe calls one that is canceled already missing."""
        with failures_of(f"cancel subscription {reference}"):
            try:
                self._client.v1.subscriptions.cancel(reference, options={"idempotency_key": key})
            except stripe.InvalidRequestError as error:
                if not is_missing(error):
                    raise

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> bool | None:  # noqa: ARG002
        """Stripe has no call for it, and needs none: the signature alone always tells."""
        return None

    def list_events(self, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """Every snapshot event that Stripe made between the instants, oldest first; it keeps them
        for 30 days. Raises ``Transient`` for an answer that is no list of events."""
        with failures_of("list its events"):
            return list(event_lists.between(self._client, since, until))[::-1]

    def list_payments(self, since: datetime, until: datetime) -> list[Claim]:
        """PaymentIntents begun between the instants that have succeeded; those of subscriptions
        that Stripe runs name nobody here."""
        with failures_of("list its payments"):
            found = charges.between(self._client, since, until)
        return [claim(intent) for intent in found if intent.get("status") == "succeeded"]

    def _open(self, page: SessionCreateParams, key: str) -> Checkout:
        try:
            made = self._client.v1.checkout.sessions.create(page, {"idempotency_key": key})
            session = plain(made)
        except stripe.IdempotencyError:
            found = checkouts.find_page(self._client, page)
            if found is None:
                raise
            session = found
        url = text(session, "url")
        if session["status"] == "complete":
            # The customer was quicker than we are; such a page leads back at once.
            url = page["success_url"]
        if url is None:
            raise Permanent(f"checkout {session['id']} has no page")
        return Checkout(id=session["id"], url=url, customer=customer(session))


def gateway(configuration: StripeConfiguration) -> StripeGateway:
    """Make the gateway of a configured Stripe."""
    return StripeGateway(configuration)
