"""What must hold whatever happens (BILLING 10), each as one query that must find nothing.

Run by tests after every scenario, by ``billhook audit``, and by the clock in production: there
about the accounts that something happened to, and about all of them in a round (ADR 0020). Every
invariant is a single statement, so that what it sees is one moment of the database, and names at
most ``MOST`` violations. The module ends with the table ``INVARIANTS``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final

import msgspec
from sqlalchemy import Select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from domain import clock, invariants_of_money, invariants_of_time
from domain.accounts import Account
from domain.catalogue import Catalogue
from domain.findings import Findings
from domain.invoices import Invoice
from domain.orders import Order
from domain.payments import Payment

MOST: Final = 100
SERIES: Final = "numbers_gapless"
"""The invariant of the number series, which are nobody's."""

Query = Callable[[datetime, Catalogue], Findings]
"""Gives the query that finds what is wrong at an instant."""
Due = Callable[[datetime], Select[int]]
"""Gives the accounts of which something may be wrong at an instant without a change that can be
followed: because time went by. An index holds no others."""
Whose = ColumnElement[int]


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that should not be: the invariant's name, whom or what it concerns, and how."""

    invariant: str
    subject: str
    detail: str
    account_id: int | None = None

    def __str__(self) -> str:
        return f"{self.invariant}: {self.subject}: {self.detail}"


class Invariant(msgspec.Struct, frozen=True):
    """``number`` is the one of BILLING 10, and goes on from there; ``sentence`` is what holds.

    ``whose`` is the column of the query's rows that says whose account they are: every row belongs
    to one, so a question about some accounts is the same query with that column restricted, and
    its answers about all accounts, one after the other, are the answer about the whole. Without
    the column it is asked as a whole alone, and reads no more than an index of what is unfinished.
    """

    number: int
    sentence: str
    query: Query
    whose: Whose | None = None
    due: Due | None = None

    def find(
        self,
        session: Session,
        at: datetime,
        catalogue: Catalogue,
        among: Collection[int] | None = None,
    ) -> Iterator[tuple[str, str, int | None]]:
        """Subject, detail and account of up to ``MOST`` violations as of ``at``, of anybody or
        ``among`` some accounts."""
        query: Select[*tuple[Any, ...]] = self.query(at, catalogue)
        if self.whose is not None:
            query = query.add_columns(self.whose)
        if self.whose is None or among is None:
            query = query.limit(MOST)
        else:
            # Without the limit: for its sake a planner walks a whole table in the order of a key.
            query = query.where(self.whose.in_(among))
        for subject, detail, *account in islice(session.execute(query), MOST):
            yield str(subject), str(detail), account[0] if account else None


def violations(
    session: Session,
    name: str,
    catalogue: Catalogue,
    at: datetime | None = None,
    *,
    among: Collection[int] | None = None,
) -> list[Violation]:
    """The violations of one invariant as of ``at`` (now), of anybody or ``among`` some accounts."""
    found = INVARIANTS[name].find(session, at or clock.now(), catalogue, among)
    return [Violation(invariant=name, subject=s, detail=d, account_id=a) for s, d, a in found]


def broken(
    session: Session,
    catalogue: Catalogue,
    at: datetime | None = None,
    *,
    among: Collection[int] | None = None,
) -> list[Violation]:
    """Every violation of every invariant as of ``at`` (now); ``among`` some accounts, of those
    invariants that are about accounts."""
    return [
        each
        for name, invariant in INVARIANTS.items()
        if among is None or invariant.whose is not None
        for each in violations(session, name, catalogue, at, among=among)
    ]


def _numbered() -> Iterator[tuple[str, Invariant]]:
    for number, (name, sentence, query, *about) in enumerate(_TABLE, 1):
        yield name, Invariant(number, sentence, query, *about)


_TABLE: Final[tuple[tuple[Any, ...], ...]] = (
    # BILLING 10, in its order
    (
        "paid_order_complete",
        "A paid order has its subscription change and its invoice.",
        invariants_of_money.paid_order_incomplete,
        Order.account_id,
    ),
    (
        "money_accounted_for",
        "A captured payment has an invoice, a credit entry or a refund.",
        invariants_of_money.money_unaccounted_for,
        Payment.account_id,
    ),
    (
        "one_invoice_per_payment",
        "No payment has two invoices.",
        invariants_of_money.payment_invoiced_twice,
        Payment.account_id,
    ),
    (
        "access_is_paid",
        "No account is active whose period is over beyond the grace.",
        invariants_of_time.access_unpaid,
        Account.id,
        invariants_of_time.periods_over,
    ),
    (
        "block_has_cause",
        "An account is blocked only while the reason holds.",
        invariants_of_time.block_without_cause,
        Account.id,
    ),
    (
        "credit_not_negative",
        "No account has negative credit.",
        invariants_of_money.credit_negative,
        Account.id,
    ),
    (
        "numbers_gapless",
        "No number series has a hole or a duplicate.",
        invariants_of_money.numbers_broken,
    ),
    (
        "refunds_within_payment",
        "No more is refunded than was paid.",
        invariants_of_money.refunded_too_much,
        Payment.account_id,
    ),
    (
        "events_move_on",
        "An event that is unfinished for 5 minutes has a planned retry.",
        invariants_of_time.event_stuck,
    ),
    (
        "effects_move_on",
        "A wanted effect is done, planned or parked.",
        invariants_of_time.effect_stuck,
    ),
    # What follows from the other sections
    (
        "block_explained",
        "A blocked account has a reason and a time, and no other account has.",
        invariants_of_time.block_unexplained,
        Account.id,
    ),
    (
        "running_is_planned",
        "A running subscription has a moment at which the clock looks at it next.",
        invariants_of_time.running_unplanned,
        Account.id,
        invariants_of_time.plans_forgotten,
    ),
    (
        "papers_numbered",
        "Every invoice and credit note has its number.",
        invariants_of_money.paper_unnumbered,
        Invoice.account_id,
    ),
    (
        "own_money",
        "An order is paid by its own account.",
        invariants_of_money.order_paid_by_another,
        Payment.account_id,
    ),
    (
        "paid_by_money",
        "A paid order with something due was paid by one payment of that amount.",
        invariants_of_money.paid_without_money,
        Order.account_id,
    ),
    (
        "refunds_documented",
        "The credit notes of a payment add up to what was given back of it.",
        invariants_of_money.refund_undocumented,
        Payment.account_id,
    ),
)

INVARIANTS: Final[dict[str, Invariant]] = dict(_numbered())
