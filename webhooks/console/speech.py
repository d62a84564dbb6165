"""The words, numbers, dates and money of the console in the visitor's language.

English texts stand in the code and are the keys of ``words/<language>/*.toml``. A text that has no
translation is shown in English; a test finds those, and translations that nobody uses.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent
from markupsafe import Markup, escape

from domain import clock
from domain.money import CURRENCIES, Money
from domain.operators import LANGUAGES

NAMES: Final = {"en": "English", "fr": "Français", "cs": "Čeština"}
"""Every language by its own name."""
LOCALES: Final = {"en": "en_GB", "fr": "fr", "cs": "cs"}
INSTANTS: Final = {"en": "d MMM y, HH:mm", "fr": "d MMM y, HH:mm", "cs": "d. M. y, H:mm"}
"""Date and time of day as the language writes them."""
_GLUED: Final = re.compile(r"(?<=[A-Za-z])(?=\d)")
_NAME: Final = re.compile(r"[a-z0-9_]+")
_AMOUNT: Final = re.compile(rf"(?<![\w.])(-?\d+)\.(\d\d) ({'|'.join(CURRENCIES)})\b")
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?: UTC|Z|\+00:00)(?!\w)"
)
WORDS: Final = Path(__file__).with_name("words")


def mark(text: str) -> str:
    """The text itself: marks a text of a table for translation; ``say`` translates it later."""
    return text


class Speech:
    """One language of the console."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"
        self.locale = Locale.parse(LOCALES[self.language])
        self._words = words(self.language)

    def say(self, text: str, **values: Any) -> str:
        """A text with its values filled in; values that are markup stay it."""
        return _filled(self.words_of(text), values)

    def words_of(self, text: str) -> str:
        """A text with its places left open, for whoever fills them in."""
        return str(self._words.get(text, text))

    def plural(self, one: str, many: str, count: int, **values: Any) -> str:
        """The form of a text that goes with ``count``; translations stand under ``many``."""
        forms = self._words.get(many)
        if isinstance(forms, dict):
            text = forms.get(self.locale.plural_form(count)) or forms["other"]
        else:
            text = one if count == 1 else many
        return _filled(text, {"count": self.number(count), **values})

    def term(self, value: str) -> str:
        """A word that the store uses (a state, a kind, a rule), for people."""
        plain = value.replace("_", " ") if _NAME.fullmatch(value) else value
        return str(self._words.get(value, plain))

    def told(self, text: str) -> str:
        """A sentence or value of the store with its amounts (``49.00 EUR``) and its instants as
        the language writes them."""
        text = _AMOUNT.sub(lambda found: self.amount(_minor(found), found[3]), text)
        return _MOMENT.sub(lambda found: f"{self.instant(_utc(found[1]))} UTC", text)

    def number(self, value: float | Decimal) -> str:
        """A number with its groups of digits."""
        return format_decimal(value, locale=self.locale)

    def percent(self, share: float) -> str:
        """A share of one as per cent, one decimal place."""
        return format_percent(share, "#,##0.0 %", locale=self.locale)

    def money(self, amount: Money) -> str:
        """An amount with its currency."""
        value = Decimal(amount.amount) / 100
        text = format_currency(value, amount.currency, locale=self.locale)
        # CLDR sets letters apart from digits; Babel leaves them together.
        return _GLUED.sub("\N{NO-BREAK SPACE}", text)

    def day(self, day: date) -> str:
        """A date."""
        return format_date(day, "medium", locale=self.locale)

    def amount(self, minor: int, currency: str) -> str:
        """The same of minor units and a currency."""
        return self.money(Money(minor, currency))

    def day_of_month(self, day: date) -> str:
        """Day and month, without the year."""
        return format_date(day, "d. M." if self.language == "cs" else "d MMM", locale=self.locale)

    def instant(self, at: datetime) -> str:
        """Date and time of day, to the minute, in UTC."""
        return format_datetime(at, INSTANTS[self.language], locale=self.locale)

    def exact(self, at: datetime) -> str:
        """Date and time of day, to the second, with the time zone."""
        return format_datetime(at, f"{INSTANTS[self.language]}:ss 'UTC'", locale=self.locale)

    def ago(self, at: datetime) -> str:
        """How long ago that was, or in how long it will be."""
        away = at - clock.now()
        return format_timedelta(away, add_direction=True, threshold=1.2, locale=self.locale)

    def span(self, length: timedelta) -> str:
        """A span of time, roughly."""
        return format_timedelta(length, threshold=1.2, locale=self.locale)


def chosen_language(accepted: str) -> str:
    """The language of ours that a browser's ``Accept-Language`` likes best."""
    wishes = []
    for position, wish in enumerate(accepted.split(",")[:20]):
        name, _, quality = wish.strip().partition(";q=")
        wishes.append((-_quality(quality), position, name.strip()[:2].lower()))
    return next((name for _, _, name in sorted(wishes) if name in LANGUAGES), "en")


@lru_cache(maxsize=len(LANGUAGES))
def words(language: str) -> dict[str, str | dict[str, str]]:
    """Every translation into a language, of all files together."""
    found: dict[str, str | dict[str, str]] = {}
    for path in files(language):
        found.update(tomllib.loads(path.read_text(encoding="utf-8")))
    return found


def files(language: str) -> Sequence[Path]:
    """The files of a language, one per page."""
    return sorted((WORDS / language).glob("*.toml"))


@lru_cache(maxsize=len(LANGUAGES))
def speech(language: str) -> Speech:
    """The speech of a language, made once."""
    return Speech(language)


def _filled(text: str, values: dict[str, Any]) -> str:
    if any(hasattr(value, "__html__") for value in values.values()):
        return Markup(escape(text)).format(**values)  # noqa: S704 - escaped
    return text.format(**values) if values else text


def _minor(found: re.Match[str]) -> int:
    return int(found[1] + found[2])


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _quality(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
