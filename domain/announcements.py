"""What the customer and the app are told when something happened, each once per cause."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain import effects, timetable
from domain.facts import Decline
from domain.invoices import Invoice
from domain.mails import kinds
from domain.managed_subscriptions import ManagedSubscription
from domain.money import Money
from domain.notices import EFFECT, notify
from domain.orders import Order
from domain.payments import Payment
from domain.subscriptions import Subscription
from domain.work import Work


def receipt(
    work: Work, order: Order, payment: Payment | None, invoice: Invoice, bought: Subscription
) -> None:
    """The order is paid: the receipt goes out with the invoice."""
    parameters = kinds.Receipt(
        total=order.quoted.total,
        paid=order.money_due,
        plan=work.catalogue.plan_title(bought.plan),
        interval="year" if bought.interval == "year" else "month",
        agents=bought.agents,
        period_end=bought.period_end,
        auto_renew=bought.auto_renew,
        means=means(payment.method if payment else None),
    )
    notify(work, "receipt", f"order:{order.id}", parameters, invoice_id=invoice.id)


def period_receipt(
    work: Work, row: ManagedSubscription, payment: Payment, invoice: Invoice
) -> None:
    """A provider collected a period of a subscription that it runs: the receipt goes out."""
    target, end = row.target, row.period_end
    if target is None or end is None:
        return
    parameters = kinds.Receipt(
        total=payment.money,
        paid=payment.money,
        plan=work.catalogue.plan_title(target.plan),
        interval="year" if target.interval == "year" else "month",
        agents=target.agents,
        period_end=end,
        auto_renew=row.goes_on,
        means=means(payment.method),
    )
    notify(work, "receipt", f"payment:{payment.id}", parameters, invoice_id=invoice.id)


def means(method: Mapping[str, Any] | None) -> kinds.Means | None:
    """How something was paid, for a mail."""
    if method is None:
        return None
    return kinds.Means(kind=method["kind"], brand=method.get("brand"), last4=method.get("last4"))


def renewal_failed(
    work: Work, order: Order, decline: Decline, number: int, next_try_at: datetime | None
) -> None:
    """A renewal's charge failed: why, in plain words, and what to do."""
    subscription = work.subscription
    if subscription is None:
        return
    parameters = kinds.RenewalFailed(
        reason_code=decline.code,
        amount=order.money_due,
        next_try_at=next_try_at,
        access_until=timetable.last_moment(work.catalogue, subscription),
    )
    notify(work, "renewal_failed", f"order:{order.id}:charge:{number}", parameters)


def auto_renew_off(work: Work, subscription: Subscription, reason: str) -> None:
    """Auto-renew went off, and access ends."""
    ends_at = timetable.last_moment(work.catalogue, subscription)
    parameters = kinds.AutoRenewOff(reason=reason, ends_at=ends_at)
    notify(work, "auto_renew_off", f"{cycle(subscription)}:{work.now.isoformat()}", parameters)


def expiry_warning(work: Work, subscription: Subscription, days: int) -> None:
    """The subscription ends in ``days``."""
    parameters = kinds.ExpiryWarning(days=days, ends_at=subscription.period_end)
    notify(work, "expiry_warning", f"{cycle(subscription)}:{days}", parameters)


def renewal_ahead(
    work: Work,
    subscription: Subscription,
    amount: Money,
    on: datetime,
    method: kinds.Means | None,
) -> None:
    """The subscription will renew itself, and ``amount`` be charged on that day."""
    parameters = kinds.RenewalAhead(
        on=on,
        amount=amount,
        plan=work.catalogue.plan_title(subscription.plan),
        method=method,
    )
    notify(work, "renewal_ahead", cycle(subscription), parameters)


def forget_reminder(work: Work, why: str) -> None:
    """A reminder of a renewal that was not sent yet is overtaken."""
    effects.overtake(work.session, work.account.id, EFFECT, "renewal_ahead", why)


def forget_warnings(work: Work, why: str) -> None:
    """Warnings and reminders that were not sent yet are overtaken (BILLING 6)."""
    effects.overtake(work.session, work.account.id, EFFECT, "expiry_warning", why)
    forget_reminder(work, why)


def blocked(work: Work, reason: str, cause: str) -> None:
    """The account is blocked."""
    notify(work, "blocked", cause, kinds.Blocked(reason=reason))
    tell_app(work, "account.blocked", cause)


def unblocked(work: Work, cause: str) -> None:
    """The account is active again."""
    notify(work, "unblocked", cause, kinds.Unblocked())
    tell_app(work, "account.unblocked", cause)


def refund_done(
    work: Work, amount: Money, cause: str, *, credit_note: int | None, ended: bool = False
) -> None:
    """Money went back to the customer."""
    parameters = kinds.RefundDone(amount=amount, ended=ended)
    notify(work, "refund_done", cause, parameters, invoice_id=credit_note)


def credit_note_issued(work: Work, note: Invoice, original: Invoice) -> None:
    """A credit note was issued without a refund of ours: the customer's bank took the money."""
    amount = Money(note.total, note.currency)
    parameters = kinds.CreditNoteIssued(amount=amount, invoice=original.number)
    notify(work, "credit_note_issued", note.cause, parameters, invoice_id=note.id)


def method_rejected(work: Work, brand: str | None, cause: str) -> None:
    """A card of a brand that is not taken was not saved."""
    notify(work, "method_rejected", cause, kinds.MethodRejected(brand=brand))


def tell_app(work: Work, kind: str, cause: str) -> None:
    """Tell the app that an account changed; it reads the account to learn how."""
    work.want("tell_app", kind, cause, at_instant=work.now.isoformat())


def cycle(subscription: Subscription) -> str:
    """Names one period of one subscription, as a cause."""
    return f"period:{subscription.account_id}:{subscription.period_end.isoformat()}"
