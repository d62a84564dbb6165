"""Events about subscriptions that PayPal runs (``I-…``).

They are signals: the subscription is read again, because events overtake each other.
https://developer.paypal.com/docs/api/subscriptions/v1/#subscriptions_get
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from domain.errors import Permanent
from domain.facts import ManagedState, Period, SubscriptionPaymentFailed, SubscriptionRead
from domain.ports import Reading, ReadingRequest
from webhooks.providers.paypal.declines import decline
from webhooks.providers.paypal.documents import (
    Document,
    identifier,
    instant,
    section,
    status,
    text,
)
from webhooks.providers.paypal.readings import Event, Reader, known
from webhooks.providers.provider import Translation

STATES: Final[dict[str, ManagedState]] = {
    "APPROVAL_PENDING": "incomplete",
    "APPROVED": "incomplete",
    "PENDING": "incomplete",
    "ACTIVE": "active",
    "REACTIVATED": "active",
    "SUSPENDED": "suspended",
    # PayPal neither charges nor renews any more; what was paid for is the rules' to honour.
    "CANCELLED": "ended",
    "EXPIRED": "ended",
}


def changed(event: Event, reader: Reader) -> Translation:
    """``BILLING.SUBSCRIPTION.…``: how the subscription stands now."""
    return Translation(facts=(_read(event, reader)[0],))


def payment_failed(event: Event, reader: Reader) -> Translation:
    """``BILLING.SUBSCRIPTION.PAYMENT.FAILED``: PayPal tries again every 5 days, at most twice,
    then suspends. A payment that succeeded in the meantime has set the count to zero."""
    fact, document = _read(event, reader)
    failures = _failures(document)
    if failures == 0 and fact.state == "active":
        return Translation(facts=(fact,))
    return Translation(facts=(fact, _failure(fact, document, failures)))


def subscription_read(subscription: str, reading: Reading) -> SubscriptionRead:
    """The state of a subscription. Raises ``Permanent`` when PayPal knows none, or a state that
    is not known."""
    document = known(reading, ReadingRequest("subscription", subscription))
    state = _state(document)
    return SubscriptionRead(
        subscription=subscription,
        state=state,
        sequence=reading.sequence,
        order=text(document, "custom_id") or text(document, "custom"),
        customer=_payer(document),
        quantity=_whole(document.get("quantity")),
        period=paid_period(document),
        auto_renew=state not in {"ended", "suspended"}
        and document.get("auto_renewal") is not False,
        ended_at=_changed_at(document) if state == "ended" else None,
    )


def paid_period(document: Document) -> Period | None:
    """From the last payment to the next one; None before the first and after the last."""
    billing = section(document, "billing_info")
    details = section(document, "agreement_details")
    start = instant(text(billing, "last_payment", "time") or details.get("last_payment_date"))
    end = instant(billing.get("next_billing_time") or details.get("next_billing_date"))
    return Period(start, end) if start and end and start < end else None


def _read(event: Event, reader: Reader) -> tuple[SubscriptionRead, Document]:
    request = ReadingRequest("subscription", identifier(event.resource))
    [reading] = reader.get(request)
    return subscription_read(request.id, reading), known(reading, request)


def _failure(
    fact: SubscriptionRead, document: Document, failures: int
) -> SubscriptionPaymentFailed:
    last = section(document, "billing_info", "last_failed_payment")
    again = instant(last.get("next_payment_retry_time"))
    return SubscriptionPaymentFailed(
        subscription=fact.subscription,
        decline=decline(text(last, "reason_code")),
        attempt=failures or None,
        final=fact.state in {"suspended", "ended"},
        next_attempt_at=again,
    )


def _state(document: Document) -> ManagedState:
    word = status(document).replace(" ", "_")
    if word not in STATES:
        raise Permanent(f"PayPal reports the subscription state {word!r}, which is not known")
    state = STATES[word]
    # A failed payment leaves the subscription ACTIVE until PayPal gives up.
    return "past_due" if state == "active" and _failures(document) else state


def _failures(document: Document) -> int:
    """Failed payments in a row; PayPal sets it to zero with the next success."""
    billing = section(document, "billing_info")
    details = section(document, "agreement_details")
    return _whole(billing.get("failed_payments_count", details.get("failed_payment_count"))) or 0


def _payer(document: Document) -> str | None:
    return text(document, "subscriber", "payer_id") or text(
        document, "payer", "payer_info", "payer_id"
    )


def _changed_at(document: Document) -> datetime | None:
    return instant(document.get("status_update_time")) or instant(document.get("update_time"))


def _whole(value: object) -> int | None:
    """A count, which PayPal writes as a number or as a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
