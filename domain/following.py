"""Makes the account's subscription follow what its providers run (BILLING 4, 5, 6).

A pure function of the merged rows and the present instant, with its consequences for access: so
facts may come in any order, and the clock finds the same as a late event.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from domain import (
    access,
    accounts,
    announcements,
    managed_subscriptions,
    orders,
    periods,
    purchasing,
    subscriptions,
    timetable,
)
from domain.managed_subscriptions import ManagedSubscription
from domain.subscriptions import OURS, Subscription
from domain.timetable import EXHAUSTED
from domain.work import Work

CANCELLED: Final = "cancelled_at_provider"
"""Why auto-renew is off when somebody cancelled or suspended it at the provider."""
TWO: Final = "two_subscriptions"
"""The alert: two subscriptions of one account go on at once, so the customer pays twice."""
SILENT: Final = "subscription_silent"
"""The alert: a period ran out, and its provider reported neither money nor failure nor end."""
TERMINATED: Final = frozenset({"refunded", "dispute_lost"})
"""Why auto-renew is off when the subscription was ended because its money went back."""


class Seen(NamedTuple):
    """What of a subscription shows when it changed."""

    state: str | None = None
    reference: str | None = None
    period_end: object = None
    auto_renew: bool = True
    target: object = None


def follow(work: Work) -> bool:
    """Bring the account's subscription up to date with what its providers run.

    False when it is not theirs: none is known, or ours has paid time left.
    """
    current = work.subscription
    rows = managed_subscriptions.of_account(work.session, work.account.id)
    _note_termination(current, rows)
    _warn_of_two(work, rows)
    leading = _leading(rows)
    if leading is None or not _takes_over(work, current, leading):
        return False
    before = _seen(current)
    if current is not None:
        _give_way(work, current)
    subscription = current or _new(work)
    _write(work, subscription, leading)
    work.session.add(subscription)
    _consequences(work, subscription, leading, before)
    timetable.plan(work.catalogue, subscription, work.now)
    return True


def ours_runs(work: Work) -> bool:
    """Whether a subscription that we run ourselves has paid time left. Past its end it gives way:
    who pays a provider then shall not be charged by us as well."""
    current = work.subscription
    ours = current is not None and current.managed_by == OURS and current.is_running
    return ours and current is not None and work.now < current.period_end


def _leading(rows: list[ManagedSubscription]) -> ManagedSubscription | None:
    """Of several the one that goes on, then the one that is paid for longest."""
    usable = [row for row in rows if row.target is not None and row.access_until is not None]
    return max(
        usable,
        key=lambda row: (not row.terminated, row.goes_on, row.access_until, row.subject),
        default=None,
    )


def _takes_over(work: Work, current: Subscription | None, leading: ManagedSubscription) -> bool:
    if current is None or current.managed_by != OURS:
        return True
    if ours_runs(work):
        return False
    # An old one that ended long ago must not bury the one that we ran after it.
    over = min(current.ended_at or current.period_end, current.period_end)
    until = leading.access_until
    return until is not None and until > over


def _new(work: Work) -> Subscription:
    return Subscription(
        account_id=work.account.id,
        account_blocked=work.account.blocked_reason or "",
        managed_by=OURS,
        renewals_suspended=False,
        renewal_failures=0,
        renewal_charges=0,
        renewal_in_flight=False,
    )


def _give_way(work: Work, subscription: Subscription) -> None:
    """A renewal of ours that was being tried is not wanted any more."""
    order = orders.open_of(work.session, work.account.id)
    if subscription.managed_by == OURS and order is not None and order.kind == "renewal":
        purchasing.withdraw(work, order, "superseded")
        work.note("order_superseded", order=order.id, by="a subscription run by a provider")


def _write(work: Work, subscription: Subscription, row: ManagedSubscription) -> None:
    """Write the row into the account's subscription, as of now."""
    target, start, end = row.target, row.period_start, row.access_until
    if target is None or start is None or end is None:
        raise ValueError(f"{row.subject} has no period to be followed")
    subscriptions.become(subscription, target)
    if subscription.period_end != end:
        subscriptions.forget_cycle(subscription)
    subscription.period_start, subscription.period_end = start, end
    # A month without the anchor's day ends or begins on its last day.
    subscription.anchor_day = max(periods.anchor_of(start), periods.anchor_of(end))
    subscription.period_net = row.period_net
    subscription.currency = row.currency or work.account.currency
    subscription.managed_by, subscription.managed_reference = row.provider, row.reference
    subscription.order_id = row.order_id
    subscription.started_at = row.started_at or start
    if not row.terminated:
        _write_state(work, subscription, row)


def _write_state(work: Work, subscription: Subscription, row: ManagedSubscription) -> None:
    subscription.auto_renew = row.goes_on
    subscription.auto_renew_off_reason = None
    if not row.goes_on:
        subscription.auto_renew_off_reason = EXHAUSTED if row.given_up else CANCELLED
    failing = row.state == "past_due" or row.given_up
    overdue = failing and work.now >= subscription.period_end
    subscription.state, subscription.ended_at = "past_due" if overdue else "active", None
    last_moment = timetable.last_moment(work.catalogue, subscription)
    if work.now >= last_moment:
        subscription.state = "ended" if row.state == "ended" else "expired"
        subscription.ended_at = last_moment


def _consequences(
    work: Work, subscription: Subscription, row: ManagedSubscription, before: Seen
) -> None:
    after = _seen(subscription)
    cause = announcements.cycle(subscription)
    if (after.period_end, after.reference) != (before.period_end, before.reference):
        _note_period(work, subscription)
        announcements.tell_app(work, "subscription.renewed", f"{row.subject}:{cause}")
    elif after.target != before.target or after.auto_renew != before.auto_renew:
        change = f"{row.subject}:reading:{row.applied_sequence}"
        announcements.tell_app(work, "subscription.changed", change)
    _note_renewal(work, subscription, row, before)
    if after.state == "past_due" and before.state != "past_due":
        work.note("past_due", end=subscription.period_end.isoformat())
        announcements.tell_app(work, "subscription.past_due", cause)
    _open_or_close(work, subscription, row, before)


def _note_period(work: Work, subscription: Subscription) -> None:
    work.note(
        "period_started",
        plan=subscription.plan,
        agents=subscription.agents,
        start=subscription.period_start.isoformat(),
        end=subscription.period_end.isoformat(),
    )


def _note_renewal(
    work: Work, subscription: Subscription, row: ManagedSubscription, before: Seen
) -> None:
    """The customer is told by the provider, who charges and where it was cancelled."""
    reason = subscription.auto_renew_off_reason
    if before.auto_renew and not subscription.auto_renew:
        work.note("auto_renew_off", reason=reason)
        if reason == EXHAUSTED:
            work.alert("renewal_exhausted", work.account.ref, subscription=row.subject)
    elif subscription.auto_renew and not before.auto_renew:
        work.note("auto_renew_on", by=row.provider)


def _open_or_close(
    work: Work, subscription: Subscription, row: ManagedSubscription, before: Seen
) -> None:
    if subscription.is_running:
        why = f"{row.provider} runs the subscription"
        cause = f"{row.subject}:{announcements.cycle(subscription)}"
        access.unblock(work, accounts.BLOCKED_FOR_EXPIRY, cause, why)
        return
    if subscription.state != before.state:
        end = subscription.period_end.isoformat()
        reason = subscription.auto_renew_off_reason or "its provider reported no money"
        work.note("subscription_expired", end=end, reason=reason)
        if row.goes_on and row.state == "active":
            work.alert(SILENT, row.subject, end=end)
    access.block(work, accounts.BLOCKED_FOR_EXPIRY, announcements.cycle(subscription))


def _note_termination(current: Subscription | None, rows: list[ManagedSubscription]) -> None:
    """One that was ended because its money went back stays so, whatever its provider reports."""
    if current is None or current.auto_renew_off_reason not in TERMINATED:
        return
    for row in rows:
        if (row.provider, row.reference) == (current.managed_by, current.managed_reference):
            row.terminated = True


def _warn_of_two(work: Work, rows: list[ManagedSubscription]) -> None:
    charging = (row for row in rows if row.goes_on and not row.terminated)
    alive = [row.subject for row in charging if row.access_until is not None]
    running = [f"{OURS}:{work.account.ref}"] * ours_runs(work) + alive
    if alive and len(running) > 1:
        work.alert(TWO, work.account.ref, running=", ".join(running))


def _seen(subscription: Subscription | None) -> Seen:
    if subscription is None:
        return Seen()
    return Seen(
        state=subscription.state,
        reference=subscription.managed_reference,
        period_end=subscription.period_end,
        auto_renew=subscription.auto_renew,
        target=subscription.target,
    )
