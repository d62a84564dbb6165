"""Issued papers looked up, and what may change on them afterwards: the note, and the buyer of the
latest invoice (BILLING 8). Amounts and numbers never do. Each change is a new revision, and the
account's history tells what stood there before."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import history, invoice_files
from domain.accounts import Account
from domain.errors import Refused
from domain.invoices import INVOICE, Invoice


def find(session: Session, number: str) -> Invoice:
    """The invoice or credit note of a number. Raises ``Refused`` (404)."""
    invoice = session.scalar(
        select(Invoice).where(Invoice.number == number),
        execution_options={"populate_existing": True},
    )
    if invoice is None:
        raise Refused("invoice_unknown", f"There is no invoice {number!r}.", status=404)
    return invoice


def page(session: Session, account_id: int, limit: int, before: int | None = None) -> list[Invoice]:
    """Up to ``limit`` papers of an account, newest first, older than the row ``before``."""
    statement = select(Invoice).where(Invoice.account_id == account_id)
    if before is not None:
        statement = statement.where(Invoice.id < before)
    return list(session.scalars(statement.order_by(Invoice.id.desc()).limit(limit)))


def annotate(session: Session, invoice: Invoice, note: str | None, actor: str | None) -> bool:
    """Print another note on the paper; False when it says that already. The account is locked."""
    if invoice.note == note:
        return False
    before, invoice.note = invoice.note, note
    _revise(session, invoice, actor, "note", before)
    return True


def readdress(session: Session, account: Account, actor: str | None) -> Invoice | None:
    """Print the account's present billing details on its latest invoice, and on that alone.

    Returns the invoice; None when there is none or it says that already. The account is locked.
    """
    latest = session.scalar(
        select(Invoice)
        .where(Invoice.account_id == account.id, Invoice.kind == INVOICE)
        .order_by(Invoice.id.desc())
        .limit(1)
    )
    buyer: dict[str, Any] = {"ref": account.ref, "email": account.email, **account.billing}
    if latest is None or latest.content["buyer"] == buyer:
        return None
    before = latest.content["buyer"]
    latest.content = {**latest.content, "buyer": buyer}
    _revise(session, latest, actor, "buyer", before)
    return latest


def _revise(session: Session, invoice: Invoice, actor: str | None, what: str, before: Any) -> None:
    invoice.revision += 1
    session.flush()
    invoice_files.want(session, invoice)
    history.note(
        session,
        invoice.account_id,
        "invoice_revised",
        actor=actor,
        number=invoice.number,
        revision=invoice.revision,
        what=what,
        before=before,
    )
