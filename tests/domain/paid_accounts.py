"""Accounts that have paid, and what providers then report about the money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import select

from domain import accounts, clock, credit, invoices, orders, rules
from domain.alerts import Alert
from domain.disputes import Dispute
from domain.effects import Effect
from domain.facts import (
    DisputeClosed,
    DisputeOpened,
    DisputeOutcome,
    Fact,
    PaymentSucceeded,
    RefundReported,
    RefundStatus,
    RefundTotalReported,
)
from domain.invoices import Invoice
from domain.money import Money
from domain.orders import Order
from domain.payments import Payment
from domain.refunds import Refund
from domain.subscriptions import Subscription
from domain.work import Work
from tests import lives
from workers import perform_effects
from workers.runtime import Runtime

PROVIDER = "stripe"
PRICE = 118_580
"""What Standard for two agents costs by the month in Czechia, with tax."""


class Outcome(NamedTuple):
    """What an account looks like in the end."""

    refunded: int
    credit_notes: tuple[tuple[int, int, int], ...]
    refunds: tuple[tuple[str | None, str, bool], ...]
    disputes: tuple[tuple[str, str], ...]
    subscription: str
    suspended: bool
    blocked: str | None
    alerts: tuple[tuple[str, str], ...]


def paid(runtime: Runtime, ref: str = "acme", payment: str = "pay_1", **target: Any) -> None:
    """An account, made if need be, buys something and pays for it."""
    with runtime.database.transaction() as session:
        is_known = session.scalar(select(accounts.Account).where(accounts.Account.ref == ref))
    if is_known is None:
        lives.account(runtime, ref)
    order = lives.order(runtime, ref, PROVIDER, **target)
    tell(
        runtime,
        PaymentSucceeded(payment=payment, amount=order.money_due, order=order.id),
        ref=ref,
    )


def overpaid(runtime: Runtime, amount: int, ref: str = "acme", payment: str = "pay_1") -> None:
    """An account pays the wrong amount, which becomes credit."""
    lives.account(runtime, ref)
    order = lives.order(runtime, ref, PROVIDER)
    tell(
        runtime,
        PaymentSucceeded(payment=payment, amount=Money(amount, "CZK"), order=order.id),
        ref=ref,
    )
    with runtime.database.transaction() as session:
        orders.close(session.get_one(Order, order.id), "expired", clock.now())


def tell(runtime: Runtime, *facts: Fact, ref: str = "acme") -> None:
    """Apply facts as the worker would, in one transaction."""

    def apply(work: Work) -> None:
        for fact in facts:
            rules.apply(fact, work)

    working(runtime, apply, ref)


def working(runtime: Runtime, job: Callable[[Work], Any], ref: str = "acme") -> Any:
    """Do something under the account's lock, and commit."""
    with runtime.database.transaction() as session:
        account = accounts.lock(session, ref)
        work = Work(session, runtime.catalogue, account, provider=PROVIDER)
        result = job(work)
        session.flush()
        invoices.number_all(session, work.papers)
        return result


def perform(runtime: Runtime, kind: str) -> list[str]:
    """Perform every effect of a kind now, whenever it is due; gives what became of them."""
    with runtime.database.transaction() as session:
        due = list(session.scalars(select(Effect).where(Effect.kind == kind).order_by(Effect.id)))
        due = [effect for effect in due if effect.status in {"wanted", "waiting", "running"}]
        for effect in due:
            effect.status, effect.attempts = "running", effect.attempts + 1
    for effect in due:
        perform_effects.perform_one(runtime, effect)
    with runtime.database.transaction() as session:
        return [session.get_one(Effect, effect.id).status for effect in due]


def refund(
    name: str, amount: int, status: RefundStatus = "succeeded", payment: str = "pay_1", **more: Any
) -> RefundReported:
    """One refund reported."""
    return RefundReported(
        refund=name, payment=payment, amount=Money(amount, "CZK"), status=status, **more
    )


def total(amount: int, payment: str = "pay_1") -> RefundTotalReported:
    """A total reported."""
    return RefundTotalReported(payment=payment, total=Money(amount, "CZK"))


def opened(name: str = "dp_1", amount: int = PRICE, payment: str = "pay_1") -> DisputeOpened:
    """A dispute opened."""
    return DisputeOpened(dispute=name, payment=payment, amount=Money(amount, "CZK"))


def closed(
    outcome: DisputeOutcome, name: str = "dp_1", amount: int = PRICE, payment: str = "pay_1"
) -> DisputeClosed:
    """A dispute closed."""
    money = Money(amount, "CZK")
    return DisputeClosed(dispute=name, payment=payment, amount=money, outcome=outcome)


def outcome(runtime: Runtime, ref: str = "acme") -> Outcome:
    """The account as it stands, without what depends on the order of arrival."""
    with runtime.database.transaction() as session:
        account = accounts.find(session, ref)
        payments = session.scalars(select(Payment).where(Payment.account_id == account.id)).all()
        ids = [payment.id for payment in payments]
        notes = session.scalars(
            select(Invoice).where(Invoice.payment_id.in_(ids), Invoice.kind == "credit_note")
        )
        made = session.scalars(select(Refund).where(Refund.payment_id.in_(ids)))
        contested = session.scalars(select(Dispute).where(Dispute.account_id == account.id))
        alerts = session.scalars(select(Alert).where(Alert.state == "open"))
        subscription = session.get(Subscription, account.id)
        return Outcome(
            refunded=sum(payment.refunded for payment in payments),
            credit_notes=tuple(sorted((note.net, note.vat, note.total) for note in notes)),
            refunds=tuple(sorted((str(r.reference), r.state, r.returned) for r in made)),
            disputes=tuple(sorted((d.reference, d.state) for d in contested)),
            subscription=subscription.state if subscription else "none",
            suspended=subscription.renewals_suspended if subscription else False,
            blocked=account.blocked_reason,
            alerts=tuple(
                sorted((a.rule, a.subject) for a in alerts if a.details.get("account") == ref)
            ),
        )


def alerts_of(runtime: Runtime) -> list[tuple[str, str]]:
    """Every open alert: rule and subject."""
    with runtime.database.transaction() as session:
        rows = session.scalars(select(Alert).where(Alert.state == "open").order_by(Alert.id))
        return [(alert.rule, alert.subject) for alert in rows]


def credit_of(runtime: Runtime, ref: str = "acme") -> int:
    """The account's credit in minor units."""
    with runtime.database.transaction() as session:
        account = accounts.find(session, ref)
        return credit.balance(session, account.id, account.currency).amount
