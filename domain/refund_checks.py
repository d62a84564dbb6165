"""What forbids a refund, as refusals that name the rule and the way out (BILLING 7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import credit, disputes
from domain.accounts import Account
from domain.catalogue import Catalogue
from domain.errors import Refused
from domain.money import Money
from domain.payments import Payment
from domain.work import Work


def payments_for_service(session: Session, account: Account) -> list[Payment]:
    """The payments by which the account ever bought something, the first one first."""
    statement = (
        select(Payment)
        .where(
            Payment.account_id == account.id,
            Payment.state == "succeeded",
            Payment.use.in_(("order", "period")),
        )
        .order_by(Payment.paid_at, Payment.id)
    )
    return list(session.scalars(statement))


def check_window(work: Work, paid: Sequence[Payment]) -> None:
    """The window after the first payment must not be over."""
    until = _window_end(work.catalogue, paid[0])
    if work.now <= until:
        return
    days = work.catalogue.refunds.window_days
    rule = f"A full refund can be asked for within {days} days of the first payment"
    if any(work.now <= _window_end(work.catalogue, payment) for payment in paid[1:]):
        raise Refused(
            "refund_not_first_payment",
            f"{rule}, and of that one only; for a later payment of {work.account.ref!r} contact "
            "support.",
        )
    raise Refused(
        "refund_window_over",
        f"{rule}; for {work.account.ref!r} that was until {until:%Y-%m-%d %H:%M} UTC. Contact "
        "support.",
    )


def check_payment(payment: Payment) -> None:
    """Only money that has arrived can be given back."""
    if payment.state != "succeeded":
        raise Refused(
            "payment_not_succeeded",
            f"Payment {payment.reference} is {payment.state or 'not known'}; only money that has "
            "arrived can be given back.",
            payment=payment.reference,
            state=payment.state or "unknown",
        )


def check_dispute(session: Session, payment: Payment) -> None:
    """While the payer contests the payment, refunding it could give the money back twice."""
    if disputes.is_contested(session, payment):
        raise Refused(
            "dispute_open",
            f"A dispute about payment {payment.reference} is open, and whoever wins it gets the "
            "money; wait for its end.",
            payment=payment.reference,
        )


def check_amount(payment: Payment, wanted: Money, left: Money) -> None:
    """The amount must be above zero, in the payment's currency, and within what is ``left``."""
    if not left:
        raise Refused(
            "already_refunded",
            f"Payment {payment.reference} was given back already, or is on its way back.",
            payment=payment.reference,
        )
    if wanted.currency != payment.currency or wanted.amount < 1:
        raise Refused(
            "refund_amount",
            f"The amount must be above zero and in {payment.currency}, the currency of payment "
            f"{payment.reference}.",
            status=422,
            payment=payment.reference,
            currency=payment.currency,
        )
    if left < wanted:
        raise Refused(
            "refund_above_left",
            f"Of payment {payment.reference} {left} is left to be given back, not {wanted}.",
            status=422,
            payment=payment.reference,
            left=left,
            wanted=wanted,
        )


def check_credit(work: Work, payment: Payment, wanted: Money) -> None:
    """Money that became credit and was spent bought something, and cannot go back as well."""
    if payment.use != "credit":
        return
    held = credit.balance(work.session, work.account.id, payment.currency)
    if held < wanted:
        raise Refused(
            "credit_spent",
            f"Payment {payment.reference} became credit of {work.account.ref!r}, of which {held} "
            "is left; refund that at most.",
            payment=payment.reference,
            left=held,
        )


def _window_end(catalogue: Catalogue, payment: Payment) -> datetime:
    paid_at = payment.paid_at or payment.created_at
    return paid_at + timedelta(days=catalogue.refunds.window_days)
