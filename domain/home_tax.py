"""The tax of a domestic sale in the seller's own currency, which the paper must tell as well.

Directive 2006/112/EC, article 230; Czech VAT act, § 4(8) and § 29. The tax of another country, as
of a sale through the One Stop Shop, is not the seller's country's and is not told in its currency.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy.orm import Session

from domain import exchange_rates
from domain.catalogue import Catalogue
from domain.exchange_rates import Rate
from domain.money import Money, round_half_even
from domain.papers.paper import HomeTax
from domain.papers.rows import sale_of, taxable_on

if TYPE_CHECKING:
    # What makes rows uses this module.
    from domain.invoices import Invoice

HOME: Final = {"CZ": "CZK"}
"""The seller's country → its currency, where that is one that is sold in and is not the euro."""


def concerns(catalogue: Catalogue) -> bool:
    """Whether rates are needed at all."""
    return catalogue.seller.country in HOME


def currency_of(invoice: Invoice) -> str | None:
    """The currency in which the tax must be told as well; None where there is no need."""
    home = HOME.get(invoice.content["seller"]["country"])
    if home is None or not invoice.vat or invoice.currency == home:
        return None
    return home if sale_of(invoice.content).vat_treatment == "domestic" else None


def convert(
    session: Session, invoice: Invoice, original: Invoice | None = None, before: int = 0
) -> dict[str, Any] | None:
    """The tax of a paper at the rate of its day, as its content has it; None while none is known.

    A credit note corrects at the rate of its ``original`` (Czech VAT act, § 42). ``before`` is the
    tax that earlier credit notes gave back, in minor units: all of them add up to what their sum
    is in the other currency.
    """
    home = currency_of(invoice)
    rate = _rate(session, original or invoice, home) if home else None
    if home is None or rate is None:
        return None
    amount = _at(rate, before + invoice.vat) - _at(rate, before)
    told = HomeTax(tax=Money(amount, home), rate=f"{rate.value:f}", rate_on=rate.on)
    document: dict[str, Any] = msgspec.to_builtins(told)
    return document


def _rate(session: Session, invoice: Invoice, home: str) -> Rate | None:
    told = invoice.content.get("home_tax")
    if told:
        return Rate(value=Decimal(told["rate"]), on=date.fromisoformat(told["rate_on"]))
    return exchange_rates.latest(session, invoice.currency, home, taxable_on(invoice))


def _at(rate: Rate, amount: int) -> int:
    return round_half_even(amount * Fraction(rate.value))
