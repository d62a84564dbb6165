"""What the passing of time does to a subscription, in one place (BILLING 5 and 6)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from domain import alerts, expiry, following, reminders, renewals, timetable
from domain.alerts import Alert
from domain.subscriptions import OURS, Subscription
from domain.work import Work

NOT_MOVED: Final = "subscription_not_moved"
"""The alert: what is due for a subscription fails, by our own mistake or the catalogue's."""
PAUSES: Final = (1, 5, 15, 60)
"""Minutes until it is tried again, after the first failure, the second, and so on."""


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


def put_off(work: Work, reason: str) -> None:
    """What was due failed: a person is told once, and it is tried again after a pause."""
    work.alert(NOT_MOVED, work.account.ref, reason=reason)
    failures = work.session.scalar(_unresolved(Alert.count, [work.account.ref])) or 1
    minutes = PAUSES[min(failures, len(PAUSES)) - 1]
    if work.subscription is not None:
        work.subscription.next_due_at = work.now + timedelta(minutes=minutes)


def resolve_moved(session: Session, refs: Collection[str]) -> None:
    """These accounts were moved: what was said about them before is over."""
    for ref in session.scalars(_unresolved(Alert.subject, refs)).all():
        alerts.resolve(session, NOT_MOVED, ref)


def _unresolved(column: Any, refs: Collection[str]) -> Select[Any]:
    return select(column).where(
        Alert.rule == NOT_MOVED, Alert.subject.in_(refs), Alert.state != "resolved"
    )


def _act_on_ours(work: Work, subscription: Subscription) -> None:
    if not subscription.auto_renew:
        expiry.warn(work, subscription)
        return
    reminders.remind(work, subscription)
    if timetable.renewal_is_due(work.catalogue, subscription, work.now) and not renewals.rest(work):
        renewals.attempt(work, subscription)
    if work.now >= subscription.period_end:
        renewals.fall_due(work, subscription)
