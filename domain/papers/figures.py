"""Amounts, days, rates and countries as each language writes them (Unicode CLDR, by Babel)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from babel import Locale
from babel.dates import format_date

from domain.money import Money, to_decimal_text

_LOCALES: Final = {"en": "en_150"}
"""English as written in Europe: 2 March 2026, and the currency after the number as in the other
languages, so that the figures of a column stand under each other."""

MINUS: Final = "\u2212"
NO_BREAK: Final = "\u00a0"


class Figures:
    """Writes figures in one language."""

    def __init__(self, locale: str) -> None:
        self._locale = Locale.parse(_LOCALES.get(locale, locale))
        self._number = self._locale.decimal_formats[None]
        self._money = self._locale.currency_formats["standard"]
        self._percent = self._locale.percent_formats[None]

    def number(self, value: Decimal | int) -> str:
        """A quantity or a rate: ``1 234``, ``24,315``."""
        text = self._number.apply(value, self._locale, decimal_quantization=False)
        return _typeset(text)

    def amount(self, money: Money) -> str:
        """The bare amount with its decimals: ``1 234,50``."""
        value = Decimal(to_decimal_text(money.amount))
        return _typeset(self._number.apply(value, self._locale, currency=money.currency))

    def money(self, money: Money) -> str:
        """The amount with its currency: ``1 234,50 Kč``."""
        value = Decimal(to_decimal_text(money.amount))
        return _typeset(self._money.apply(value, self._locale, currency=money.currency))

    def percent(self, percent: Decimal) -> str:
        """A rate in percent: ``21 %``."""
        text = self._percent.apply(percent / 100, self._locale, decimal_quantization=False)
        return _typeset(text)

    def day(self, day: date) -> str:
        """A day in full: ``2. března 2026``; its parts stay on one line."""
        text: str = format_date(day, "long", locale=self._locale)
        return text.replace(" ", NO_BREAK)

    def country(self, code: str) -> str:
        """The country's name, or its code where the language has no name for it."""
        return str(self._locale.territories.get(code, code))


@cache
def figures(locale: str) -> Figures:
    """The figures of a language of accounts."""
    return Figures(locale)


def _typeset(text: str) -> str:
    return text.replace("-", MINUS)
