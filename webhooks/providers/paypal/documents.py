"""Reading PayPal's documents: amounts, states, times and references in their v1 and v2 spelling.

v1 writes ``state`` in lower case and ``amount.total`` / ``amount.currency``, v2 ``status`` in upper
case and ``amount.value`` / ``amount.currency_code``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from domain.errors import Permanent
from domain.money import Money, from_decimal_text

Document: TypeAlias = dict[str, Any]

ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
"""What an id may look like before it becomes part of a path."""

WITHOUT_DECIMALS: Final = ("HUF", "JPY", "TWD")
"""PayPal takes whole units only: https://developer.paypal.com/api/rest/reference/currency-codes/"""

_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


def money(amount: Any) -> Money:
    """An amount in v1 or v2 spelling. Raises ``Permanent`` for anything else."""
    fields = amount if isinstance(amount, dict) else {}
    value = fields.get("value", fields.get("total"))
    currency = fields.get("currency_code", fields.get("currency"))
    if not isinstance(value, str) or not isinstance(currency, str):
        raise Permanent("PayPal's document holds no amount of money where one must be")
    if not _CURRENCY.fullmatch(currency) or currency in WITHOUT_DECIMALS:
        raise Permanent(f"PayPal names an amount in {currency!r}, which is not sold in")
    try:
        return from_decimal_text(value, currency)
    except ValueError as error:
        raise Permanent(f"PayPal's document holds a wrong amount: {error}") from error


def positive(amount: Any) -> Money:
    """An amount without its sign: v1 writes refunds as negative, v2 as positive."""
    found = money(amount)
    return -found if found.amount < 0 else found


def status(document: Document) -> str:
    """The state in upper case; empty when there is none."""
    return (text(document, "status") or text(document, "state") or "").upper()


def instant(value: Any) -> datetime | None:
    """An instant in UTC; None for what has no zone, an impossible date or ends in ``PDT``."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.astimezone(UTC) if read.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def text(document: Any, *path: str) -> str | None:
    """A text deep inside a document; None when it is absent, empty or no text."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, str) and document else None


def section(document: Any, *path: str) -> Document:
    """A part of a document; empty when it is absent."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def sections(document: Any, name: str) -> list[Document]:
    """The parts in a list; empty when it is absent."""
    found = document.get(name) if isinstance(document, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def identifier(document: Document, name: str = "id") -> str:
    """An id that can be asked for. Raises ``Permanent`` when there is none or it is none."""
    found = text(document, name)
    if found is None or not ID.fullmatch(found):
        raise Permanent(f"the event does not hold the id {name!r} that its type must hold")
    return found


def linked_id(document: Document, collection: str, *relations: str) -> str | None:
    """The id at the end of a link's address: ``…/captures/ID`` for ``captures``."""
    end = re.compile(rf"/{re.escape(collection)}/([A-Za-z0-9_-]{{1,64}})/?", re.ASCII)
    for address in _addresses(document, relations):
        path = address.partition("?")[0]
        found = end.fullmatch(path, max(path.rfind(f"/{collection}/"), 0))
        if found:
            return found.group(1)
    return None


def link(document: Document, *relations: str) -> str | None:
    """The address of the first link with one of these relations."""
    return next(_addresses(document, relations), None)


def our_order(document: Document) -> str | None:
    """Our own order's id: ``custom_id`` and ``invoice_id`` (v2), ``custom`` and
    ``invoice_number`` (v1, often empty)."""
    names = ("custom_id", "invoice_id", "custom", "invoice_number")
    return next(filter(None, (text(document, name) for name in names)), None)


def order_of_checkout(document: Document) -> str | None:
    """Our own order's id in a PayPal order, whose purchase unit carries it."""
    return next(filter(None, map(our_order, sections(document, "purchase_units"))), None)


def captures_of(order: Document) -> list[Document]:
    """The captures inside a PayPal order."""
    units = sections(order, "purchase_units")
    return [one for unit in units for one in sections(section(unit, "payments"), "captures")]


def _addresses(document: Document, relations: tuple[str, ...]) -> Iterator[str]:
    for relation in relations:
        for one in sections(document, "links"):
            address = text(one, "href")
            if one.get("rel") == relation and address:
                yield address
