"""What must hold whatever happens (BILLING 10), each as one query that must find nothing.

Run by tests after every scenario, by ``billhook audit``, and by the clock in production. Every
invariant is a single statement, so that what it sees is one moment of the database, and names at
most ``MOST`` violations. The module ends with the table ``INVARIANTS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy.orm import Session

from domain import clock, invariants_of_money, invariants_of_time
from domain.catalogue import Catalogue
from domain.findings import Findings

MOST: Final = 100

Query = Callable[[datetime, Catalogue], Findings]
"""Gives the query that finds what is wrong at an instant."""


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that should not be: the invariant's name, whom or what it concerns, and how."""

    invariant: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.subject}: {self.detail}"


class Invariant(msgspec.Struct, frozen=True):
    """``number`` is the one of BILLING 10, and goes on from there; ``sentence`` is what holds."""

    number: int
    sentence: str
    query: Query

    def find(self, session: Session, at: datetime, catalogue: Catalogue) -> list[tuple[str, str]]:
        """Subject and detail of up to ``MOST`` violations as of ``at``."""
        rows = session.execute(self.query(at, catalogue).limit(MOST))
        return [(str(subject), str(detail)) for subject, detail in rows]


def violations(
    session: Session, name: str, catalogue: Catalogue, at: datetime | None = None
) -> list[Violation]:
    """The violations of one invariant as of ``at`` (now)."""
    found = INVARIANTS[name].find(session, at or clock.now(), catalogue)
    return [Violation(invariant=name, subject=s, detail=d) for s, d in found]


def broken(session: Session, catalogue: Catalogue, at: datetime | None = None) -> list[Violation]:
    """Every violation of every invariant as of ``at`` (now)."""
    return [each for name in INVARIANTS for each in violations(session, name, catalogue, at)]


def _numbered() -> Iterator[tuple[str, Invariant]]:
    for number, (name, sentence, query) in enumerate(_TABLE, 1):
        yield name, Invariant(number, sentence, query)


_TABLE: Final[tuple[tuple[str, str, Query], ...]] = (
    # BILLING 10, in its order
    (
        "paid_order_complete",
        "A paid order has its subscription change and its invoice.",
        invariants_of_money.paid_order_incomplete,
    ),
    (
        "money_accounted_for",
        "A captured payment has an invoice, a credit entry or a refund.",
        invariants_of_money.money_unaccounted_for,
    ),
    (
        "one_invoice_per_payment",
        "No payment has two invoices.",
        invariants_of_money.payment_invoiced_twice,
    ),
    (
        "access_is_paid",
        "No account is active whose period is over beyond the grace.",
        invariants_of_time.access_unpaid,
    ),
    (
        "block_has_cause",
        "An account is blocked only while the reason holds.",
        invariants_of_time.block_without_cause,
    ),
    (
        "credit_not_negative",
        "No account has negative credit.",
        invariants_of_money.credit_negative,
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
    ),
    (
        "running_is_planned",
        "A running subscription has a moment at which the clock looks at it next.",
        invariants_of_time.running_unplanned,
    ),
    (
        "papers_numbered",
        "Every invoice and credit note has its number.",
        invariants_of_money.paper_unnumbered,
    ),
    (
        "own_money",
        "An order is paid by its own account.",
        invariants_of_money.order_paid_by_another,
    ),
    (
        "paid_by_money",
        "A paid order with something due was paid by one payment of that amount.",
        invariants_of_money.paid_without_money,
    ),
    (
        "refunds_documented",
        "The credit notes of a payment add up to what was given back of it.",
        invariants_of_money.refund_undocumented,
    ),
)

INVARIANTS: Final[dict[str, Invariant]] = dict(_numbered())
