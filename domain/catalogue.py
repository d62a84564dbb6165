"""What is sold, and the numbers of the business rules, read from a TOML file (BILLING 2). A mistake
stops the process with file, line and reason. Prices are net, in decimal text (``"19.00"``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from domain.errors import Misconfigured, Permanent
from domain.money import CURRENCIES, Money, from_decimal_text
from domain.periods import MONTHS

BUNDLED: Final = Path(__file__).with_name("catalogue.toml")

Interval = Literal["month", "year"]
Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]
Price = Annotated[str, msgspec.Meta(pattern=r"^\d{1,9}(\.\d{1,2})?$")]
Prices = dict[str, Price]
Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; unknown keys are mistakes."""


class Seller(_Part, frozen=True, kw_only=True):
    """Who issues the invoices."""

    name: str
    street: str
    city: str
    postal_code: str
    country: Country
    vat_number: str
    registration: str = ""
    email: str
    website: str = ""
    iban: str = ""


class Plan(_Part, frozen=True, kw_only=True):
    """One plan: price per agent by interval and currency, and its conversations per month."""

    title: str
    included_conversations: NotNegative
    max_conversations: NotNegative
    month: Prices
    year: Prices


class Packs(_Part, frozen=True, kw_only=True):
    """Further chatbot conversations, sold in packs of ``size`` per month."""

    size: Positive
    month: Prices
    year: Prices


class VatRate(_Part, frozen=True, kw_only=True):
    """The standard rate of a country from a day on, in percent as decimal text."""

    country: Country
    percent: Annotated[str, msgspec.Meta(pattern=r"^\d{1,2}(\.\d{1,2})?$")]
    since: date


class Vat(_Part, frozen=True, kw_only=True):
    """Value added tax (BILLING 9)."""

    number_valid_days: Positive
    rates: list[VatRate]


class Renewal(_Part, frozen=True, kw_only=True):
    """Auto-renew (BILLING 5): when it is tried, and how long access lasts meanwhile.

    ``reminder_days``: how many days before the end the customer is told, by interval; an interval
    that is not named has no reminder.
    """

    ahead_hours: Positive
    reminder_days: dict[str, Positive] = msgspec.field(default_factory=lambda: {"year": 14})
    retry_days: list[NotNegative]
    grace_days: Positive


class Expiry(_Part, frozen=True, kw_only=True):
    """Warnings before the end, in days (BILLING 6)."""

    warning_days: list[Positive]


class Refunds(_Part, frozen=True, kw_only=True):
    """The refund window after the first payment (BILLING 7)."""

    window_days: Positive


class Orders(_Part, frozen=True, kw_only=True):
    """How long an order may stay open."""

    expire_hours: Annotated[int, msgspec.Meta(ge=1, le=24)]


class Invoicing(_Part, frozen=True, kw_only=True):
    """How numbers look: prefix per kind, then the year and six digits."""

    invoice_prefix: Annotated[str, msgspec.Meta(pattern="^[A-Z0-9-]{0,8}$")]
    credit_note_prefix: Annotated[str, msgspec.Meta(pattern="^[A-Z0-9-]{1,8}$")]


class Catalogue(_Part, frozen=True, kw_only=True):
    """The whole file, validated."""

    seller: Seller
    plans: dict[str, Plan]
    packs: Packs
    vat: Vat
    renewal: Renewal
    expiry: Expiry
    refunds: Refunds
    orders: Orders
    invoicing: Invoicing

    def plan(self, name: str) -> Plan:
        """A plan by its name. Raises ``Permanent`` if it is not sold."""
        if name not in self.plans:
            raise Permanent(f"plan {name!r} is not in the catalogue ({', '.join(self.plans)})")
        return self.plans[name]

    def agent_price(self, plan: str, interval: str, currency: str) -> Money:
        """Net price of one agent for one interval. Raises ``Permanent`` if it is not sold."""
        return from_decimal_text(_by_interval(self.plan(plan), interval)[currency], currency)

    def pack_price(self, interval: str, currency: str) -> Money:
        """Net price of one pack of conversations for one interval."""
        return from_decimal_text(_by_interval(self.packs, interval)[currency], currency)

    def plan_title(self, plan: str) -> str:
        """The name of a plan for people, also of one that is sold no more."""
        return self.plans[plan].title if plan in self.plans else plan.capitalize()

    def vat_percent(self, country: str, on: date) -> Decimal | None:
        """The standard VAT rate of ``country`` on a day, in percent; None if none is known."""
        rates = [r for r in self.vat.rates if r.country == country and r.since <= on]
        return Decimal(max(rates, key=lambda r: r.since).percent) if rates else None

    def vat_countries(self) -> frozenset[str]:
        """Countries with a rate: the EU as far as this seller is concerned."""
        return frozenset(rate.country for rate in self.vat.rates)


def load(path: Path = BUNDLED) -> Catalogue:
    """Read and validate a catalogue. Raises ``Misconfigured`` with file, line and reason."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"BILLHOOK_CATALOGUE: cannot read {path}: {error}") from error
    return _parse(text, str(path))


@lru_cache(maxsize=4)
def _parse(text: str, name: str) -> Catalogue:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{name}: {error}") from error
    for path, value, kind in _parts(document):
        _convert(value, kind, path, text, name)
    catalogue: Catalogue = _convert(document, Catalogue, "", text, name)
    _check(catalogue, text, name)
    return catalogue


def _parts(document: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Every part by its own path, the smallest first: the decoder does not say which key of a
    table or which entry of a list is wrong."""
    plans = _table(document.get("plans"))
    tables = {f"plans.{key}": plan for key, plan in plans.items()}
    for path, table in (*tables.items(), ("packs", document.get("packs"))):
        for interval in MONTHS:
            for currency, price in _table(_table(table).get(interval)).items():
                yield f"{path}.{interval}.{currency}", price, Price
    yield from ((path, plan, Plan) for path, plan in tables.items())
    rates = _table(document.get("vat")).get("rates")
    for number, rate in enumerate(rates if isinstance(rates, list) else ()):
        yield f"vat.rates[{number}]", rate, VatRate


def _table(value: Any) -> dict[str, Any]:
    """The value if it is a table; what is wrong otherwise is told when the whole is read."""
    return value if isinstance(value, dict) else {}


def _convert(value: Any, kind: Any, path: str, text: str, name: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        reason, inner = _split(str(error))
        if kind is Price:
            reason = f'a price is decimal text such as "19.00", not {value!r}'
        raise _mistake(text, name, reason, ".".join(filter(None, (path, inner)))) from error


def _by_interval(part: Plan | Packs, interval: str) -> Prices:
    return part.month if interval == "month" else part.year


def _check(catalogue: Catalogue, text: str, name: str) -> None:
    if set(catalogue.plans) != {"standard", "pro"}:
        raise _mistake(text, name, "the plans are exactly standard and pro", "plans")
    for path, prices in _price_tables(catalogue):
        _check_prices(path, prices, text, name)
    for key, plan in catalogue.plans.items():
        _check_conversations(key, plan, catalogue.packs.size, text, name)
    _check_order("renewal.retry_days", catalogue.renewal.retry_days, text, name)
    _check_order("expiry.warning_days", catalogue.expiry.warning_days[::-1], text, name)
    _check_reminders(catalogue.renewal, text, name)
    if catalogue.vat_percent(catalogue.seller.country, date.max) is None:
        raise _mistake(text, name, "has no VAT rate in vat.rates", "seller.country")


def _price_tables(catalogue: Catalogue) -> list[tuple[str, Prices]]:
    tables = [(f"plans.{key}", plan) for key, plan in catalogue.plans.items()]
    parts: list[tuple[str, Plan | Packs]] = [*tables, ("packs", catalogue.packs)]
    return [(f"{path}.{each}", _by_interval(part, each)) for path, part in parts for each in MONTHS]


def _check_prices(path: str, prices: Prices, text: str, name: str) -> None:
    if set(prices) != set(CURRENCIES):
        wanted = ", ".join(CURRENCIES)
        raise _mistake(text, name, f"needs a price in each of {wanted} and no other", path)
    for currency, price in prices.items():
        try:
            positive = Decimal(price) > 0
        except InvalidOperation:
            positive = False
        if not positive:
            raise _mistake(text, name, "a price must be above zero", f"{path}.{currency}")


def _check_conversations(key: str, plan: Plan, pack: int, text: str, name: str) -> None:
    extra = plan.max_conversations - plan.included_conversations
    if extra < 0 or extra % pack:
        reason = f"must be included_conversations plus whole packs of {pack}"
        raise _mistake(text, name, reason, f"plans.{key}.max_conversations")


def _check_order(path: str, days: list[int], text: str, name: str) -> None:
    if not days or sorted(set(days)) != days:
        raise _mistake(text, name, "must be a list of different days in order of time", path)


def _check_reminders(renewal: Renewal, text: str, name: str) -> None:
    for interval, days in renewal.reminder_days.items():
        # Within the shortest such period, and before the first try to charge.
        if not renewal.ahead_hours < 24 * days < 24 * 28 * MONTHS.get(interval, 0):
            reason = "names month or year, with days before the charge and within the period"
            raise _mistake(text, name, reason, "renewal.reminder_days")


def _split(message: str) -> tuple[str, str]:
    reason, _, path = message.partition(" - at `$")
    return reason, re.sub(r"\[\.\.\.\]|\[\d+\]", "", path.strip("`")).lstrip(".")


def _mistake(text: str, name: str, reason: str, path: str) -> Misconfigured:
    where = f"{path}: " if path else ""
    return Misconfigured(f"{name}, line {_line_of(text, path)}: {where}{reason}")


_RATE: Final = re.compile(r"\s*\{\s*\w+\s*=")


def _line_of(text: str, path: str) -> int:
    """The line where the last known part of a dotted path stands; 1 if none does."""
    if match := re.search(r"^vat\.rates\[(\d+)\]", path):
        entries = [n for n, line in enumerate(text.splitlines(), 1) if _RATE.match(line)]
        return dict(enumerate(entries)).get(int(match[1]), 1)
    *table, key = path.split(".") if path else [""]
    header, found = "", 1
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"\s*\[+([^\]]+)\]+", line):
            header = match[1].strip()
            if header in {path, ".".join(table)}:
                found = number
        elif header == ".".join(table) and re.match(rf"\s*{re.escape(key)}\s*=", line):
            return number
    return found
