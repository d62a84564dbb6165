"""One language: its words from ``words/<locale>.toml``, and its dates, amounts and plurals.

A sentence is found by a dotted key and filled in by name; a word that depends on a number has one
form per plural category of CLDR (``one``, ``few``, ``many``, ``other``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency

from domain.accounts import LOCALES
from domain.mails.kinds import Means
from domain.money import Money, to_decimal_text

FOLDER: Final = Path(__file__).with_name("words")
REGIONS: Final = {"en": "en_GB"}
"""English is written the European way: day before month, hours to 24."""
CARD_BRANDS: Final = {
    "amex": "American Express",
    "american_express": "American Express",
    "diners": "Diners Club",
    "diners_club": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
_NBSP: Final = "\u00a0"


def spoken(locale: str) -> str:
    """The language to write in: ``cs-CZ`` → ``cs``; one that is not spoken → ``en``."""
    language = re.split(r"[-_.]", locale.lower())[0]
    return language if language in LOCALES else "en"


@lru_cache
def words(locale: str) -> dict[str, str]:
    """All words of a language, by dotted key."""
    text = (FOLDER / f"{locale}.toml").read_text(encoding="utf-8")
    return dict(_flat(tomllib.loads(text)))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


class Speech:
    """Speaks one language; ``titles`` are the names of wallets as they write themselves."""

    def __init__(self, locale: str, titles: Mapping[str, str] | None = None) -> None:
        self.locale = spoken(locale)
        self._words = words(self.locale)
        self._babel = Locale.parse(REGIONS.get(self.locale, self.locale))
        self._titles = {**CARD_BRANDS, **(titles or {})}

    def say(self, key: str, **values: Money | datetime | Means | str | None) -> str:
        """The sentence of that key, filled in. Raises KeyError for a word that is missing."""
        return self._words[key].format_map({k: self.write(v) for k, v in values.items()})

    def count(self, key: str, count: int) -> str:
        """The sentence in the form that goes with the number, which it knows as ``{count}``."""
        return self._words[f"{key}.{self._babel.plural_form(count)}"].format(count=count)

    def choose(self, key: str, choice: str, **values: Money | datetime | Means | str | None) -> str:
        """The sentence for one of several cases, or the one for any ``other``."""
        known = f"{key}.{choice}" in self._words
        return self.say(f"{key}.{choice if known else 'other'}", **values)

    def write(self, value: Money | datetime | Means | str | None) -> str:
        """A value as it is written in a sentence."""
        if isinstance(value, Money):
            return self.money(value)
        if isinstance(value, datetime):
            return self.instant(value)
        if isinstance(value, Means):
            return self.means(value)
        return value or ""

    def money(self, money: Money) -> str:
        """``1 234,50 Kč``; amounts keep their two decimal places."""
        amount = Decimal(to_decimal_text(money.amount))
        text: str = format_currency(amount, money.currency, locale=self._babel)
        # A code of letters stands apart from the number, which Babel does not see to.
        return re.sub(r"(?<=[A-Z])(?=\d)", _NBSP, text)

    def instant(self, at: datetime) -> str:
        """Day and time in UTC, the time zone of all billing periods (BILLING 3)."""
        at = at.astimezone(UTC)
        day = format_date(at, "long", locale=self._babel)
        return self._words["format.instant"].format(day=day, time=f"{at:%H:%M}")

    def day(self, at: datetime) -> str:
        """The day alone, where the hour does not matter."""
        return str(format_date(at.astimezone(UTC), "long", locale=self._babel))

    def means(self, means: Means) -> str:
        """``Visa •••• 4242``, or the name of a wallet."""
        brand = self.brand(means.brand) or self.say(
            "means.card" if means.kind == "card" else "means.wallet"
        )
        return f"{brand}{_NBSP}••••{_NBSP}{means.last4}" if means.last4 else brand

    def brand(self, brand: str | None) -> str:
        """The name of a card's brand or of a wallet, as it writes itself."""
        if brand is None:
            return ""
        return self._titles.get(brand.lower()) or brand.replace("_", " ").title()

    def country(self, code: str) -> str:
        """The name of a country."""
        return str(self._babel.territories.get(code, code))
