"""When something is due for a subscription: renewal tries, warnings, the last moment.

Pure arithmetic over the subscription and the catalogue (BILLING 5 and 6). ``plan`` writes the next
moment into an indexed column, so that the clock reads only rows that are due.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from domain.catalogue import Catalogue
from domain.subscriptions import OURS, Subscription

EXHAUSTED: Final = "renewal_failed"
"""Why auto-renew is off after the retry list."""
CUSTOMER_AT_CHECKOUT: Final = timedelta(hours=1)
"""How long a renewal waits for a customer who is about to buy something else."""
ANSWER_TIME: Final = timedelta(hours=1)
"""How long a charge that is under way holds up the end."""
NOT_WARNED: Final = 10**6


def plan(catalogue: Catalogue, subscription: Subscription, now: datetime) -> None:
    """Write down when something will be due next; None when nothing will."""
    if not subscription.is_running:
        subscription.next_due_at = None
        return
    moments = [last_moment(catalogue, subscription), *_moments(catalogue, subscription, now)]
    subscription.next_due_at = min(moments)


def last_moment(catalogue: Catalogue, subscription: Subscription) -> datetime:
    """When access ends unless it is paid: at the end with auto-renew off, else after the grace.

    After an exhausted retry list the grace still holds; a customer who switches auto-renew off
    has none. A provider-run subscription that is past due has the grace for its provider's
    events to come.
    """
    graced = (
        subscription.auto_renew
        or subscription.auto_renew_off_reason == EXHAUSTED
        or (subscription.managed_by != OURS and subscription.state == "past_due")
    )
    days = catalogue.renewal.grace_days if graced else 0
    moment = subscription.period_end + timedelta(days=days)
    if subscription.renewal_in_flight and subscription.renewal_tried_at is not None:
        # A charge that was begun late, after a downtime, gets the time to be answered.
        moment = max(moment, subscription.renewal_tried_at + ANSWER_TIME)
    return moment


def renewal_was_missed(subscription: Subscription) -> bool:
    """Whether a renewal is due and nothing was tried yet: after a downtime longer than the grace
    it is tried on return, for what was due is never skipped (BILLING 6)."""
    return (
        subscription.managed_by == OURS
        and subscription.auto_renew
        and not subscription.renewal_charges
        and not subscription.renewals_suspended
    )


def tries(catalogue: Catalogue, subscription: Subscription) -> list[datetime]:
    """When the renewal is tried: ahead of the end, then by the retry list."""
    end = subscription.period_end
    first = end - timedelta(hours=catalogue.renewal.ahead_hours)
    return [first, *(end + timedelta(days=days) for days in catalogue.renewal.retry_days)]


def try_is_due(catalogue: Catalogue, subscription: Subscription, now: datetime) -> bool:
    """Whether a try of the list is due now."""
    moment = _open_try(catalogue, subscription)
    return moment is not None and moment <= now


def next_try(catalogue: Catalogue, subscription: Subscription, now: datetime) -> datetime | None:
    """When the next try of the list is due; None while one is under way or none is left.

    One that was due and did not happen waits for a customer who is at the checkout.
    """
    moment = _open_try(catalogue, subscription)
    if moment is None or moment > now:
        return moment
    return now + CUSTOMER_AT_CHECKOUT


def tries_left(catalogue: Catalogue, subscription: Subscription) -> int:
    """How many tries of the list are left."""
    return len(tries(catalogue, subscription)) - subscription.renewal_failures


def missed(catalogue: Catalogue, subscription: Subscription, now: datetime) -> int:
    """How many tries of the list are over when one is made now: that one stands for all of them."""
    return sum(moment <= now for moment in tries(catalogue, subscription)[1:])


def warnings_ahead(catalogue: Catalogue, subscription: Subscription) -> list[datetime]:
    """When the expiry warnings that were not sent yet are due."""
    warned = subscription.warned_days or NOT_WARNED
    end = subscription.period_end
    return [end - timedelta(days=days) for days in catalogue.expiry.warning_days if days < warned]


def warning_due(catalogue: Catalogue, subscription: Subscription, now: datetime) -> int | None:
    """The most urgent warning that is due and was not sent, in days before the end."""
    warned = subscription.warned_days or NOT_WARNED
    end = subscription.period_end
    due = [d for d in catalogue.expiry.warning_days if now >= end - timedelta(days=d)]
    return min(due) if due and min(due) < warned else None


def _open_try(catalogue: Catalogue, subscription: Subscription) -> datetime | None:
    if subscription.renewal_in_flight or subscription.renewals_suspended:
        return None
    moments = tries(catalogue, subscription)
    number = subscription.renewal_failures
    return moments[number] if number < len(moments) else None


def _moments(catalogue: Catalogue, subscription: Subscription, now: datetime) -> list[datetime]:
    if subscription.managed_by != OURS:
        # At the end it becomes past due, or is over.
        return [subscription.period_end] if now < subscription.period_end else []
    if not subscription.auto_renew:
        return warnings_ahead(catalogue, subscription)
    moments = [next_try(catalogue, subscription, now)]
    if subscription.state == "active":
        moments.append(subscription.period_end)
    return [moment for moment in moments if moment is not None]
