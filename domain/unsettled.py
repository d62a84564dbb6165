"""What of an account has not come to its end: money on its way, and work that is not finished.

While there is any, nobody may forget whose it is (ADR 0018).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from domain import disputes, effects, inbox, orders
from domain.disputes import Dispute
from domain.effects import Effect
from domain.inbox import Event
from domain.payments import Payment
from domain.refunds import Refund
from domain.terminations import CANCEL_SUBSCRIPTION

MOVES_MONEY: Final = frozenset(
    {
        "open_checkout",
        "expire_checkout",
        "capture_checkout",
        "charge_order",
        "refund_payment",
        "settle_refund_total",
        CANCEL_SUBSCRIPTION,
    }
)
"""Effects without whose end nobody knows what the customer pays."""
UNFINISHED: Final = (*effects.PLANNED, "parked")
"""The states of an effect that is not at its end."""
SETTLED_REFUND: Final = ("succeeded", "failed")
SENTENCES: Final = {
    "order": "order {name} is open",
    "payment": "payment {name} is pending",
    "refund": "a refund of payment {name} is not settled",
    "dispute": "dispute {name} is open",
    "effect": "effect {name} ({what}) is {state}",
    "event": "event {name} is {state}",
}
"""Every kind there is, in English."""


class Unsettled(NamedTuple):
    """One thing that has to end first. ``name`` is its id or its reference at the provider (of a
    refund: its payment's); ``what`` is the kind of an effect."""

    kind: str
    name: str
    state: str = ""
    what: str = ""

    def __str__(self) -> str:
        return SENTENCES[self.kind].format_map(self._asdict())


def of(session: Session, account_id: int) -> list[Unsettled]:
    """All of it, money first."""
    return _money(session, account_id) + _work(session, account_id)


def _money(session: Session, owner: int) -> list[Unsettled]:
    order = orders.open_of(session, owner)
    found = [Unsettled("order", order.id)] if order is not None else []
    pending = select(Payment.reference).where(
        Payment.account_id == owner, Payment.state == "pending"
    )
    found += [Unsettled("payment", name) for name in session.scalars(pending)]
    returning = (
        select(Payment.reference)
        .join(Refund, Refund.payment_id == Payment.id)
        .where(Payment.account_id == owner, Refund.state.not_in(SETTLED_REFUND))
    )
    found += [Unsettled("refund", name) for name in session.scalars(returning)]
    contested = select(Dispute.reference).where(
        Dispute.account_id == owner, Dispute.state == disputes.OPEN
    )
    return found + [Unsettled("dispute", name) for name in session.scalars(contested)]


def _work(session: Session, owner: int) -> list[Unsettled]:
    planned = select(Effect.id, Effect.status, Effect.kind).where(
        Effect.account_id == owner,
        or_(
            Effect.kind.in_(MOVES_MONEY) & Effect.status.in_(UNFINISHED),
            Effect.status == "running",
        ),
    )
    found = [
        Unsettled("effect", str(number), state, kind)
        for number, state, kind in session.execute(planned)
    ]
    waiting = select(Event.id, Event.status).where(
        Event.account_id == owner, Event.status.not_in(inbox.FINISHED)
    )
    unfinished = session.execute(waiting)
    return found + [Unsettled("event", str(number), state) for number, state in unfinished]
