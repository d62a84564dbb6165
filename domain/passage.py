"""What the passing of time does to a subscription, in one place (BILLING 5 and 6)."""

from __future__ import annotations

from domain import expiry, following, renewals, timetable
from domain.subscriptions import OURS, Subscription
from domain.work import Work


def act(work: Work) -> None:
    """Do whatever is due for the account's subscription by now, once, however late; plan again.

    Called by the clock under the account's lock. At the end of the paid time it is a provider-run
    subscription's turn, where there is one.
    """
    subscription = work.subscription
    if subscription is None:
        return
    if timetable.may_reopen(subscription):
        renewals.reopen(work, subscription)
    if not subscription.is_running:
        timetable.plan(work.catalogue, subscription, work.now)
        return
    if work.now >= subscription.period_end and following.follow(work):
        return
    is_over = work.now >= timetable.last_moment(work.catalogue, subscription)
    is_missed = timetable.renewal_was_missed(subscription) and not renewals.rest(work)
    if is_over and not is_missed:
        expiry.expire(work, subscription)
    elif subscription.managed_by == OURS:
        _act_on_ours(work, subscription)
    timetable.plan(work.catalogue, subscription, work.now)


def _act_on_ours(work: Work, subscription: Subscription) -> None:
    if not subscription.auto_renew:
        expiry.warn(work, subscription)
        return
    if timetable.renewal_is_due(work.catalogue, subscription, work.now) and not renewals.rest(work):
        renewals.attempt(work, subscription)
    if work.now >= subscription.period_end:
        renewals.fall_due(work, subscription)
