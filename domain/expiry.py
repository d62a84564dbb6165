"""The end of a subscription: warnings before it, the block at it (BILLING 6)."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain import access, accounts, announcements, renewals, subscriptions, timetable
from domain.subscriptions import Subscription
from domain.work import Work


def warn(work: Work, subscription: Subscription) -> None:
    """Send the warning that is due; of several missed ones only the most urgent."""
    due = timetable.warning_due(work.catalogue, subscription, work.now)
    if due is None:
        return
    subscription.warned_days = due
    left = days_left(subscription, work.now)
    work.note("expiry_warned", days=left, end=subscription.period_end.isoformat())
    announcements.expiry_warning(work, subscription, left)


def days_left(subscription: Subscription, now: datetime) -> int:
    """Days until the end, a begun one counted as whole; 0 when it is over."""
    left = subscription.period_end - now
    return max(0, -(-left // timedelta(days=1)))


def expire(work: Work, subscription: Subscription) -> None:
    """The time is over: the subscription expires and the account is blocked."""
    renewals.give_up(work, subscription)
    if subscriptions.end(subscription, "expired", work.now):
        reason = subscription.auto_renew_off_reason or "not renewed"
        end = subscription.period_end.isoformat()
        work.note("subscription_expired", end=end, reason=reason)
        announcements.forget_warnings(work, "the subscription is over")
        access.block(work, accounts.BLOCKED_FOR_EXPIRY, announcements.cycle(subscription))
