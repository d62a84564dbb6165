"""Auto-renew of the subscriptions that we run ourselves (BILLING 5).

One renewal order per period end; every try of the retry list is an effect of its own, begun under
the account's lock only when the outcome of the one before is known. So at most one can succeed.
"""

from __future__ import annotations

from typing import Final

from domain import (
    access,
    accounts,
    announcements,
    disputes,
    methods,
    orders,
    purchasing,
    quotes,
    settlement,
    subscriptions,
    timetable,
)
from domain.errors import Refused
from domain.facts import Decline
from domain.methods import PaymentMethod
from domain.orders import Order
from domain.subscriptions import OURS, Subscription
from domain.timetable import DISPUTED, EXHAUSTED
from domain.work import Work

NO_METHOD: Final = Decline(code="no_saved_method", kind="hard")
DECLINED_BEFORE: Final = Decline(code="method_declined_before", kind="hard")


def fall_due(work: Work, subscription: Subscription) -> None:
    """The period is over and not paid: access goes on within the grace."""
    if subscription.state == "active" and work.now >= subscription.period_end:
        subscription.state = "past_due"
        work.note("past_due", end=subscription.period_end.isoformat())
        cause = announcements.cycle(subscription)
        announcements.tell_app(work, "subscription.past_due", cause)


def rest(work: Work) -> bool:
    """Whether nothing may be charged: a dispute is open (BILLING 7), or the account is blocked, and
    who has no access is not charged for it."""
    subscription = work.subscription
    disputed = subscription is not None and subscription.renewals_suspended
    return disputed or work.account.status == "blocked"


def review(work: Work) -> None:
    """A dispute was opened or closed: renewals rest while any is open (BILLING 7), and then go on
    where they stopped. What was held up is done by the clock at once."""
    work.session.flush()
    subscription = work.subscription
    if subscription is None:
        return
    if disputes.any_open(work.session, work.account.id):
        subscriptions.suspend(subscription, work.now)
        timetable.plan(work.catalogue, subscription, work.now)
        return
    resumed = subscriptions.resume(subscription, work.now)
    timetable.plan(work.catalogue, subscription, work.now)
    if resumed and timetable.renewal_is_due(work.catalogue, subscription, work.now):
        subscription.next_due_at = work.now


def reopen(work: Work, subscription: Subscription) -> None:
    """The dispute that held up the renewal for too long is over, and was not lost: all is as before
    (BILLING 7). The renewal is charged from now on, and by the whole list."""
    if accounts.is_blocked_firmly(work.account):
        subscription.auto_renew_off_reason = EXHAUSTED
        return
    subscriptions.reopen(subscription, work.now)
    work.note("subscription_reopened")
    cause = announcements.cycle(subscription)
    access.unblock(work, accounts.BLOCKED_FOR_EXPIRY, cause, "the dispute is over")


def attempt(work: Work, subscription: Subscription, *, scheduled: bool = True) -> None:
    """Try to renew now. ``scheduled`` tries belong to the list, a new method's try does not."""
    method = methods.current(work.session, work.account.id)
    order = _order(work, subscription, method)
    if order is None or order.state != orders.OPEN:
        return
    if scheduled:
        # What an outage or a dispute held up is made up for once (BILLING 6).
        late = timetable.missed(work.catalogue, subscription, work.now)
        subscription.renewal_failures = max(subscription.renewal_failures, late)
    subscription.renewal_in_flight, subscription.renewal_tried_at = True, work.now
    subscription.renewal_charges += 1
    number = subscription.renewal_charges
    if subscription.renewal_told:
        announcements.forget_reminder(work, "the renewal has begun")
    if method is None:
        failed(work, order, NO_METHOD, number, scheduled=scheduled)
    elif method.token == subscription.declined_token:
        failed(work, order, DECLINED_BEFORE, number, scheduled=scheduled)
    else:
        _charge(work, subscription, order, method, scheduled=scheduled)


def try_new_method(work: Work) -> None:
    """A method was saved while a renewal is failing: try it at once (BILLING 5)."""
    subscription = work.subscription
    if subscription is None or not subscription.is_running or not subscription.auto_renew:
        return
    if subscription.managed_by != OURS or rest(work):
        return
    method = methods.current(work.session, work.account.id)
    fresh = method is not None and method.token != subscription.declined_token
    if fresh and subscription.renewal_failures and not subscription.renewal_in_flight:
        attempt(work, subscription, scheduled=False)
        timetable.plan(work.catalogue, subscription, work.now)


def failed(work: Work, order: Order, decline: Decline, number: int, *, scheduled: bool) -> None:
    """The ``number``-th charge of the period failed; repeats of the same report change nothing."""
    subscription = work.subscription
    if subscription is None or not _is_current(subscription, order, number):
        return
    subscription.renewal_in_flight = False
    subscription.renewal_failures += scheduled
    _remember_decline(work, subscription, decline)
    work.note("renewal_failed", order=order.id, code=decline.code, number=number)
    order.charge_failed_at = work.now
    upcoming = timetable.next_try(work.catalogue, subscription, work.now)
    if not timetable.tries_left(work.catalogue, subscription):
        exhaust(work, subscription, order)
    timetable.plan(work.catalogue, subscription, work.now)
    announcements.renewal_failed(work, order, decline, number, upcoming)


def take_back(work: Work) -> bool:
    """Take back a try that was begun, because renewals rest; False when they do not."""
    subscription = work.subscription
    if subscription is None or not rest(work):
        return False
    subscription.renewal_in_flight = False
    timetable.plan(work.catalogue, subscription, work.now)
    return True


def exhaust(work: Work, subscription: Subscription, order: Order) -> None:
    """The list is at its end: auto-renew goes off, with mail and alert."""
    orders.close(order, "failed", work.now, EXHAUSTED)
    if subscriptions.switch_off_renewal(subscription, EXHAUSTED):
        work.note("auto_renew_off", reason=EXHAUSTED)
        work.alert("renewal_exhausted", work.account.ref, order=order.id)
        announcements.auto_renew_off(work, subscription, EXHAUSTED)


def give_up(work: Work, subscription: Subscription) -> None:
    """The subscription ends: no renewal of it is wanted any more."""
    order = orders.open_of(work.session, work.account.id)
    if order is not None and order.kind == "renewal":
        orders.close(order, "expired", work.now)
        work.note("order_expired", order=order.id)
    if subscription.auto_renew and subscription.managed_by == OURS:
        reason = DISPUTED if subscription.renewals_suspended else EXHAUSTED
        subscriptions.switch_off_renewal(subscription, reason)
        work.note("auto_renew_off", reason=reason)


def switch(work: Work, subscription: Subscription, *, on: bool) -> None:
    """The customer switches auto-renew on or off (BILLING 5).

    Raises ``Refused`` for a subscription that its provider runs.
    """
    if subscription.managed_by != OURS:
        raise Refused(
            "managed_elsewhere",
            f"The subscription is run by {subscription.managed_by}: cancel or resume it there.",
            provider=subscription.managed_by,
        )
    if on and not subscription.auto_renew:
        subscription.auto_renew, subscription.auto_renew_off_reason = True, None
        if not timetable.tries_left(work.catalogue, subscription):
            # Whoever switches it on during the grace asks for one more try.
            subscription.renewal_failures -= 1
        work.note("auto_renew_on", by=work.actor or "customer")
    elif not on and subscriptions.switch_off_renewal(subscription, "customer"):
        announcements.forget_reminder(work, "auto-renew was switched off")
        order = orders.open_of(work.session, work.account.id)
        if order is not None and order.kind == "renewal":
            purchasing.withdraw(work, order, "failed", "auto-renew was switched off")
        work.note("auto_renew_off", reason=work.actor or "customer")


def _order(work: Work, subscription: Subscription, method: PaymentMethod | None) -> Order | None:
    """The open renewal order, a new one, or None while the customer is buying something else."""
    current = orders.open_of(work.session, work.account.id)
    if current is not None and current.kind == "renewal":
        return current
    if current is not None:
        if work.now < subscription.period_end:
            return None
        purchasing.withdraw(work, current, "superseded")
    return _place(work, subscription, method)


def _place(work: Work, subscription: Subscription, method: PaymentMethod | None) -> Order:
    quote = quotes.of_renewal(work.session, work.catalogue, work.account, subscription)
    grace = timetable.end_of_grace(work.catalogue, subscription)
    order = orders.place(
        work.session,
        work.catalogue,
        work.account,
        quote,
        method="saved" if quote.due else "credit",
        provider=method.provider if method and quote.due else None,
        kind="renewal",
        # After a downtime the grace may be over: the charge still gets the time to be answered.
        expires_at=max(grace, work.now + timetable.ANSWER_TIME),
    )
    work.note("renewal_placed", order=order.id, total=str(quote.total))
    if not quote.due:
        settlement.pay(work, order, None)
    return order


def _charge(
    work: Work,
    subscription: Subscription,
    order: Order,
    method: PaymentMethod,
    *,
    scheduled: bool,
) -> None:
    number = subscription.renewal_charges
    order.provider = method.provider
    # Planned before the effect is written, for the row is then written once.
    timetable.plan(work.catalogue, subscription, work.now)
    work.want(
        purchasing.CHARGE_ORDER,
        order.id,
        f"order:{order.id}:charge:{number}",
        token=method.token,
        provider=method.provider,
        number=number,
        scheduled=scheduled,
    )


def _is_current(subscription: Subscription, order: Order, number: int) -> bool:
    return (
        order.state == orders.OPEN
        and subscription.renewal_in_flight
        and subscription.renewal_charges == number
    )


def _remember_decline(work: Work, subscription: Subscription, decline: Decline) -> None:
    method = methods.current(work.session, work.account.id)
    if method is not None and decline.kind == "hard":
        subscription.declined_token = method.token
