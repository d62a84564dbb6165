"""Reads a paper out of the row of an invoice or credit note.

The row alone is read, so that the same revision gives the same paper for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain import quotes
from domain.money import Money, zero
from domain.papers.figures import NO_BREAK
from domain.papers.paper import Consultation, Correction, HomeTax, Item, Paper, Party, Payment, Tax
from domain.quotes import Line, Quote
from domain.vat import Treatment

if TYPE_CHECKING:
    # Rows are only read here, and what makes rows may use this package.
    from domain.invoices import Invoice

_CZECH_COMPANY: Final = re.compile(r"CZ(\d{8})")
"""A Czech legal person's VAT number is its company number (IČO) after the prefix; natural persons
and VAT groups have nine or ten digits, which are not."""


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """The priced part of a row's content where there is no quote: provider-run periods and credit
    notes. Amounts that are not here are the row's own."""

    lines: tuple[Item, ...]
    vat_treatment: Treatment
    vat_country: str
    vat_percent: str
    discount: Money | None = None
    credit_used: Money | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None


def paper_of(invoice: Invoice, titles: Mapping[str, str] | None = None) -> Paper:
    """The paper of a numbered row; ``titles`` are the names of wallets by their brand.

    Raises ValueError when it has no number yet.
    """
    if invoice.number is None:
        raise ValueError(f"invoice {invoice.id} has no number yet; it is printed once it has one")
    content = invoice.content
    sale = sale_of(content)
    payment = _payment(content.get("paid"), invoice.currency, titles or {})
    nothing = zero(invoice.currency)
    return Paper(
        kind="credit_note" if invoice.kind == "credit_note" else "invoice",
        number=invoice.number,
        issued_at=invoice.issued_at,
        taxable_on=taxable_on(invoice),
        locale=invoice.locale,
        currency=invoice.currency,
        seller=_party(content.get("seller")),
        buyer=_buyer(content.get("buyer"), sale),
        lines=sale.lines,
        discount=sale.discount or nothing,
        net=Money(invoice.net, invoice.currency),
        taxes=(_tax(invoice, sale),),
        total=Money(invoice.total, invoice.currency),
        credit_used=sale.credit_used or nothing,
        payment=payment,
        period=_period(sale),
        note=invoice.note or "",
        revision=invoice.revision,
        **_evidence(content),
    )


def sale_of(content: dict[str, Any]) -> Sale:
    """What was sold according to a row's content: its ``sale``, else its ``quote``."""
    if "sale" in content:
        return msgspec.convert(content["sale"], Sale)
    return _quoted(quotes.from_document(content["quote"]))


def _quoted(quote: Quote) -> Sale:
    return Sale(
        lines=tuple(_item(line) for line in quote.lines),
        vat_treatment=msgspec.convert(quote.vat_treatment, Treatment),
        vat_country=quote.vat_country,
        vat_percent=quote.vat_percent,
        discount=quote.discount,
        credit_used=quote.credit_used,
        period_start=quote.period_start,
        period_end=quote.period_end,
    )


def _item(line: Line) -> Item:
    return Item(
        name=line.item,
        plan=line.plan,
        interval=line.interval,
        quantity=line.quantity,
        unit_price=line.unit_price,
        net=line.net,
    )


def _tax(invoice: Invoice, sale: Sale) -> Tax:
    return Tax(
        treatment=sale.vat_treatment,
        country=sale.vat_country,
        percent=Decimal(sale.vat_percent),
        base=Money(invoice.net, invoice.currency),
        tax=Money(invoice.vat, invoice.currency),
    )


def taxable_on(invoice: Invoice) -> date:
    """The day on which the tax falls due: of a service paid in advance with the money, of a
    correction with its paper."""
    paid = invoice.content.get("paid") or {}
    if invoice.kind == "invoice" and paid.get("amount") and paid.get("at"):
        return datetime.fromisoformat(paid["at"]).date()
    return invoice.issued_at.date()


def _period(sale: Sale) -> tuple[datetime, datetime] | None:
    if sale.period_start is None or sale.period_end is None:
        return None
    return sale.period_start, sale.period_end


def _party(details: dict[str, Any] | None) -> Party:
    known = {
        name: str(value).strip()
        for name, value in (details or {}).items()
        if name in Party.__struct_fields__ and value is not None
    }
    vat_number = re.sub(r"[\s.-]", "", known.get("vat_number", "")).upper()
    known["vat_number"] = vat_number
    if not known.get("company_number") and (match := _CZECH_COMPANY.fullmatch(vat_number)):
        known["company_number"] = match[1]
    return Party(**known)


def _buyer(details: dict[str, Any] | None, sale: Sale) -> Party:
    """An account may have told nothing but its e-mail; the country is then the taxed one."""
    party = _party(details)
    return msgspec.structs.replace(
        party,
        name=party.name or party.email or party.ref,
        country=(party.country or sale.vat_country).upper(),
    )


def _payment(
    paid: dict[str, Any] | None, currency: str, titles: Mapping[str, str]
) -> Payment | None:
    if not paid or not paid.get("amount"):
        return None
    method = paid.get("method") or {}
    last4 = method.get("last4") or ""
    brand = method.get("brand") or ""
    name = titles.get(brand.lower()) or brand.replace("_", " ").title()
    return Payment(
        amount=Money(int(paid["amount"]), currency),
        at=datetime.fromisoformat(paid["at"]) if paid.get("at") else None,
        kind=method.get("kind") or "",
        label=f"{name}{NO_BREAK}••••{NO_BREAK}{last4}" if last4 else name,
        last4=last4,
        reference=paid.get("reference") or "",
    )


def _evidence(content: dict[str, Any]) -> dict[str, Any]:
    kinds: dict[str, type[msgspec.Struct]] = {
        "corrects": Correction,
        "consultation": Consultation,
        "home_tax": HomeTax,
    }
    return {
        name: msgspec.convert(content[name], kind)
        for name, kind in kinds.items()
        if content.get(name)
    }
