"""Refunds: money of a payment that is given back, by us or in the provider's own pages (BILLING 7).

A refund that we make is wanted here, under the account's lock; an effect then asks the provider.
What follows from its success stands in ``domain.moneyback``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock, effects, refund_checks
from domain.database import Base, BigId
from domain.errors import Refused
from domain.money import Money
from domain.payments import Payment
from domain.work import Work

REFUND_PAYMENT: Final = "refund_payment"
"""The effect that asks the provider."""
CUSTOMER: Final = "customer"
ORDER_OF_STATES: Final = {"wanted": 0, "pending": 1, "succeeded": 2, "failed": 3}
"""A refund only moves to a state of higher order: one that succeeded may still fail, when the
bank sends the money back; never the other way round."""
UNDER_WAY: Final = ("wanted", "pending")
_LIVE: Final = text("origin = 'customer' AND state <> 'failed'")


class Refund(Base):
    """One refund of one payment, in minor units.

    ``origin`` is who wanted it: ``customer`` (the full refund after the first payment),
    ``operator``, or ``provider`` (made there, or by a bank: then ``reversal`` is set). ``key`` is
    the idempotency key of one of ours. ``returned`` says that the provider reported its success
    at some time, also when it failed afterwards: papers were issued for it.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("provider", "reference"),
        UniqueConstraint("payment_id", "idempotency_key"),
        Index("ix_refunds_payment", "payment_id"),
        Index(
            "uq_refunds_one_for_the_customer",
            "payment_id",
            unique=True,
            postgresql_where=_LIVE,
            sqlite_where=_LIVE,
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str]
    reference: Mapped[str | None]
    """The provider's id, once it is known."""
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    amount: Mapped[int]
    currency: Mapped[str]
    state: Mapped[str] = mapped_column(default="wanted")
    origin: Mapped[str]
    reason: Mapped[str | None]
    reversal: Mapped[bool] = mapped_column(default=False)
    returned: Mapped[bool] = mapped_column(default=False)
    requested_at: Mapped[datetime] = mapped_column(default=clock.now)
    settled_at: Mapped[datetime | None]
    key: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    """The caller's own key of an operator's request."""

    @property
    def money(self) -> Money:
        """The amount given back."""
        return Money(self.amount, self.currency)


def find(session: Session, provider: str, reference: str) -> Refund | None:
    """The refund of that provider and id."""
    statement = select(Refund).where(Refund.provider == provider, Refund.reference == reference)
    return session.scalar(statement)


def of_payment(session: Session, payment: Payment) -> list[Refund]:
    """Every refund of a payment, the oldest first."""
    statement = select(Refund).where(Refund.payment_id == payment.id).order_by(Refund.id)
    return list(session.scalars(statement))


def nameless(session: Session, payment: Payment, amount: int) -> Refund | None:
    """A refund of ours over ``amount`` whose id at the provider is not known yet."""
    for refund in of_payment(session, payment):
        is_ours = refund.key is not None and refund.reference is None
        if is_ours and refund.amount == amount and refund.state != "failed":
            return refund
    return None


def advance(refund: Refund, state: str, at: datetime) -> bool:
    """Note what the provider says of a refund; False when it says nothing new."""
    is_news = state == "succeeded" and not refund.returned
    refund.returned = refund.returned or is_news
    if ORDER_OF_STATES[state] > ORDER_OF_STATES[refund.state]:
        refund.state, is_news = state, True
        refund.settled_at = at if state not in UNDER_WAY else None
    return is_news


def left_of(session: Session, payment: Payment) -> Money:
    """What of a payment was neither given back nor is on its way back."""
    under_way = [r.amount for r in of_payment(session, payment) if r.state in UNDER_WAY]
    left = payment.amount - payment.refunded - sum(under_way)
    return Money(max(0, left), payment.currency)


def request_full(work: Work) -> Refund:
    """Want the customer's refund of the account's first payment, whole (BILLING 7).

    While it is under way a repetition gives the same refund. Raises ``Refused``.
    """
    paid = refund_checks.payments_for_service(work.session, work.account)
    if not paid:
        raise Refused(
            "nothing_to_refund",
            f"Account {work.account.ref!r} has paid nothing that could be refunded.",
        )
    first = paid[0]
    asked = _asked_by_customer(work.session, first)
    if asked is not None:
        return asked
    left = left_of(work.session, first)
    if not left:
        raise Refused(
            "already_refunded",
            f"The first payment of {work.account.ref!r} was refunded already.",
            payment=first.reference,
        )
    refund_checks.check_window(work, paid)
    refund_checks.check_dispute(work.session, first)
    return _want(work, first, left, CUSTOMER, "asked for by the customer")


def request(
    work: Work,
    payment: Payment,
    amount: Money | None,
    reason: str,
    idempotency_key: str | None = None,
) -> Refund:
    """Want an operator's refund of a payment: ``amount``, or all that is left of it.

    The same ``idempotency_key`` gives the same refund. Raises ``Refused``.
    """
    if repeated := _repeated(work.session, payment, idempotency_key, amount, reason):
        return repeated
    left = left_of(work.session, payment)
    wanted = left if amount is None else amount
    refund_checks.check_payment(payment)
    refund_checks.check_dispute(work.session, payment)
    refund_checks.check_amount(payment, wanted, left)
    refund_checks.check_credit(work, payment, wanted)
    return _want(work, payment, wanted, "operator", reason, idempotency_key)


def _asked_by_customer(session: Session, payment: Payment) -> Refund | None:
    refunds = of_payment(session, payment)
    asked = (r for r in refunds if r.origin == CUSTOMER and r.state in UNDER_WAY)
    return next(asked, None)


def _repeated(
    session: Session, payment: Payment, key: str | None, amount: Money | None, reason: str
) -> Refund | None:
    refunds = of_payment(session, payment) if key is not None else []
    refund = next((r for r in refunds if r.idempotency_key == key), None)
    if refund is None:
        return None
    if refund.reason != reason or amount not in {None, refund.money}:
        raise Refused(
            "idempotency_key_reused",
            f"Idempotency-Key {key!r} was used for another refund ({refund.id}) of this payment; "
            "use a new key for a new refund.",
            status=422,
        )
    return refund


def _want(
    work: Work,
    payment: Payment,
    amount: Money,
    origin: str,
    reason: str,
    idempotency_key: str | None = None,
) -> Refund:
    refund = Refund(
        provider=payment.provider,
        payment_id=payment.id,
        amount=amount.amount,
        currency=amount.currency,
        state="wanted",
        origin=origin,
        reason=reason,
        requested_at=work.now,
        idempotency_key=idempotency_key,
    )
    work.session.add(refund)
    work.session.flush()
    cause = f"refund:{refund.id}"
    refund.key = effects.key_of(cause, REFUND_PAYMENT, payment.reference)
    work.want(REFUND_PAYMENT, payment.reference, cause, refund=refund.id)
    work.note(
        "refund_requested", payment=payment.reference, amount=str(amount), by=origin, reason=reason
    )
    return refund
