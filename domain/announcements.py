"""What the customer and the app are told when something happened, each once per cause."""

from __future__ import annotations

from datetime import datetime

from domain.facts import Decline
from domain.money import Money
from domain.notices import notify
from domain.orders import Order
from domain.subscriptions import Subscription
from domain.work import Work


def receipt(work: Work, order: Order, subscription: Subscription) -> None:
    """The order is paid: the receipt with the invoice goes to the billing address."""
    parameters = {
        "total": order.quoted.total,
        "plan": subscription.plan,
        "period_end": subscription.period_end,
    }
    notify(work, "receipt", f"order:{order.id}", parameters, order_id=order.id)


def renewal_ahead(work: Work, subscription: Subscription, on: datetime, amount: Money) -> None:
    """A renewal will be charged."""
    parameters = {"on": on, "amount": amount, "plan": subscription.plan}
    notify(work, "renewal_ahead", cycle(subscription), parameters)


def renewal_failed(
    work: Work, order: Order, decline: Decline, number: int, next_try_at: datetime | None
) -> None:
    """A renewal's charge failed: why, in plain words, and what to do."""
    subscription = work.subscription
    parameters = {
        "reason_code": decline.code,
        "amount": order.money_due,
        "next_try_at": next_try_at,
        "access_until": subscription.period_end if subscription else None,
    }
    notify(work, "renewal_failed", f"order:{order.id}:charge:{number}", parameters)


def auto_renew_off(work: Work, subscription: Subscription, reason: str) -> None:
    """Auto-renew went off, and access ends."""
    parameters = {"reason": reason, "ends_at": subscription.period_end}
    notify(work, "auto_renew_off", cycle(subscription), parameters)


def expiry_warning(work: Work, subscription: Subscription, days: int) -> None:
    """The subscription ends in ``days``."""
    parameters = {"days": days, "ends_at": subscription.period_end}
    notify(work, "expiry_warning", f"{cycle(subscription)}:{days}", parameters)


def blocked(work: Work, reason: str, cause: str) -> None:
    """The account is blocked."""
    notify(work, "blocked", cause, {"reason": reason})
    tell_app(work, "account.blocked", cause)


def unblocked(work: Work, cause: str) -> None:
    """The account is active again."""
    notify(work, "unblocked", cause, {})
    tell_app(work, "account.unblocked", cause)


def refund_done(work: Work, amount: Money, cause: str, *, credit_note: int | None) -> None:
    """Money went back to the customer."""
    notify(work, "refund_done", cause, {"amount": amount}, invoice_id=credit_note)


def method_rejected(work: Work, brand: str, cause: str) -> None:
    """A card of a brand that is not taken was not saved."""
    notify(work, "method_rejected", cause, {"brand": brand})


def tell_app(work: Work, kind: str, cause: str) -> None:
    """Tell the app that an account changed; it reads the account to learn how."""
    work.want("tell_app", kind, cause, at_instant=work.now.isoformat())


def cycle(subscription: Subscription) -> str:
    """Names one period of one subscription, as a cause."""
    return f"period:{subscription.account_id}:{subscription.period_end.isoformat()}"
