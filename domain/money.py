"""Money as integer minor units with a currency; exact arithmetic, never a float."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

import msgspec

CURRENCIES: Final = ("CZK", "EUR", "USD", "PLN")
"""The currencies that are sold in (BILLING 2). All have two decimal places."""

_MINOR_UNITS: Final = 100


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were added, subtracted or compared."""


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount in minor units (cents, haléře, grosze) of an ISO 4217 currency in capitals."""

    amount: int
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{to_decimal_text(self.amount)} {self.currency}"

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self} and {other} are of different currencies")
        return other.amount


def zero(currency: str) -> Money:
    """Nothing, in ``currency``."""
    return Money(0, currency)


def round_half_even(value: Fraction) -> int:
    """Round an exact number of minor units to a whole one, half to even (BILLING 3 and 9)."""
    return round(value)


def to_decimal_text(amount: int) -> str:
    """Write minor units as a plain decimal number: ``4900`` → ``"49.00"``."""
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), _MINOR_UNITS)
    return f"{sign}{whole}.{part:02d}"


def from_decimal_text(text: str, currency: str) -> Money:
    """Read ``"49"``, ``"49.0"``, ``"49.00"`` or ``"-49.00"`` exactly.

    Raises ValueError for anything that is not a finite decimal with at most two decimal places.
    """
    try:
        minor = Decimal(text) * _MINOR_UNITS
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not an amount of money") from error
    if not minor.is_finite() or minor != minor.to_integral_value() or abs(minor) > 10**15:
        raise ValueError(f"{text!r} is not an amount of {currency} with two decimal places")
    return Money(int(minor), currency.upper())
