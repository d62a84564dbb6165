"""What happened to an account, one line each: the timeline that people read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock
from domain.database import Base, BigId

_RENEWAL_FAILED: Final = text("kind = 'renewal_failed'")


class HistoryEntry(Base):
    """One happening. ``details`` are what the sentence of that ``kind`` needs."""

    __tablename__ = "history"
    __table_args__ = (
        Index("ix_history_account", "account_id", "id"),
        Index(
            "ix_history_renewal_failed",
            "at",
            postgresql_where=_RENEWAL_FAILED,
            sqlite_where=_RENEWAL_FAILED,
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    kind: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    event_id: Mapped[int | None]
    actor: Mapped[str | None]


def note(
    session: Session,
    account_id: int,
    kind: str,
    *,
    event_id: int | None = None,
    actor: str | None = None,
    **details: Any,
) -> None:
    """Write a line into the account's history, in the running transaction."""
    session.add(
        HistoryEntry(
            account_id=account_id,
            at=clock.now(),
            kind=kind,
            details=details,
            event_id=event_id,
            actor=actor,
        )
    )


def page(
    session: Session, account_id: int, limit: int, before: int | None = None
) -> list[HistoryEntry]:
    """Up to ``limit`` entries, newest first, older than the entry ``before``."""
    statement = select(HistoryEntry).where(HistoryEntry.account_id == account_id)
    if before is not None:
        statement = statement.where(HistoryEntry.id < before)
    return list(session.scalars(statement.order_by(HistoryEntry.id.desc()).limit(limit)))


def is_noted(session: Session, account_id: int, kind: str, event_id: int) -> bool:
    """Whether an event has left a line of that kind with the account before."""
    statement = select(HistoryEntry.id).where(
        HistoryEntry.account_id == account_id,
        HistoryEntry.kind == kind,
        HistoryEntry.event_id == event_id,
    )
    return session.scalar(statement.limit(1)) is not None


SENTENCES: dict[str, str] = {
    "account_created": "account created",
    "account_updated": "account details changed: {fields}",
    "renewal_announced": "told of the renewal on {on}: {amount}",
    "renewal_placed": "renewal order {order} placed: {total}",
    "renewal_failed": "renewal charge {number} for order {order} failed: {code}",
    "past_due": "the period ended on {end} and is not paid yet",
    "auto_renew_on": "auto-renew switched on by {by}",
    "auto_renew_off": "auto-renew switched off: {reason}",
    "expiry_warned": "warned: {days} days until the end",
    "subscription_expired": "the subscription expired on {end}: {reason}",
    "provider_payment_failed": "{provider} could not collect, attempt {attempt}: {code}",
    "period_paid": "{provider} collected {total} (payment {payment}); invoice issued",
    "order_placed": "{purpose} order {order} placed: {total}",
    "order_paid": "order {order} paid by {means}: {total}",
    "order_superseded": "order {order} superseded by {by}",
    "order_expired": "order {order} expired",
    "order_cancelled": "order {order} given up by the customer",
    "order_failed": "order {order} failed: {reason}",
    "period_started": "{plan} for {agents} agents from {start} to {end}",
    "payment_pending": "payment {payment} of {amount} is pending",
    "payment_failed": "payment {payment} failed: {code}",
    "payment_credited": "payment {payment} of {amount} became credit: {reason}",
    "account_unblocked": "account unblocked: {reason}",
    "account_blocked": "account blocked: {reason}",
    "change_decided": "an operator ordered {order}: {reason}",
    "invoice_issued": "invoice over {total} issued for order {order}",
    "invoice_resent": "invoice {number} was mailed again",
    "invoice_revised": "invoice {number} has another {what}: revision {revision}",
    "method_saved": "payment method saved: {method}",
    "method_removed": "payment method removed: {method}",
    "refund_requested": "refund of {amount} of payment {payment} wanted by {by}: {reason}",
    "refund_failed": "refund of {amount} of payment {payment} failed",
    "money_returned": "{amount} of payment {payment} went back: {why}",
    "credit_note_issued": "credit note over {total} issued for payment {payment}",
    "dispute_opened": "payment {payment} is disputed: {amount}",
    "dispute_closed": "the dispute about payment {payment} is {outcome}",
    "subscription_reopened": "the subscription goes on, unpaid for now: the dispute is over",
    "vat_number_checked": "VAT number checked: {status}",
    "personal_data_erased": "personal data erased on request",
    "subscription_ended": "the subscription ended before its time: {reason}",
}


def sentence(entry: HistoryEntry, details: dict[str, Any] | None = None) -> str:
    """The entry in one English line, told with other ``details`` if there are any; an unknown
    kind shows its bare facts."""
    told = entry.details if details is None else details
    template = SENTENCES.get(entry.kind)
    if template is None:
        return f"{entry.kind.replace('_', ' ')} {told or ''}".strip()
    return template.format_map(_Lenient(told))


class _Lenient(dict[str, Any]):
    """Details of an older version of the software may lack a field of today's sentence."""

    def __missing__(self, key: str) -> str:
        return "?"
