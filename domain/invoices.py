"""Invoices and credit notes, with gapless numbers per series (BILLING 8).

A rule makes the paper without a number; ``number_all`` gives the numbers at the very end of the
transaction, once per batch, so that the counter's row is locked for the shortest time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import batch, clock, home_tax
from domain.accounts import Account
from domain.catalogue import Catalogue
from domain.database import Base, BigId, insert_once
from domain.money import Money
from domain.orders import Order
from domain.papers.credit_notes import Reason, credit_note_content
from domain.payments import Payment
from domain.vat_numbers import Evidence

INVOICE: Final = "invoice"
CREDIT_NOTE: Final = "credit_note"
_AWAITS: Final = text("awaits_rate")
FACETS: Final = ("kind", "series")
"""What papers are listed by (``domain.paper_search``)."""


class NumberSeries(Base):
    """The last number given out in a series such as ``2026`` or ``CN-2026``."""

    __tablename__ = "number_series"

    series: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(default=0)


class Invoice(Base):
    """An invoice or credit note; amounts in minor units, ``content`` as printed."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("series", "position"),
        UniqueConstraint("number"),
        UniqueConstraint("kind", "cause"),
        # With what an account's papers are narrowed to, so that their wide rows are not read.
        Index("ix_invoices_account", "account_id", "id", postgresql_include=FACETS),
        Index("ix_invoices_facets", *FACETS, "id"),
        Index("ix_invoices_payment", "payment_id"),
        Index("ix_invoices_corrects", "corrects_id"),
        Index("ix_invoices_awaits_rate", "id", postgresql_where=_AWAITS, sqlite_where=_AWAITS),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(default=INVOICE)
    series: Mapped[str]
    position: Mapped[int | None]
    number: Mapped[str | None]
    """``2026-000001``; set in the transaction that issues it."""
    cause: Mapped[str]
    """What it is the paper for; unique, so that nothing gets two."""
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"))
    issued_at: Mapped[datetime]
    currency: Mapped[str]
    net: Mapped[int]
    vat: Mapped[int]
    total: Mapped[int]
    content: Mapped[dict[str, Any]]
    locale: Mapped[str]
    note: Mapped[str | None]
    revision: Mapped[int] = mapped_column(default=1)
    awaits_rate: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """The tax must be told in the seller's currency, too, and no exchange rate was known."""


def for_order(
    session: Session, catalogue: Catalogue, account: Account, order: Order, payment: Payment | None
) -> Invoice:
    """Make the invoice of a paid order, still without its number."""
    quote = order.quoted
    now = clock.now()
    invoice = Invoice(
        id=batch.new_id(session, Invoice),
        kind=INVOICE,
        series=series_name(catalogue.invoicing.invoice_prefix, now),
        cause=f"order:{order.id}",
        account_id=account.id,
        order_id=order.id,
        payment_id=payment.id if payment else None,
        issued_at=now,
        currency=quote.currency,
        net=quote.net.amount,
        vat=quote.vat.amount,
        total=quote.total.amount,
        content=_content(catalogue, account, order, payment),
        locale=account.locale,
    )
    tell_tax_at_home(session, invoice)
    # A batch inserts it with its number, after the payment that it names.
    if not batch.hold(session, invoice):
        session.add(invoice)
    return invoice


def credit_note(
    session: Session,
    catalogue: Catalogue,
    account: Account,
    original: Invoice,
    payment: Payment,
    gross: Money,
    cause: str,
    reason: Reason = "refund",
) -> Invoice:
    """Make the credit note for money of ``payment`` given back, still without its number.

    ``gross`` is split into net and tax by the rate of the ``original``, half-even, together with
    what earlier credit notes gave back: so all of them add up to the same net and tax, in however
    many steps the money went back.
    """
    now = clock.now()
    given_back, tax_given_back = credited(session, original)
    before = Money(given_back, gross.currency)
    paid = _paid(payment, gross.amount, now)
    content = credit_note_content(original, gross, before=before, reason=reason, paid=paid)
    note = Invoice(
        kind=CREDIT_NOTE,
        series=series_name(catalogue.invoicing.credit_note_prefix, now),
        cause=cause,
        account_id=account.id,
        order_id=original.order_id,
        payment_id=payment.id,
        corrects_id=original.id,
        issued_at=now,
        currency=gross.currency,
        content=content,
        locale=account.locale,
        **content["amounts"],
    )
    tell_tax_at_home(session, note, original, tax_given_back)
    session.add(note)
    return note


def tell_tax_at_home(
    session: Session, paper: Invoice, original: Invoice | None = None, before: int = 0
) -> bool:
    """Write the tax in the seller's currency on a paper that must tell it; False while the paper
    waits for the rate. ``original`` and ``before`` as ``home_tax.convert`` has them."""
    told = home_tax.convert(session, paper, original, before)
    if told is not None:
        paper.content = {**paper.content, "home_tax": told}
    paper.awaits_rate = told is None and home_tax.currency_of(paper) is not None
    return not paper.awaits_rate


def of_payment(session: Session, payment: Payment) -> Invoice | None:
    """The invoice of a payment; None for money that became credit."""
    statement = select(Invoice).where(Invoice.payment_id == payment.id, Invoice.kind == INVOICE)
    return session.scalar(statement)


def series_name(prefix: str, at: datetime) -> str:
    """The series of a kind and year: ``2026``, ``CN-2026``."""
    return f"{prefix}{at.year}"


def number_all(session: Session, papers: Sequence[Invoice]) -> None:
    """Give each paper the next number of its series, without a gap (BILLING 8).

    The last statement of a transaction: the counter stays locked until its commit, and a rollback
    gives the numbers back.
    """
    for series in sorted({paper.series for paper in papers}):
        members = [paper for paper in papers if paper.series == series]
        last = _take(session, series, len(members))
        for position, paper in enumerate(members, last - len(members) + 1):
            paper.position, paper.number = position, f"{series}-{position:06d}"
    session.add_all(papers)
    session.flush()
    for paper in papers:
        _name_corrected(session, paper)
    session.flush()


def credited(session: Session, original: Invoice, before: Invoice | None = None) -> tuple[int, int]:
    """What credit notes gave back on an invoice, in minor units: in all, and of that the tax.

    With ``before``, one of them, only those that were issued earlier count.
    """
    sums = [func.coalesce(func.sum(column), 0) for column in (Invoice.total, Invoice.vat)]
    statement = select(*sums).where(Invoice.corrects_id == original.id)
    if before is not None:
        statement = statement.where(Invoice.id < before.id)
    row = session.execute(statement).one()
    return int(row[0]), int(row[1])


def _name_corrected(session: Session, paper: Invoice) -> None:
    """An invoice that was issued in the same transaction had no number for its credit note yet."""
    corrects = paper.content.get("corrects")
    if paper.corrects_id is not None and corrects and not corrects["number"]:
        original = session.get_one(Invoice, paper.corrects_id)
        paper.content = {**paper.content, "corrects": {**corrects, "number": original.number}}


def _take(session: Session, series: str, count: int) -> int:
    statement = (
        update(NumberSeries)
        .where(NumberSeries.series == series)
        .values(last=NumberSeries.last + count)
        .returning(NumberSeries.last)
        .execution_options(synchronize_session=False)
    )
    last = session.scalar(statement)
    if last is None:
        insert_once(session, NumberSeries, series=series, last=0)
        last = session.scalar(statement)
    return int(last or 0)


def _content(
    catalogue: Catalogue, account: Account, order: Order, payment: Payment | None
) -> dict[str, Any]:
    seller: dict[str, Any] = msgspec.to_builtins(catalogue.seller)
    evidence = order.quoted.vat_evidence
    return {
        "seller": seller,
        "buyer": buyer(account, evidence),
        "quote": order.quote,
        "kind": order.kind,
        "paid": _paid(payment, payment.amount if payment else 0, clock.now()),
        **proof(evidence),
    }


def buyer(account: Account, evidence: Evidence | None) -> dict[str, Any]:
    """The buyer as printed; a reverse charge names the number that was confirmed."""
    confirmed = {"vat_number": evidence.number} if evidence else {}
    return {"ref": account.ref, "email": account.email, **account.billing, **confirmed}


def proof(evidence: Evidence | None) -> dict[str, Any]:
    """What shows that a sale is rightly without VAT (BILLING 9); the consultation is printed."""
    if evidence is None:
        return {}
    at = evidence.at.isoformat()
    known = {"number": evidence.number, "consultation": evidence.consultation, "at": at}
    if evidence.consultation is None:
        return {"vat_evidence": known}
    return {
        "vat_evidence": known,
        "consultation": {"number": evidence.consultation, "at": at},
    }


def _paid(payment: Payment | None, amount: int, at: datetime) -> dict[str, Any]:
    return {
        "at": at.isoformat(),
        "provider": payment.provider if payment else None,
        "reference": payment.reference if payment else None,
        "amount": amount,
        "method": payment.method if payment else None,
    }
