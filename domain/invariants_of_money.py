"""Queries of ``domain.invariants`` about orders, payments, papers and credit.

Each gives rows of subject and detail for what should not be. What else a row needs is joined by
keys and summed up per row of the table that the query begins with: so the planner reads a whole
store once, and only the rows of some accounts when it is asked about those (ADR 0020).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, literal, or_, select, union
from sqlalchemy.orm import aliased

from domain.accounts import Account
from domain.catalogue import Catalogue
from domain.credit import CreditEntry
from domain.findings import Findings, account, named, payment
from domain.invoices import CREDIT_NOTE, INVOICE, Invoice, NumberSeries
from domain.orders import Order
from domain.payments import Payment
from domain.subscriptions import OURS, Subscription


def paid_order_incomplete(_at: datetime, _catalogue: Catalogue) -> Findings:
    """Invariant 1. The subscription names the order that bought its period, or a later one."""
    buyer = aliased(Order)
    without_invoice = Invoice.id.is_(None)
    outdated = or_(buyer.id.is_(None), buyer.state != "paid", buyer.closed_at < Order.closed_at)
    unchanged = or_(
        Subscription.account_id.is_(None), and_(Subscription.managed_by == OURS, outdated)
    )
    missing = case((without_invoice, "no invoice"), else_="no subscription change")
    paper = and_(Invoice.kind == INVOICE, Invoice.cause == literal("order:") + Order.id)
    return (
        select(named("order ", Order.id), named("paid, but there is ", missing))
        .outerjoin(Invoice, paper)
        .outerjoin(Subscription, Subscription.account_id == Order.account_id)
        .outerjoin(buyer, buyer.id == Subscription.order_id)
        .where(Order.state == "paid", or_(without_invoice, unchanged))
    )


def money_unaccounted_for(_at: datetime, _catalogue: Catalogue) -> Findings:
    """Invariant 2."""
    invoiced = exists().where(Invoice.payment_id == Payment.id, Invoice.kind == INVOICE)
    credited = exists().where(
        # By the account, too: the ledger's index begins with it.
        CreditEntry.account_id == Payment.account_id,
        CreditEntry.payment_id == Payment.id,
    )
    return select(
        payment(), named("nothing was made of ", Payment.amount, " ", Payment.currency)
    ).where(Payment.state == "succeeded", Payment.refunded < Payment.amount, ~invoiced, ~credited)


def payment_invoiced_twice(_at: datetime, _catalogue: Catalogue) -> Findings:
    """Invariant 3."""
    many = func.count(Invoice.id)
    return (
        select(payment(), named("has ", many, " invoices"))
        .join(Invoice, and_(Invoice.payment_id == Payment.id, Invoice.kind == INVOICE))
        .group_by(Payment.id)
        .having(many > 1)
    )


def credit_negative(_at: datetime, _catalogue: Catalogue) -> Findings:
    """Invariant 6."""
    total = func.sum(CreditEntry.amount)
    return (
        select(account(), named("its credit is ", total, " ", CreditEntry.currency))
        .join(CreditEntry, CreditEntry.account_id == Account.id)
        .group_by(Account.id, CreditEntry.currency)
        .having(total < 0)
    )


def numbers_broken(_at: datetime, _catalogue: Catalogue) -> Findings:
    """Invariant 7: the positions of a series are 1, 2, … up to the counter."""
    proof = series().subquery()
    gapless = and_(
        proof.c.counter == proof.c.papers,
        or_(proof.c.papers == 0, and_(proof.c.first == 1, proof.c.last == proof.c.papers)),
        proof.c.papers == proof.c.different,
    )
    return select(
        named("series ", proof.c.series),
        named(
            *(proof.c.papers, " papers with the numbers ", func.coalesce(proof.c.first, 0)),
            *(" to ", func.coalesce(proof.c.last, 0), ", counter at ", proof.c.counter),
        ),
    ).where(~gapless)


def series() -> Select[*tuple[Any, ...]]:
    """The proof of every number series: its name, how many papers, the first and last number, how
    many different ones, and the counter."""
    names = union(select(Invoice.series), select(NumberSeries.series)).subquery()
    papers = (
        select(
            Invoice.series,
            func.count(Invoice.position).label("papers"),
            func.min(Invoice.position).label("first"),
            func.max(Invoice.position).label("last"),
            func.count(Invoice.position.distinct()).label("different"),
        )
        .group_by(Invoice.series)
        .subquery()
    )
    return (
        select(
            names.c.series,
            func.coalesce(papers.c.papers, 0).label("papers"),
            papers.c.first,
            papers.c.last,
            func.coalesce(papers.c.different, 0).label("different"),
            func.coalesce(NumberSeries.last, 0).label("counter"),
        )
        .outerjoin(papers, papers.c.series == names.c.series)
        .outerjoin(NumberSeries, NumberSeries.series == names.c.series)
        .order_by(names.c.series)
    )


def refunded_too_much(_at: datetime, _catalogue: Catalogue) -> Findings:
    """Invariant 8."""
    detail = named("refunded ", Payment.refunded, " of ", Payment.amount, " ", Payment.currency)
    return select(payment(), detail).where(
        or_(Payment.refunded > Payment.amount, Payment.refunded < 0)
    )


def paper_unnumbered(_at: datetime, _catalogue: Catalogue) -> Findings:
    """A paper is made and numbered in one transaction (BILLING 8)."""
    return select(
        named("paper ", Invoice.id), named("has no number in series ", Invoice.series)
    ).where(or_(Invoice.number.is_(None), Invoice.position.is_(None)))


def order_paid_by_another(_at: datetime, _catalogue: Catalogue) -> Findings:
    """Resolution by metadata must never mix two accounts."""
    return (
        select(payment(), named("is another account's than order ", Order.id))
        .join(Order, Order.id == Payment.order_id)
        .where(Order.account_id != Payment.account_id)
    )


def paid_without_money(_at: datetime, _catalogue: Catalogue) -> Findings:
    """Money is never believed twice, and nothing is activated without it (BILLING 3)."""
    used = and_(Payment.order_id == Order.id, Payment.use == "order", Payment.state == "succeeded")
    many = func.count(Payment.id)
    wrong = or_(func.min(Payment.amount) != Order.due, func.min(Payment.currency) != Order.currency)
    return (
        select(named("order ", Order.id), named("paid by ", many, " payments, due ", Order.due))
        .outerjoin(Payment, used)
        .where(Order.state == "paid", Order.due > 0)
        .group_by(Order.id)
        .having(or_(many != 1, wrong))
    )


def refund_undocumented(_at: datetime, _catalogue: Catalogue) -> Findings:
    """The credit notes of a payment add up to what was given back of it (BILLING 7). Money that
    had become credit has none: the ledger tells of it."""
    credited = func.coalesce(func.sum(Invoice.total), 0)
    return (
        select(payment(), named("refunded ", Payment.refunded, ", credit notes over ", credited))
        .outerjoin(Invoice, and_(Invoice.payment_id == Payment.id, Invoice.kind == CREDIT_NOTE))
        .where(func.coalesce(Payment.use, "") != "credit")
        .group_by(Payment.id)
        .having(credited != Payment.refunded)
    )
