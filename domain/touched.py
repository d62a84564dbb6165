"""Which accounts something happened to, told by the numbers of the rows that only ever grow.

Whatever changes an account's books leaves at least one new row of these tables in the same
transaction: the line in the history, the try at an event or an effect, the payment, the paper. Each
table is gone through in pieces, every row once, ``SETTLED`` after it was written. (ADR 0020)
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from domain import marks
from domain.accounts import Account
from domain.credit import CreditEntry
from domain.disputes import Dispute
from domain.effects import Effect
from domain.history import HistoryEntry
from domain.inbox import Attempt, Event
from domain.invoices import Invoice
from domain.marks import Mark
from domain.payments import Payment
from domain.refunds import Refund

SETTLED: Final = timedelta(seconds=30)
"""How old a row must be to be followed: longer than a transaction takes that writes one. What is
written by one that took longer may be missed here, and is found by the round."""
STEP: Final = 1000
"""Rows of each table that are followed in one transaction."""


class Trace(NamedTuple):
    """A table whose new rows tell of accounts: its growing number, when a row was written, and the
    query for the rows' accounts."""

    number: Any
    at: Any
    accounts: Select[Any]


_TRIED: Final = (
    select(func.coalesce(Effect.account_id, Event.account_id))
    .select_from(Attempt)
    .outerjoin(Effect, Effect.id == Attempt.effect_id)
    .outerjoin(Event, Event.id == Attempt.event_id)
)
_REFUNDED: Final = select(Payment.account_id).join(Refund, Refund.payment_id == Payment.id)

TRACES: Final[dict[str, Trace]] = {
    "accounts": Trace(Account.id, Account.created_at, select(Account.id)),
    "history": Trace(HistoryEntry.id, HistoryEntry.at, select(HistoryEntry.account_id)),
    "attempts": Trace(Attempt.id, Attempt.at, _TRIED),
    "effects": Trace(Effect.id, Effect.created_at, select(Effect.account_id)),
    "payments": Trace(Payment.id, Payment.created_at, select(Payment.account_id)),
    "invoices": Trace(Invoice.id, Invoice.issued_at, select(Invoice.account_id)),
    "credit": Trace(CreditEntry.id, CreditEntry.at, select(CreditEntry.account_id)),
    "refunds": Trace(Refund.id, Refund.requested_at, _REFUNDED),
    "disputes": Trace(Dispute.id, Dispute.opened_at, select(Dispute.account_id)),
}


class Touched(NamedTuple):
    """Accounts in order, and whether there may be more."""

    accounts: list[int]
    more: bool


def next_accounts(session: Session) -> Touched:
    """The accounts of the next piece of every table; each piece is given once, by transactions that
    are committed."""
    accounts: set[int] = set()
    more = False
    for name, trace in TRACES.items():
        mark = _mark(session, name, trace)
        after = mark.counted_to
        piece = marks.next_piece(session, trace.number, trace.at, after, settled=SETTLED, step=STEP)
        if piece is not None:
            rows = trace.accounts.where(trace.number > after, trace.number <= piece.end).distinct()
            accounts.update(each for each in session.scalars(rows) if each is not None)
            mark.counted_to = piece.end
            more = more or piece.more
    return Touched(sorted(accounts), more)


def _mark(session: Session, name: str, trace: Trace) -> Mark:
    """A new mark stands at the end: what came before is the round's."""
    called = f"touched {name}"
    if session.get(Mark, called) is None:
        newest = session.scalar(select(func.max(trace.number)))
        return marks.of(session, called, newest or 0)
    return marks.of(session, called)
