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
DISPUTED: Final = "dispute_open"
"""Why auto-renew is off when a dispute held up the renewal for longer than ``DISPUTE_HOLDS``."""
DISPUTE_HOLDS: Final = timedelta(days=28)
"""How long after the end access goes on while a dispute keeps us from charging: not longer than the
shortest period, so that one renewal from the old end reaches the present."""
CUSTOMER_AT_CHECKOUT: Final = timedelta(hours=1)
"""How long a renewal waits for a customer who is about to buy something else."""
ANSWER_TIME: Final = timedelta(hours=1)
"""How long a charge that is under way holds up the end."""
NOT_WARNED: Final = 10**6


def plan(catalogue: Catalogue, subscription: Subscription, now: datetime) -> None:
    """Write down when something will be due next; None when nothing will."""
    if not subscription.is_running:
        subscription.next_due_at = now if may_reopen(subscription) else None
        return
    moments = [last_moment(catalogue, subscription), *_moments(catalogue, subscription, now)]
    subscription.next_due_at = min(moments)


def last_moment(catalogue: Catalogue, subscription: Subscription) -> datetime:
    """When access ends unless it is paid: at the end with auto-renew off, else after the grace.

    After an exhausted retry list the grace still holds; a customer who switches auto-renew off
    has none. A provider-run subscription that is past due has the grace for its provider's
    events to come. A dispute that keeps us from charging takes nobody's access for a while.
    """
    graced = (
        subscription.auto_renew
        or subscription.auto_renew_off_reason == EXHAUSTED
        or (subscription.managed_by != OURS and subscription.state == "past_due")
    )
    moment = end_of_grace(catalogue, subscription) if graced else subscription.period_end
    if is_held(subscription):
        moment = max(moment, subscription.period_end + DISPUTE_HOLDS)
    if subscription.renewal_in_flight and subscription.renewal_tried_at is not None:
        # A charge that was begun late, after a downtime, gets the time to be answered.
        moment = max(moment, subscription.renewal_tried_at + ANSWER_TIME)
    return moment


def end_of_grace(catalogue: Catalogue, subscription: Subscription) -> datetime:
    """Until when access goes on during the retries."""
    return _counted_from(subscription) + timedelta(days=catalogue.renewal.grace_days)


def is_held(subscription: Subscription) -> bool:
    """Whether its renewal is wanted and a dispute keeps us from charging it (BILLING 7)."""
    wanted = subscription.auto_renew and subscription.managed_by == OURS
    return wanted and subscription.renewals_suspended


def may_reopen(subscription: Subscription) -> bool:
    """Whether it expired because a dispute held it for too long, and none is open any more."""
    held = subscription.state == "expired" and subscription.auto_renew_off_reason == DISPUTED
    return held and not subscription.renewals_suspended


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
    first = subscription.period_end - timedelta(hours=catalogue.renewal.ahead_hours)
    listed = (timedelta(days=days) for days in catalogue.renewal.retry_days)
    return [first, *(_counted_from(subscription) + delay for delay in listed)]


def renewal_is_due(catalogue: Catalogue, subscription: Subscription, now: datetime) -> bool:
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


def reminder_ahead(catalogue: Catalogue, subscription: Subscription) -> datetime | None:
    """When the customer is told of the renewal ahead; None when there is nothing to tell, or it was
    told, or a charge was begun."""
    days = catalogue.renewal.reminder_days.get(subscription.interval)
    told = subscription.renewal_told or subscription.renewal_charges
    if days is None or told or subscription.renewals_suspended:
        return None
    return subscription.period_end - timedelta(days=days)


def reminder_is_due(catalogue: Catalogue, subscription: Subscription, now: datetime) -> bool:
    """Whether the customer has to be told now; the first try overtakes it."""
    moment = reminder_ahead(catalogue, subscription)
    return moment is not None and moment <= now < tries(catalogue, subscription)[0]


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


def _counted_from(subscription: Subscription) -> datetime:
    return subscription.retries_from or subscription.period_end


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
    if now < tries(catalogue, subscription)[0]:
        moments.append(reminder_ahead(catalogue, subscription))
    if subscription.state == "active":
        moments.append(subscription.period_end)
    return [moment for moment in moments if moment is not None]
