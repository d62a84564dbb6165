"""Telling a customer of a renewal ahead: how much, when, and how it will be paid (BILLING 5)."""

from __future__ import annotations

from domain import announcements, methods, quotes, renewals, timetable
from domain.mails.kinds import Means
from domain.subscriptions import Subscription
from domain.work import Work


def remind(work: Work, subscription: Subscription) -> None:
    """Tell of the renewal when that is due, once a period, at today's catalogue price."""
    if not timetable.reminder_is_due(work.catalogue, subscription, work.now):
        return
    subscription.renewal_told = True
    if renewals.rest(work):
        return
    amount = quotes.of_renewal(work.session, work.catalogue, work.account, subscription).due
    on = timetable.tries(work.catalogue, subscription)[0]
    work.note("renewal_announced", on=on.isoformat(), amount=str(amount))
    announcements.renewal_ahead(work, subscription, amount, on, _means(work))


def _means(work: Work) -> Means | None:
    method = methods.current(work.session, work.account.id)
    if method is None:
        return None
    return Means(kind=method.kind, brand=method.brand, last4=method.last4)
