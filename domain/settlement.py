"""What money does when it arrives: it pays the order it names, or becomes credit (BILLING 3, 4)."""

from __future__ import annotations

from typing import Any

import msgspec

from domain import (
    access,
    accounts,
    announcements,
    batch,
    credit,
    disputes,
    invoices,
    methods,
    orders,
    payments,
    subscriptions,
    timetable,
)
from domain.errors import NotYet
from domain.facts import Method, PaymentFailed, PaymentPending, PaymentSucceeded
from domain.money import Money
from domain.orders import Order
from domain.payments import Payment
from domain.quotes import Quote
from domain.subscriptions import OURS, Subscription
from domain.work import Work


def payment_succeeded(fact: PaymentSucceeded, work: Work) -> None:
    """Money is there: record it once, pay the order it names, else keep it as credit."""
    if fact.method is not None:
        methods.save(work, fact.method, fact.customer, fact.order)
    payment = payment_of(work, fact.payment, fact.amount, fact.order)
    note_method(work, payment, fact.method)
    if payment.state == "succeeded":
        return
    order = named_order(work, fact.order or payment.order_id)
    if order is None:
        raise NotYet(f"payment {fact.payment} names no order that is known ({fact.order})")
    record_money(payment, fact, work)
    if refusal := why_not(order, fact.amount) or _run_elsewhere(work):
        keep_as_credit(work, payment, refusal, order.id)
    else:
        pay(work, order, payment)


def payment_pending(fact: PaymentPending, work: Work) -> None:
    """The customer did their part; nothing is activated until the money is there."""
    payment = payment_of(work, fact.payment, fact.amount, fact.order)
    if payments.advance(payment, "pending"):
        work.note("payment_pending", payment=fact.payment, amount=str(fact.amount))


def payment_failed(fact: PaymentFailed, work: Work) -> None:
    """A try failed. The order of a customer who is present stays open: they may try again."""
    payment = payments.find(work.session, work.provider, fact.payment)
    if payment is None and fact.amount is not None:
        payment = payment_of(work, fact.payment, fact.amount, fact.order)
    if payment is not None and payments.advance(payment, "failed"):
        payment.decline_code = fact.decline.code
        work.note("payment_failed", payment=fact.payment, code=fact.decline.code)


def pay(work: Work, order: Order, payment: Payment | None) -> None:
    """Activate what the order bought; ``payment`` None when nothing was due (BILLING 3)."""
    orders.close(order, "paid", work.now)
    quote = order.quoted
    _book_credit(work, order)
    if work.subscription is not None and work.subscription.was_announced:
        announcements.forget_warnings(work, "a new period was paid")
    subscription = _activate(work, order, quote)
    if payment is not None:
        payment.use, payment.order_id = "order", order.id
    paper = invoices.for_order(work.session, work.catalogue, work.account, order, payment)
    work.papers.append(paper)
    if batch.of(work.session) is None:
        # The receipt names the paper's row.
        work.session.flush()
    timetable.plan(work.catalogue, subscription, work.now)
    _tell(work, order, payment, subscription)
    announcements.receipt(work, order, payment, paper, subscription)
    announcements.tell_app(work, "subscription.renewed", f"order:{order.id}")
    reason = accounts.BLOCKED_FOR_EXPIRY
    access.unblock(work, reason, f"order:{order.id}", "payment received")


def _activate(work: Work, order: Order, quote: Quote) -> Subscription:
    """Begin the period that the order bought: now, or at the old end for a renewal."""
    running = work.subscription
    if order.kind == "renewal" and running is not None and running.is_running:
        subscriptions.extend(running, quote.price.amount, order.id)
        return running
    started = subscriptions.start_period(
        work.session,
        work.account.id,
        quote.target,
        start=work.now,
        net=quote.price.amount,
        currency=order.currency,
        order_id=order.id,
    )
    access.copy_block(work)
    # A payment may be contested before there is a subscription whose renewals rest.
    if disputes.any_open(work.session, work.account.id):
        subscriptions.suspend(started, work.now)
    return started


def payment_of(work: Work, reference: str, amount: Money, order_id: str | None) -> Payment:
    """The payment of that id, recorded with what is known of it when it is new."""
    payment = payments.find(work.session, work.provider, reference)
    if payment is None:
        order = work.session.get(Order, order_id) if order_id else None
        payment = Payment(
            id=batch.new_id(work.session, Payment),
            provider=work.provider,
            reference=reference,
            account_id=work.account.id,
            order_id=order.id if order else None,
            state="",
            amount=amount.amount,
            currency=amount.currency,
            created_at=work.now,
            refunded=0,
        )
        work.session.add(payment)
        batch.learn(work.session, Payment, (work.provider, reference), payment)
    return payment


def named_order(work: Work, order_id: str | None) -> Order | None:
    """The order of that id, if it is one of this account."""
    order = work.session.get(Order, order_id) if order_id else None
    return order if order is not None and order.account_id == work.account.id else None


def record_money(payment: Payment, fact: PaymentSucceeded, work: Work) -> None:
    """The money is there, as the fact says."""
    payments.advance(payment, "succeeded")
    # The last word on the amount is the fact that says the money is there.
    payment.amount, payment.currency = fact.amount.amount, fact.amount.currency
    payment.paid_at = fact.at or work.now
    payment.decline_code = None


def _method_document(method: Method) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(method)
    return {key: document[key] for key in ("kind", "brand", "last4", "expires")}


def why_not(order: Order, amount: Money) -> str | None:
    """Why the money does not pay the order, or None when it does (BILLING 3)."""
    if order.state != orders.OPEN:
        return f"order is {order.state}"
    if amount.currency != order.currency:
        return f"wrong currency: {amount.currency} instead of {order.currency}"
    if amount != order.money_due:
        return f"wrong amount: {amount} instead of {order.money_due}"
    return None


def _run_elsewhere(work: Work) -> str | None:
    """A provider runs the subscription and charges on: an order placed before that would replace
    it (ADR 12)."""
    running = work.subscription
    if running is None or not running.is_running or running.managed_by == OURS:
        return None
    if not running.auto_renew:
        return None
    return f"the subscription is run by {running.managed_by} now"


def keep_as_credit(
    work: Work,
    payment: Payment,
    reason: str,
    order_id: str | None = None,
    rule: str = "misdirected_payment",
) -> None:
    """Keep money that activates nothing as credit, and alert the operators (BILLING 3)."""
    work.session.flush()
    payment.use = "credit"
    credit.book(
        work.session,
        work.account.id,
        "misdirected_payment",
        payment.money,
        cause=f"payment:{payment.id}",
        payment_id=payment.id,
        order_id=order_id,
    )
    amount = str(payment.money)
    work.note("payment_credited", payment=payment.reference, amount=amount, reason=reason)
    subject = f"{work.provider}:{payment.reference}"
    work.alert(rule, subject, amount=amount, order=order_id, reason=reason)


def _book_credit(work: Work, order: Order) -> None:
    """Use the credit that the order was quoted with, as far as it is still there.

    A refund of the money it came from may have taken it meanwhile; the order is paid as it was
    quoted all the same, as if the refund had come a moment later, and a person is told.
    """
    quote = order.quoted
    used = min(quote.credit_used, credit.balance(work.session, work.account.id, order.currency))
    if used < quote.credit_used:
        missing = str(quote.credit_used - used)
        work.alert("refund_of_spent_credit", f"order:{order.id}", missing=missing)
    bookings = (("order", -used), ("unused_time", quote.credit_earned))
    for kind, money in bookings:
        if money:
            cause = f"order:{order.id}:{kind}"
            credit.book(work.session, work.account.id, kind, money, cause=cause, order_id=order.id)


def _tell(work: Work, order: Order, payment: Payment | None, subscription: Subscription) -> None:
    means = "credit" if payment is None else (payment.method or {}).get("kind", work.provider)
    work.note("order_paid", order=order.id, means=means, total=str(order.quoted.total))
    work.note(
        "period_started",
        plan=subscription.plan,
        agents=subscription.agents,
        start=subscription.period_start.isoformat(),
        end=subscription.period_end.isoformat(),
    )
    work.note("invoice_issued", order=order.id, total=str(order.quoted.total))


def note_method(work: Work, payment: Payment, method: Method | None) -> None:
    """Keep how it was paid; of several events of a payment only some know the card's brand."""
    if method is not None and (payment.method is None or payment.method.get("brand") is None):
        payment.method = _method_document(method)
    if method is not None and method.brand is not None and not methods.accepted(method):
        subject = f"{work.provider}:{payment.reference}"
        if method.kind == "card":
            work.alert("card_brand_not_accepted", subject, brand=method.brand)
        else:
            work.alert("means_not_accepted", subject, means=method.brand)
