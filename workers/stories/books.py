"""What Billhook's books say of an account, for stories that compare them with what was told."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import accounts
from domain.effects import Effect
from domain.invoices import CREDIT_NOTE, INVOICE, Invoice
from domain.payments import Payment
from workers.stories.stage import Stage

MAIL: Final = "send_mail"


def latest_payment(stage: Stage, ref: str) -> Payment:
    """The account's latest payment that succeeded. Raises ``StoryBroke`` when there is none."""
    with stage.billhook.runtime.database.transaction() as session:
        statement = (
            select(Payment)
            .where(Payment.account_id == _id(session, ref), Payment.state == "succeeded")
            .order_by(Payment.id.desc())
            .limit(1)
        )
        payment = session.scalar(statement)
    stage.expect(payment is not None, f"{ref} has paid")
    return payment or Payment()


def invoices_of(stage: Stage, ref: str) -> list[str]:
    """The numbers of the account's invoices, the oldest first."""
    return _numbers(stage, ref, INVOICE)


def credit_notes_of(stage: Stage, ref: str) -> list[str]:
    """The numbers of the account's credit notes, the oldest first."""
    return _numbers(stage, ref, CREDIT_NOTE)


def mails_to(stage: Stage, ref: str, kind: str) -> int:
    """How many mails of a kind went to the account."""
    with stage.billhook.runtime.database.transaction() as session:
        statement = (
            select(func.count())
            .select_from(Effect)
            .where(
                Effect.account_id == _id(session, ref),
                Effect.kind == MAIL,
                Effect.target == kind,
                Effect.status == "done",
            )
        )
        return session.scalar(statement) or 0


def expect_series_whole(stage: Stage) -> None:
    """In no series of papers a number is missing, whoever the papers were made for."""
    with stage.billhook.runtime.database.transaction() as session:
        series = session.execute(
            select(
                Invoice.series,
                func.count(),
                func.min(Invoice.position),
                func.max(Invoice.position),
            ).group_by(Invoice.series)
        ).all()
    for name, count, first, last in series:
        stage.expect((first, last) == (1, count), f"series {name} has numbers 1 to {count}")


def _numbers(stage: Stage, ref: str, kind: str) -> list[str]:
    with stage.billhook.runtime.database.transaction() as session:
        statement = (
            select(Invoice.number)
            .where(Invoice.account_id == _id(session, ref), Invoice.kind == kind)
            .order_by(Invoice.id)
        )
        return [number or "" for number in session.scalars(statement)]


def _id(session: Session, ref: str) -> int:
    return accounts.find(session, ref).id
