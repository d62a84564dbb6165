"""What stands on an invoice or credit note, whatever it is written as afterwards."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from domain.money import Money, zero
from domain.vat import Treatment

Kind = Literal["invoice", "credit_note"]


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Seller or buyer as at issue; empty where nothing is known."""

    name: str = ""
    street: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""
    vat_number: str = ""
    company_number: str = ""
    registration: str = ""
    """Where the company is registered, as its law wants it printed."""
    email: str = ""
    website: str = ""
    ref: str = ""
    """The app's reference of an account."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One line; ``name`` is ``agents``, ``conversations``, ``subscription``, ``refund`` or a text
    of its own. Prices are net."""

    name: str
    plan: str = ""
    interval: str = ""
    quantity: int = 1
    unit_price: Money
    net: Money


class Tax(msgspec.Struct, frozen=True, kw_only=True):
    """One rate of the VAT breakdown; ``percent`` as in the quote."""

    treatment: Treatment
    country: str
    percent: Decimal
    base: Money
    tax: Money


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """Money that was moved for the paper, towards us (invoice) or back (credit note)."""

    amount: Money
    at: datetime | None = None
    kind: str = ""
    """``card``, ``wallet`` or empty."""
    label: str = ""
    """``Visa ···· 4242``, the name of a wallet, or empty."""
    last4: str = ""
    reference: str = ""


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """Which invoice a credit note corrects, and why: ``refund`` or ``dispute``."""

    number: str
    issued_on: date
    reason: str


class Consultation(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence that VIES confirmed the buyer's number (BILLING 9)."""

    number: str
    at: datetime


class HomeTax(msgspec.Struct, frozen=True, kw_only=True):
    """The VAT in the seller's own currency, at ``rate`` units of it for one of the invoice's."""

    tax: Money
    rate: str
    rate_on: date


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or credit note; the amounts of a credit note are positive: money given back.

    ``net`` is the lines less ``discount``; ``total`` is ``net`` plus ``vat``; ``due`` is what
    neither credit nor the payment covers.
    """

    kind: Kind
    number: str
    issued_at: datetime
    taxable_on: date
    locale: str
    currency: str
    seller: Party
    buyer: Party
    lines: tuple[Item, ...]
    discount: Money
    net: Money
    taxes: tuple[Tax, ...]
    total: Money
    credit_used: Money
    payment: Payment | None
    period: tuple[datetime, datetime] | None
    """``[start, end)``."""
    note: str = ""
    revision: int = 1
    corrects: Correction | None = None
    consultation: Consultation | None = None
    home_tax: HomeTax | None = None

    @property
    def vat(self) -> Money:
        """The tax of all rates."""
        return sum((each.tax for each in self.taxes), zero(self.currency))

    @property
    def prepaid(self) -> Money:
        """What credit and payment cover together."""
        paid = self.payment.amount if self.payment else zero(self.currency)
        return self.credit_used + paid

    @property
    def due(self) -> Money:
        """What is left to pay, or to give back."""
        return self.total - self.prepaid

    @property
    def last_day(self) -> date | None:
        """The last day of the period; an end at midnight is the end of the day before."""
        return (self.period[1] - datetime.resolution).date() if self.period else None
