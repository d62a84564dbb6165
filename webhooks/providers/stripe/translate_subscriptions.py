"""What Stripe says of the state of subscriptions that it runs itself.

A subscription changes behind an event's back, so its events are signals: it is read again.
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
    period = _current_period(document)
    return SubscriptionRead(
        subscription=shapes.identifier(document),
        state=state,
        sequence=sequence,
        order=started_by.order or order_account.order,
        account=started_by.account or order_account.account,
        customer=shapes.customer(document),
        quantity=_quantity(document),
        period=period,
        auto_renew=state != "ended" and not _stops(document, period),
        ended_at=shapes.instant(document, "ended_at"),
    )


def _current_period(document: Document) -> Period | None:
    """Of the subscription itself in old versions, of its items since basil."""
    names = ("current_period_start", "current_period_end")
    places = [document, *children(document, "items")]
    spans = [span for place in places if (span := shapes.span(place, *names)) is not None]
    return max(spans, key=lambda span: span.end, default=None)


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
