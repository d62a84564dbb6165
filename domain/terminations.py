"""The end of a subscription before its time, because its money went back (BILLING 7)."""

from __future__ import annotations

from typing import Final

from domain import access, announcements, orders, purchasing, subscriptions
from domain.subscriptions import OURS, Subscription
from domain.work import Work

REFUNDED: Final = "refunded"
DISPUTE_LOST: Final = "dispute_lost"
CANCEL_SUBSCRIPTION: Final = "cancel_subscription"
"""The effect that stops a provider from renewing a subscription that it runs itself."""


def terminate(work: Work, reason: str, cause: str) -> None:
    """End the subscription, withdraw what is about to be paid, and block the account.

    ``reason`` is ``refunded`` or ``dispute_lost``; ``cause`` names the refund or dispute. Repeating
    it changes nothing.
    """
    subscription = work.subscription
    if subscription is not None:
        _end(work, subscription, reason, cause)
    _withdraw_order(work, reason)
    access.block_firmly(work, reason, cause)


def _end(work: Work, subscription: Subscription, reason: str, cause: str) -> None:
    if subscriptions.switch_off_renewal(subscription, reason):
        work.note("auto_renew_off", reason=reason)
    # Also over the customer's own reason: what was ended is told from it. The graver one stays.
    if subscription.auto_renew_off_reason != DISPUTE_LOST:
        subscription.auto_renew_off_reason = reason
    reference = subscription.managed_reference
    if subscription.managed_by != OURS and reference is not None:
        work.want(CANCEL_SUBSCRIPTION, reference, cause, provider=subscription.managed_by)
    if subscriptions.end(subscription, "ended", work.now):
        work.note("subscription_ended", reason=reason)
        announcements.forget_warnings(work, "the subscription is over")
        announcements.tell_app(work, "subscription.ended", cause)


def _withdraw_order(work: Work, reason: str) -> None:
    """Nobody is to pay for an account that is blocked; money that comes all the same is credit."""
    order = orders.open_of(work.session, work.account.id)
    if order is not None and purchasing.withdraw(work, order, "failed", reason):
        work.note("order_failed", order=order.id, reason=reason)
