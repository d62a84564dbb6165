"""Issued papers looked up, and what may change on them afterwards: the note, the buyer of the
latest invoice (BILLING 8), and a tax in the seller's currency whose rate came after the issue.

Amounts and numbers never change. Each change is a new revision; what the one before said is kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, inspect, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock, history, home_tax, invoice_files, invoices
from domain.accounts import Account
from domain.database import Base, BigId
from domain.errors import Refused
from domain.invoices import INVOICE, Invoice


class InvoiceRevision(Base):
    """What a paper said in a revision that was replaced; the present one is the paper's row.

    ``changed`` is what the next revision says differently: ``note``, ``buyer`` or ``tax in CZK``.
    """

    __tablename__ = "invoice_revisions"
    __table_args__ = (UniqueConstraint("invoice_id", "revision"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"))
    revision: Mapped[int]
    content: Mapped[dict[str, Any]]
    note: Mapped[str | None]
    changed: Mapped[str]
    replaced_at: Mapped[datetime]
    replaced_by: Mapped[str | None]
    """Who did it, as the audit log names them; None: nobody, it followed from the rules."""


def find(session: Session, number: str) -> Invoice:
    """The invoice or credit note of a number. Raises ``Refused`` (404)."""
    invoice = session.scalar(
        select(Invoice).where(Invoice.number == number),
        execution_options={"populate_existing": True},
    )
    if invoice is None:
        said = f"There is no invoice {number!r}."
        raise Refused("invoice_unknown", said, status=404, number=number)
    return invoice


def page(session: Session, account_id: int, limit: int, before: int | None = None) -> list[Invoice]:
    """Up to ``limit`` papers of an account, newest first, older than the row ``before``."""
    statement = select(Invoice).where(Invoice.account_id == account_id)
    if before is not None:
        statement = statement.where(Invoice.id < before)
    return list(session.scalars(statement.order_by(Invoice.id.desc()).limit(limit)))


def replaced(session: Session, invoice: Invoice) -> list[InvoiceRevision]:
    """The revisions of a paper that were replaced, the oldest first."""
    statement = select(InvoiceRevision).where(InvoiceRevision.invoice_id == invoice.id)
    return list(session.scalars(statement.order_by(InvoiceRevision.revision)))


def at(session: Session, invoice: Invoice, revision: int | None) -> Invoice:
    """The paper as it was in a revision, not to be stored; None: the present one, which is the row.

    Raises ``Refused`` (404) when there is no such revision.
    """
    if revision is None or revision == invoice.revision:
        return invoice
    statement = select(InvoiceRevision).where(
        InvoiceRevision.invoice_id == invoice.id, InvoiceRevision.revision == revision
    )
    kept = session.scalar(statement)
    if kept is None:
        number, last = invoice.number, invoice.revision
        raise Refused(
            "revision_unknown",
            f"There is no revision {revision} of {number}; the present one is {last}.",
            status=404,
        )
    values = {column.key: getattr(invoice, column.key) for column in inspect(Invoice).column_attrs}
    return Invoice(**values | {"content": kept.content, "note": kept.note, "revision": revision})


def annotate(session: Session, invoice: Invoice, note: str | None, actor: str | None) -> bool:
    """Print another note on the paper; False when it says that already. The account is locked."""
    if invoice.note == note:
        return False
    before = invoice.note
    _replace(session, invoice, actor, "note", before)
    invoice.note = note
    _publish(session, invoice)
    return True


def readdress(session: Session, account: Account, actor: str | None) -> Invoice | None:
    """Print the account's present billing details on its latest invoice, and on that alone.

    A reverse charge goes on naming the number that was confirmed. Returns the invoice; None when
    there is none or it says that already. The account is locked.
    """
    latest = session.scalar(
        select(Invoice)
        .where(Invoice.account_id == account.id, Invoice.kind == INVOICE)
        .order_by(Invoice.id.desc())
        .limit(1)
    )
    if latest is None:
        return None
    before, evidence = latest.content["buyer"], latest.content.get("vat_evidence")
    confirmed = {"vat_number": evidence["number"]} if evidence else {}
    buyer = {"ref": account.ref, "email": account.email, **account.billing, **confirmed}
    if before == buyer:
        return None
    _replace(session, latest, actor, "buyer", before)
    latest.content = {**latest.content, "buyer": buyer}
    _publish(session, latest)
    return latest


def tell_tax_at_home(session: Session, paper: Invoice) -> bool:
    """Tell the tax in the seller's currency on a paper that waited for its rate; False while there
    is none. The account is locked."""
    original = session.get(Invoice, paper.corrects_id) if paper.corrects_id else None
    _, before = invoices.credited(session, original, paper) if original else (0, 0)
    told = home_tax.convert(session, paper, original, before)
    if told is None:
        return False
    _replace(session, paper, None, f"tax in {told['tax']['currency']}", None)
    paper.content, paper.awaits_rate = {**paper.content, "home_tax": told}, False
    _publish(session, paper)
    return True


def _replace(
    session: Session, invoice: Invoice, actor: str | None, changed: str, before: Any
) -> None:
    """Keep what the paper says now, and begin its next revision."""
    kept = InvoiceRevision(
        invoice_id=invoice.id,
        revision=invoice.revision,
        content=invoice.content,
        note=invoice.note,
        changed=changed,
        replaced_at=clock.now(),
        replaced_by=actor,
    )
    session.add(kept)
    invoice.revision += 1
    history.note(
        session,
        invoice.account_id,
        "invoice_revised",
        actor=actor,
        number=invoice.number,
        revision=invoice.revision,
        what=changed,
        before=before,
    )


def _publish(session: Session, invoice: Invoice) -> None:
    session.flush()
    invoice_files.want(session, invoice)
