"""The PDF of each revision of an invoice or credit note, kept for ever as it was first made.

Wherever a paper is shown or sent, these bytes are: so a customer's mail and a later download are
the same file, also after an upgrade that prints differently (BILLING 8).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock, effects
from domain.database import Base, BigId, insert_once
from domain.effects import Effect
from domain.invoices import Invoice

RENDER_INVOICE: Final = "render_invoice"


class InvoiceFile(Base):
    """One revision's PDF; ``sha256`` of the bytes, in hexadecimal."""

    __tablename__ = "invoice_files"
    __table_args__ = (UniqueConstraint("invoice_id", "revision"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"))
    revision: Mapped[int]
    pdf: Mapped[bytes]
    sha256: Mapped[str]
    rendered_at: Mapped[datetime] = mapped_column(default=clock.now)


def stored(session: Session, invoice_id: int, revision: int) -> bytes | None:
    """The PDF of a revision; None while there is none."""
    statement = select(InvoiceFile.pdf).where(
        InvoiceFile.invoice_id == invoice_id, InvoiceFile.revision == revision
    )
    return session.scalar(statement)


def keep(session: Session, invoice_id: int, revision: int, pdf: bytes) -> bytes:
    """Store what was rendered; returns what is kept: whoever stored first decides."""
    insert_once(
        session,
        InvoiceFile,
        invoice_id=invoice_id,
        revision=revision,
        pdf=pdf,
        sha256=hashlib.sha256(pdf).hexdigest(),
        rendered_at=clock.now(),
    )
    return stored(session, invoice_id, revision) or pdf


def want(session: Session, invoice: Invoice) -> bool:
    """Have the invoice's present revision rendered; False when that was wanted before."""
    target, cause = _rendering(invoice)
    return effects.want(session, RENDER_INVOICE, target, cause, account_id=invoice.account_id)


def progress(session: Session, invoice: Invoice) -> str | None:
    """The status of the effect that renders the present revision; None when it is not wanted."""
    target, cause = _rendering(invoice)
    statement = select(Effect.status).where(
        Effect.cause == cause, Effect.kind == RENDER_INVOICE, Effect.target == target
    )
    return session.scalar(statement)


def _rendering(invoice: Invoice) -> tuple[str, str]:
    return f"revision:{invoice.revision}", f"invoice:{invoice.id}"
