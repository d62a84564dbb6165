"""Our money beside the provider's, object by object: what must be equal, and what differs.

Pure, except for the queries at the end, which find what is to be compared. An object is a payment,
a refund or a dispute, known by the provider's own id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, runtime_checkable

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import refunds, restitution
from domain.accounts import Account
from domain.disputes import Dispute
from domain.inbox import DUE_STATES, Event
from domain.money import Money
from domain.orders import Order
from domain.payments import Payment
from domain.ports import ReadingRequest
from domain.refunds import Refund

KINDS: Final = ("payment", "refund", "dispute")
"""The kinds of objects, in the order in which a round goes through them."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """An object as its provider has it now.

    ``state`` is in our words. ``refunded`` is what was given back of a payment in all, where the
    provider says it; refunds that are on their way count.
    """

    state: str
    amount: Money
    refunded: Money | None = None


class Look(msgspec.Struct, frozen=True):
    """How objects of a kind are looked up at a provider, of which the part is pure.

    ``requests`` gives the readings for an id, to be tried in order until one finds something.
    ``sighting`` takes the id and the document, and raises ``Permanent`` for one that cannot be
    understood.
    """

    requests: Callable[[str], tuple[ReadingRequest, ...]]
    sighting: Callable[[str, dict[str, Any]], Sighting]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that a provider lists: its id, what it says, and whom of ours it names."""

    reference: str
    sighting: Sighting
    order: str | None = None
    account: str | None = None


@runtime_checkable
class ListsPayments(Protocol):
    """A gateway that can list payments, besides what ``domain.ports.Gateway`` asks for."""

    def list_payments(self, since: datetime, until: datetime) -> list[Claim]:
        """Payments that were begun between the instants and came to money. Raises like every call
        of a gateway."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An object as we have it. ``refunded`` holds every total that is right for a payment: a
    provider that counts what is on its way, and one that does not, mean the same."""

    kind: str
    id: int
    provider: str
    reference: str
    account: str
    state: str
    amount: Money
    refunded: tuple[int, ...] = ()


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not equal, in words for a person."""

    kind: str
    provider: str
    reference: str
    account: str
    ours: str
    theirs: str

    @property
    def subject(self) -> str:
        """How alerts name it."""
        return f"{self.provider}:{self.reference}"


def difference(held: Held, seen: Sighting | None, unreadable: str = "") -> Difference | None:
    """How ours and theirs differ, or None; ``seen`` None: the provider has none, or one that is
    ``unreadable`` for the reason given."""
    if seen is not None and _same(held, seen):
        return None
    theirs = unreadable or "no such object"
    return Difference(
        kind=held.kind,
        provider=held.provider,
        reference=held.reference,
        account=held.account,
        ours=_told(held.amount, held.state, max(held.refunded, default=None)),
        theirs=theirs if seen is None else _told_of(seen),
    )


def unknown_here(provider: str, claim: Claim) -> Difference:
    """A payment of ours at the provider that we do not have."""
    return Difference(
        kind="payment",
        provider=provider,
        reference=claim.reference,
        account=claim.account or "?",
        ours="no such payment",
        theirs=_told_of(claim.sighting),
    )


def _same(held: Held, seen: Sighting) -> bool:
    if held.state != seen.state:
        return False
    if held.kind == "payment" and held.state != "succeeded":
        # What did not come has no amount that anybody could miss.
        return True
    if held.amount != seen.amount:
        return False
    return seen.refunded is None or not held.refunded or seen.refunded.amount in held.refunded


def _told_of(seen: Sighting) -> str:
    return _told(seen.amount, seen.state, seen.refunded.amount if seen.refunded else None)


def _told(amount: Money, state: str, refunded: int | None) -> str:
    back = f", {Money(refunded, amount.currency)} given back" if refunded else ""
    return f"{amount} {state}{back}"


class Place(msgspec.Struct, frozen=True):
    """Where a round is, as text ``payment:17``: the row of a kind after which it goes on, or the
    second (``listed``) from which on the provider's own payments are listed."""

    kind: str
    after: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.after}"


LISTED: Final = "listed"
ROUND: Final = (*KINDS, LISTED)
"""What a round goes through."""


def place(text: str) -> Place:
    """Read back what ``str`` wrote."""
    kind, _, after = text.partition(":")
    return Place(kind, int(after))


def first(session: Session, provider: str, since: datetime, kind: str = ROUND[0]) -> Place:
    """Where a round over what began since an instant comes to a kind."""
    if kind not in _TABLES:
        return Place(kind, int(since.timestamp()))
    table, began = _TABLES[kind]
    found = select(func.min(table.id)).where(table.provider == provider, began >= since)
    oldest: int | None = session.scalar(found)
    if oldest is not None:
        return Place(kind, oldest - 1)
    newest: int | None = session.scalar(select(func.max(table.id)))
    return Place(kind, newest or 0)


def after(session: Session, provider: str, since: datetime, at: Place) -> Place | None:
    """Where a round goes on that is through with a kind; None at its end."""
    position = ROUND.index(at.kind) + 1
    return first(session, provider, since, ROUND[position]) if position < len(ROUND) else None


def following(
    session: Session, provider: str, at: Place, until: datetime, limit: int
) -> list[Held]:
    """Up to ``limit`` objects after a place, begun before ``until``; those without an id or a
    state at the provider are none of its objects yet."""
    table, began = _TABLES[at.kind]
    rows = session.scalars(
        select(table)
        .where(table.id > at.after, table.provider == provider, began < until, *_known(table))
        .order_by(table.id)
        .limit(limit)
    )
    return _held(session, at.kind, list(rows))


def held(session: Session, provider: str, kind: str, reference: str) -> Held | None:
    """Our object with this id, as it is now."""
    table, _ = _TABLES[kind]
    statement = select(table).where(table.provider == provider, table.reference == reference)
    rows = session.scalars(statement.where(*_known(table)))
    return next(iter(_held(session, kind, list(rows))), None)


def strangers(session: Session, provider: str, claims: Iterable[Claim]) -> list[Claim]:
    """Payments that name an order or account of ours and are in no row here."""
    wanted = {claim.reference: claim for claim in claims}
    known = select(Payment.reference).where(
        Payment.provider == provider, Payment.reference.in_(list(wanted))
    )
    for reference in session.scalars(known):
        del wanted[reference]
    return [claim for claim in wanted.values() if _is_ours(session, claim)]


def is_under_way(session: Session, provider: str, reference: str) -> bool:
    """Whether an event about the payment still waits to be worked."""
    statement = select(Event.id).where(
        Event.provider == provider, Event.payment == reference, Event.status.in_(DUE_STATES)
    )
    return session.scalar(statement.limit(1)) is not None


_TABLES: Final[Mapping[str, tuple[Any, Any]]] = {
    "payment": (Payment, Payment.created_at),
    "refund": (Refund, Refund.requested_at),
    "dispute": (Dispute, Dispute.opened_at),
}


def _known(table: Any) -> tuple[Any, Any]:
    return table.reference.is_not(None), table.state != ""


def _held(session: Session, kind: str, rows: list[Any]) -> list[Held]:
    return [
        Held(
            kind=kind,
            id=row.id,
            provider=row.provider,
            reference=row.reference,
            account=_account(session, row),
            state=row.state,
            amount=Money(row.amount, row.currency),
            refunded=_totals(session, row) if kind == "payment" else (),
        )
        for row in rows
    ]


def _account(session: Session, row: Any) -> str:
    payment = row if isinstance(row, Payment) else session.get_one(Payment, row.payment_id)
    return session.get_one(Account, payment.account_id).ref


def _totals(session: Session, payment: Payment) -> tuple[int, ...]:
    made = refunds.of_payment(session, payment)
    standing = sum(r.amount for r in made if r.state in {"pending", "succeeded"} and not r.reversal)
    returned = restitution.refunded(made, payment.reported_total)
    return tuple(sorted({standing, returned}))


def _is_ours(session: Session, claim: Claim) -> bool:
    if claim.order is not None and session.get(Order, claim.order) is not None:
        return True
    statement = select(Account.id).where(Account.ref == claim.account)
    return claim.account is not None and session.scalar(statement) is not None
