"""What the outcome of charging a saved method means for its order (BILLING 5)."""

from __future__ import annotations

from typing import Final

from domain import methods, orders, payments, renewals, settlement
from domain.facts import Decline, MethodSaved, PaymentFailed, PaymentPending, PaymentSucceeded
from domain.orders import Order
from domain.ports import ChargeOutcome
from domain.work import Work

UNEXPLAINED: Final = Decline(code="declined", kind="soft")


def charged(
    work: Work, order: Order, outcome: ChargeOutcome, number: int, *, scheduled: bool
) -> None:
    """Apply the outcome of the ``number``-th charge; the provider's event may have come first."""
    if outcome.status == "failed":
        _failed(work, order, outcome, number, scheduled=scheduled)
    elif outcome.payment is not None:
        _moved(work, order, outcome, number, scheduled=scheduled)


def payment_failed(fact: PaymentFailed, work: Work) -> None:
    """The rule for a failed payment: one that was pending fails its renewal, too.

    The failure of a charge that we made ourselves is known from its answer; only when that answer
    was "pending" does the event bring the news.
    """
    payment = payments.find(work.session, work.provider, fact.payment)
    was_pending = payment is not None and payment.state == "pending"
    settlement.payment_failed(fact, work)
    order = work.session.get(Order, fact.order) if fact.order else None
    subscription = work.subscription
    if was_pending and order is not None and order.kind == "renewal" and subscription is not None:
        number = subscription.renewal_charges
        renewals.failed(work, order, fact.decline, number, scheduled=True)


def _moved(
    work: Work, order: Order, outcome: ChargeOutcome, number: int, *, scheduled: bool
) -> None:
    payment, amount = outcome.payment or "", outcome.amount or order.money_due
    if outcome.status == "succeeded":
        paid = PaymentSucceeded(
            payment=payment, amount=amount, order=order.id, method=outcome.method
        )
        settlement.payment_succeeded(paid, work)
    else:
        held = PaymentPending(payment=payment, amount=amount, order=order.id)
        _pending(work, order, held, number, scheduled=scheduled)


def _failed(
    work: Work, order: Order, outcome: ChargeOutcome, number: int, *, scheduled: bool
) -> None:
    decline = outcome.decline or UNEXPLAINED
    if outcome.payment is not None:
        fact = PaymentFailed(
            payment=outcome.payment, decline=decline, amount=order.money_due, order=order.id
        )
        settlement.payment_failed(fact, work)
    if order.kind == "renewal":
        renewals.failed(work, order, decline, number, scheduled=scheduled)
    elif orders.close(order, "failed", work.now, decline.code):
        work.note("order_failed", order=order.id, reason=decline.code)


def _pending(
    work: Work, order: Order, fact: PaymentPending, number: int, *, scheduled: bool
) -> None:
    known = payments.find(work.session, work.provider, fact.payment)
    if known is not None and known.state == "failed":
        # The event that it failed came before the answer that it was pending.
        code = known.decline_code or UNEXPLAINED.code
        decline = Decline(code=code, kind="soft")
        if order.kind == "renewal":
            renewals.failed(work, order, decline, number, scheduled=scheduled)
        return
    settlement.payment_pending(fact, work)


def method_saved_rule(fact: MethodSaved, work: Work) -> None:
    """A method was saved: keep it, and try a failing renewal with it at once."""
    methods.method_saved(fact, work)
    work.session.flush()
    renewals.try_new_method(work)
