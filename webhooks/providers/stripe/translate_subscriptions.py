"""What Stripe says of the state of subscriptions that it runs itself.

A subscription changes behind an event's back, so its events are signals: it is read again, with
its latest invoice. What it is for stands in its metadata (docs/providers.md).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from domain.errors import Permanent
from domain.facts import ManagedState, Period, SubscriptionRead
from webhooks.providers.provider import Translation
from webhooks.providers.stripe import shapes
from webhooks.providers.stripe.shapes import (
    NOBODY,
    Document,
    Event,
    Readings,
    References,
    child,
    children,
    facts,
    needs,
    text,
)

STATES: Final[dict[str, ManagedState]] = {
    "incomplete": "incomplete",
    "incomplete_expired": "ended",
    "trialing": "active",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "suspended",
    "paused": "suspended",
    "canceled": "ended",
}
"""https://docs.stripe.com/api/subscriptions/object#subscription_object-status"""

INTERVALS: Final = {("month", 1): "month", ("month", 12): "year", ("year", 1): "year"}
"""Interval and count of a price → what is sold."""
PAID_BY_STATE: Final = frozenset({"trialing", "active"})
"""States that vouch for the current period when the latest invoice is not at hand."""


def subscription_signal(event: Event, readings: Readings) -> Translation:
    """``customer.subscription.*``: something changed; what, is read."""
    return subscription_read(shapes.identifier(event.object), readings)


def subscription_read(
    subscription: str, readings: Readings, started_by: References = NOBODY
) -> Translation:
    """The state of a subscription as it was read; one that is gone has ended."""
    reading = shapes.reading_of(readings, "subscription", subscription)
    if reading is None:
        return needs("subscription", subscription)
    if reading.document is None:
        return facts(
            SubscriptionRead(
                subscription=subscription,
                state="ended",
                sequence=reading.sequence,
                order=started_by.order,
                account=started_by.account,
                auto_renew=False,
            )
        )
    return facts(_subscription(reading.document, reading.sequence, started_by))


def _subscription(document: Document, sequence: int, started_by: References) -> SubscriptionRead:
    status = text(document, "status")
    if status not in STATES:
        raise Permanent(f"subscription {shapes.identifier(document)} has the new state {status}")
    state, order_account = STATES[status], shapes.references(document)
    period, metadata = _current_period(document), child(document, "metadata")
    return SubscriptionRead(
        subscription=shapes.identifier(document),
        state=state,
        sequence=sequence,
        order=started_by.order or order_account.order,
        account=started_by.account or order_account.account,
        customer=shapes.customer(document),
        plan=text(metadata, "plan"),
        interval=text(metadata, "interval") or _interval(document),
        agents=_count(metadata, "agents"),
        conversations=_count(metadata, "conversations"),
        quantity=_quantity(document),
        period=period if _is_settled(document) else None,
        auto_renew=state != "ended" and not _stops(document, period),
        given_up=_gave_up(document),
        ended_at=shapes.instant(document, "ended_at"),
    )


def _current_period(document: Document) -> Period | None:
    """Of the subscription itself in old versions, of its items since basil."""
    names = ("current_period_start", "current_period_end")
    places = [document, *children(document, "items")]
    spans = [span for place in places if (span := shapes.span(place, *names)) is not None]
    return max(spans, key=lambda span: span.end, default=None)


def _is_settled(document: Document) -> bool:
    """Whether the current period is paid or free. It begins before its invoice is paid, and goes
    on when that fails: https://docs.stripe.com/billing/subscriptions/overview"""
    invoice = child(document, "latest_invoice")
    if invoice:
        return invoice.get("status") == "paid"
    return text(document, "status") in PAID_BY_STATE


def _gave_up(document: Document) -> bool:
    """Whether Stripe could not collect and does not try again.

    What happens then is a setting of the Stripe account: the subscription is canceled, marked
    unpaid, or left past due. https://docs.stripe.com/billing/revenue-recovery/smart-retries
    """
    status = document.get("status")
    if status == "canceled":
        return child(document, "cancellation_details").get("reason") == "payment_failed"
    invoice = child(document, "latest_invoice")
    tried = invoice.get("attempted") is True and invoice.get("status") != "paid"
    exhausted = tried and invoice.get("next_payment_attempt") is None
    return status == "unpaid" or (status == "past_due" and exhausted)


def _stops(document: Document, period: Period | None) -> bool:
    """Whether Stripe will not renew after the current period."""
    if document.get("cancel_at_period_end"):
        return True
    cancel_at: datetime | None = shapes.instant(document, "cancel_at")
    return cancel_at is not None and (period is None or cancel_at <= period.end)


def _quantity(document: Document) -> int | None:
    """How many are subscribed to; None where several items say different things."""
    items = children(document, "items")
    return shapes.whole(items[0] if len(items) == 1 else document, "quantity")


def _interval(document: Document) -> str | None:
    """How often the price of the first item is due, if that is an interval that is sold."""
    items = children(document, "items") or [{}]
    recurring = child(items[0], "price", "recurring")
    every = shapes.whole(recurring, "interval_count") or 1
    return INTERVALS.get((text(recurring, "interval") or "", every))


def _count(metadata: Document, name: str) -> int | None:
    """A whole number in metadata, where everything is a text. Raises ``Permanent`` for another
    text."""
    written = text(metadata, name)
    if written is None:
        return None
    if not (written.isascii() and written.isdigit() and len(written) < 10):
        raise Permanent(f"the subscription's metadata {name} is {written[:40]!r}, not a number")
    return int(written)
