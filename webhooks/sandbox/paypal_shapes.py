"""How PayPal writes things: money, times and links.

Resources are kept in their v2 shape; members whose name begins with ``_`` are the sandbox's own
and never leave it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from domain.money import Money, from_decimal_text, to_decimal_text
from webhooks.sandbox.paypal_errors import PayPalError, malformed, missing

Document = dict[str, Any]

_ACCEPTED: Final = frozenset({"CZK", "EUR", "USD", "PLN"})
"""Of PayPal's currencies those with two decimals that are sold in here."""


def public(value: Any) -> Any:
    """A copy without the sandbox's own members, at any depth."""
    if isinstance(value, dict):
        return {k: public(v) for k, v in value.items() if not k.startswith("_")}
    if isinstance(value, list):
        return [public(item) for item in value]
    return value


def instant(at: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as most of PayPal's resources have it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant_with_millis(at: datetime) -> str:
    """As the envelopes of events have it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def parse_instant(text: str) -> datetime:
    """Raises ValueError for what is not an instant with a zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at.astimezone(UTC)


def amount(money: Money) -> Document:
    """``{"currency_code": "EUR", "value": "49.00"}``."""
    return {"currency_code": money.currency, "value": to_decimal_text(money.amount)}


def amount_v1(money: Money) -> Document:
    """``{"total": "49.00", "currency": "EUR"}``."""
    return {"total": to_decimal_text(money.amount), "currency": money.currency}


def money_of(document: Document) -> Money:
    """Read back what ``amount`` or ``amount_v1`` wrote."""
    if "currency" in document:
        return from_decimal_text(document.get("total") or document["value"], document["currency"])
    return from_decimal_text(document["value"], document["currency_code"])


def read_amount(document: Any, field: str) -> Money:
    """The money a caller sent at the JSON pointer ``field``; refuses what PayPal refuses."""
    if not isinstance(document, dict):
        raise missing(field)
    currency, value = document.get("currency_code"), document.get("value")
    if currency is None or value is None:
        raise missing(f"{field}/{'currency_code' if currency is None else 'value'}")
    return _money(str(value), currency, field, f"{field}/currency_code")


def read_amount_v1(document: Any) -> Money:
    """The same for v1: ``{"total", "currency"}``."""
    if not isinstance(document, dict) or "total" not in document or "currency" not in document:
        raise missing("/amount/total")
    return _money(str(document["total"]), document["currency"], "/amount", "/amount/currency")


def _money(value: str, currency: Any, field: str, currency_field: str) -> Money:
    if currency not in _ACCEPTED:
        raise PayPalError("UNPROCESSABLE_ENTITY", "INVALID_CURRENCY_CODE", field=currency_field)
    try:
        money = from_decimal_text(value, currency)
    except ValueError:
        raise malformed(f"{field}/value") from None
    if money.amount <= 0:
        raise malformed(f"{field}/value")
    return money


def link(href: str, rel: str, method: str = "GET") -> Document:
    """One HATEOAS link."""
    return {"href": href, "rel": rel, "method": method}


def linked(document: Document, rel: str) -> str | None:
    """The address of the link with this relation."""
    return next((entry["href"] for entry in document["links"] if entry["rel"] == rel), None)
