"""Value added tax: which rate, and why (BILLING 9). Rounding is half-even on the net total."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import msgspec

from domain.catalogue import Catalogue
from domain.money import round_half_even

Treatment = Literal["domestic", "reverse_charge", "consumer", "outside"]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The treatment of a sale, the country whose rate applies, and the rate in percent."""

    treatment: Treatment
    country: str
    percent: Decimal

    def on(self, net: int) -> int:
        """The tax on a net total, both in minor units."""
        return round_half_even(Fraction(net) * Fraction(self.percent) / 100)


def decide(
    catalogue: Catalogue, country: str | None, on: date, *, number_valid: bool = False
) -> Decision:
    """Decide for a buyer in ``country`` (ISO 3166, None: the seller's own).

    ``number_valid`` says that VIES confirmed the buyer's VAT number.
    """
    home = catalogue.seller.country
    buyer = country or home
    rate = catalogue.vat_percent(buyer, on)
    if buyer == home:
        return Decision(treatment="domestic", country=buyer, percent=rate or Decimal(0))
    if rate is None:
        return Decision(treatment="outside", country=buyer, percent=Decimal(0))
    if number_valid:
        return Decision(treatment="reverse_charge", country=buyer, percent=Decimal(0))
    return Decision(treatment="consumer", country=buyer, percent=rate)
