"""Subscriptions that a provider runs itself (BILLING 4, 5): it renews and charges, we follow.

Facts are merged into ``domain.managed_subscriptions``, where order and repetition make no
difference; ``follow`` then makes the account's subscription out of what stands there and of the
present instant. docs/adr/0012-provider-run.md tells why.
"""

from __future__ import annotations

from domain import (
    announcements,
    history,
    managed_subscriptions,
    period_papers,
    periods,
    quotes,
    settlement,
)
from domain.errors import NotYet, Permanent, Refused
from domain.facts import PaymentSucceeded, Period, SubscriptionPaymentFailed, SubscriptionRead
from domain.following import TWO, follow, ours_runs
from domain.invoices import Invoice
from domain.managed_subscriptions import ManagedSubscription
from domain.orders import Order
from domain.payments import Payment
from domain.subscriptions import Target
from domain.work import Work

__all__ = ["follow", "payment_succeeded", "subscription_payment_failed", "subscription_read"]


def subscription_read(fact: SubscriptionRead, work: Work) -> None:
    """How a subscription stands at its provider.

    Raises ``Permanent`` when it is wanted and neither it nor an order says what is bought.
    """
    row = managed_subscriptions.begin(
        work.session, work.provider, fact.subscription, work.account.id
    )
    order = settlement.named_order(work, fact.order)
    if order is not None:
        row.order_id = row.order_id or order.id
    target = _target(work, fact, order)
    if target is None and row.target is None and fact.state != "incomplete":
        raise Permanent(_untold(work, fact))
    managed_subscriptions.apply(row, fact, target)
    if fact.period is not None:
        managed_subscriptions.grant(row, fact.period)
    work.session.flush()
    follow(work)


def payment_succeeded(fact: PaymentSucceeded, work: Work) -> None:
    """Money arrived: for a provider-run subscription it buys a period, else see ``settlement``.

    Raises ``NotYet`` before the subscription was read, which says what is bought.
    """
    if fact.subscription is None:
        settlement.payment_succeeded(fact, work)
        return
    row = managed_subscriptions.find(work.session, work.provider, fact.subscription)
    if row is None or row.target is None:
        raise NotYet(
            f"payment {fact.payment} is for subscription {fact.subscription}, which was not read "
            "yet, or does not say what is bought"
        )
    payment = settlement.payment_of(work, fact.payment, fact.amount, None)
    settlement.note_method(work, payment, fact.method)
    if payment.state != "succeeded":
        settlement.record_money(payment, fact, work)
        _use(work, row, row.target, fact, payment)
    elif fact.period is not None and payment.use != "credit":
        managed_subscriptions.grant(row, fact.period)
    work.session.flush()
    follow(work)


def subscription_payment_failed(fact: SubscriptionPaymentFailed, work: Work) -> None:
    """The provider could not collect. It tells the customer and tries again; what that makes of the
    subscription stands in the reading that comes with this."""
    kind = "provider_payment_failed"
    # Nothing but this line comes of it, so nothing else would tell that the event is replayed.
    if work.event_id and history.is_noted(work.session, work.account.id, kind, work.event_id):
        return
    work.note(
        kind,
        provider=work.provider,
        attempt=fact.attempt or "?",
        code=fact.decline.code,
    )


def _use(
    work: Work, row: ManagedSubscription, target: Target, fact: PaymentSucceeded, payment: Payment
) -> None:
    """Give money its use: the order that the subscription began with, a period, or credit."""
    period = fact.period or _bought(fact, work, target)
    order = settlement.named_order(work, fact.order or (None if row.paid else row.order_id))
    row.paid = True
    if order is not None and (refusal := settlement.why_not(order, fact.amount)):
        managed_subscriptions.credit_until(row, period.end)
        settlement.keep_as_credit(work, payment, refusal, order.id)
    elif order is None and ours_runs(work):
        managed_subscriptions.credit_until(row, period.end)
        reason = f"{row.subject} charged for a second subscription; ours runs on"
        settlement.keep_as_credit(work, payment, reason, rule=TWO)
    elif order is not None:
        _pay_order(work, row, order, payment, period)
    else:
        _buy_period(work, row, target, payment, period)


def _pay_order(
    work: Work, row: ManagedSubscription, order: Order, payment: Payment, period: Period
) -> None:
    """The first money pays the order; the period that it bought is run by the provider."""
    settlement.pay(work, order, payment)
    managed_subscriptions.grant(row, period, order.quoted.net.amount)
    row.currency = payment.currency
    subscription = work.subscription
    if subscription is not None:
        subscription.managed_by, subscription.managed_reference = row.provider, row.reference


def _buy_period(
    work: Work, row: ManagedSubscription, target: Target, payment: Payment, period: Period
) -> None:
    payment.use = "period"
    work.session.flush()
    paper = period_papers.issue(work, payment, target, period)
    work.papers.append(paper)
    managed_subscriptions.grant(row, period, paper.net)
    row.currency = payment.currency
    # The receipt names the paper's row.
    work.session.flush()
    _tell(work, row, payment, paper)


def _tell(work: Work, row: ManagedSubscription, payment: Payment, paper: Invoice) -> None:
    total = str(payment.money)
    work.note("period_paid", provider=row.provider, payment=payment.reference, total=total)
    announcements.period_receipt(work, row, payment, paper)


def _bought(fact: PaymentSucceeded, work: Work, target: Target) -> Period:
    """One interval from the payment on, where the provider does not say which period it pays."""
    start = fact.at or work.now
    return Period(start, periods.next_end(start, target.interval, periods.anchor_of(start)))


def _target(work: Work, fact: SubscriptionRead, order: Order | None) -> Target | None:
    """What is bought, by the metadata or the order; None when neither says. Raises ``Permanent``
    for something that is not sold."""
    agents = fact.agents or fact.quantity
    if fact.plan is None or fact.interval is None or agents is None:
        return order.quoted.target if order is not None else None
    plan = work.catalogue.plans.get(fact.plan)
    included = plan.included_conversations if plan is not None else 0
    target = Target(
        plan=fact.plan,
        interval=fact.interval,
        agents=agents,
        conversations=included if fact.conversations is None else fact.conversations,
    )
    try:
        quotes.check(work.catalogue, target)
    except Refused as refused:
        raise Permanent(
            f"subscription {fact.subscription} at {work.provider} asks for what is not sold: "
            f"{refused}; correct it there, then retry this event"
        ) from refused
    return target


def _untold(work: Work, fact: SubscriptionRead) -> str:
    said = {
        "plan": fact.plan,
        "interval": fact.interval,
        "agents": fact.agents or fact.quantity,
    }
    missing = ", ".join(name for name, value in said.items() if value is None)
    return (
        f"subscription {fact.subscription} at {work.provider} does not say what is bought "
        f"({missing}) and names no order of this account; add it there as docs/providers.md "
        '("Subscriptions run by the provider") tells, then retry this event'
    )
