"""What is bought: the purchase units of an order, read as strictly as PayPal reads them.

https://developer.paypal.com/docs/api/orders/v2/#orders_create
"""

from __future__ import annotations

import re
from typing import Any, Final

from domain.money import Money, zero
from webhooks.sandbox.paypal_errors import PayPalError, malformed, missing, refused
from webhooks.sandbox.paypal_shapes import Document, amount, read_amount

_LENGTHS: Final = {
    "reference_id": 256,
    "description": 127,
    "custom_id": 255,
    "invoice_id": 127,
    "soft_descriptor": 22,
}
_ADDED: Final = ("item_total", "tax_total", "shipping", "handling", "insurance")
_TAKEN_OFF: Final = ("shipping_discount", "discount")
_KEPT: Final = (*_LENGTHS, "payee", "shipping")
_PATCHABLE: Final = ("amount", "description", "custom_id", "invoice_id", "soft_descriptor")
_PATCH_PATH: Final = re.compile(r"/purchase_units/@reference_id=='([^']*)'/(\w+)")


def read_units(document: Document) -> list[Document]:
    """The purchase units of a request, checked. Raises PayPalError (400, 422)."""
    units = document.get("purchase_units")
    if not isinstance(units, list) or not units:
        raise missing("/purchase_units")
    return [_read_unit(unit, f"/purchase_units/{place}") for place, unit in enumerate(units)]


def patch_units(units: list[Document], operation: Document) -> None:
    """Apply one operation of a PATCH (add, replace, remove) to the units in place."""
    path = operation.get("path")
    if not isinstance(path, str):
        raise PayPalError("INVALID_REQUEST", "PATCH_PATH_REQUIRED")
    found = _PATCH_PATH.fullmatch(path)
    unit = next((u for u in units if found and u["reference_id"] == found[1]), None)
    if found is None or unit is None or found[2] not in _PATCHABLE:
        raise refused("NOT_PATCHABLE", field=path)
    if operation.get("op") == "remove":
        unit.pop(found[2], None)
    elif "value" not in operation:
        raise PayPalError("INVALID_REQUEST", "PATCH_VALUE_REQUIRED", field=path)
    else:
        changed = _read_unit({**unit, found[2]: operation["value"]}, path)
        unit[found[2]] = changed[found[2]]


def _read_unit(unit: Any, field: str) -> Document:
    if not isinstance(unit, dict):
        raise malformed(field)
    for name, longest in _LENGTHS.items():
        _check_text(unit.get(name), longest, f"{field}/{name}")
    wanted = unit.get("amount")
    total = read_amount(wanted, f"{field}/amount")
    read = {"reference_id": "default", **{k: unit[k] for k in _KEPT if k in unit}}
    read["amount"] = amount(total)
    if isinstance(wanted, dict) and "breakdown" in wanted:
        _check_sum(wanted["breakdown"], total, f"{field}/amount")
        read["amount"]["breakdown"] = wanted["breakdown"]
    if "items" in unit:
        _check_items(unit, field)
        read["items"] = unit["items"]
    return read


def _check_text(text: Any, longest: int, field: str) -> None:
    if text is None:
        return
    if not isinstance(text, str):
        raise malformed(field)
    if not 1 <= len(text) <= longest:
        raise PayPalError("INVALID_REQUEST", "INVALID_STRING_LENGTH", field=field)


def _check_sum(breakdown: Document, total: Money, field: str) -> None:
    money = zero(total.currency)
    for name, part in breakdown.items():
        value = _part(part, f"{field}/breakdown/{name}", total.currency)
        if name in _ADDED:
            money += value
        elif name in _TAKEN_OFF:
            money -= value
    if money != total:
        raise refused("AMOUNT_MISMATCH", field=f"{field}/value")


def _check_items(unit: Document, field: str) -> None:
    breakdown = unit["amount"].get("breakdown", {})
    if "item_total" not in breakdown:
        raise refused("ITEM_TOTAL_REQUIRED", field=f"{field}/amount/breakdown/item_total")
    currency = unit["amount"]["currency_code"]
    money = zero(currency)
    for place, item in enumerate(unit["items"]):
        here = f"{field}/items/{place}"
        _check_text(item.get("name", ""), 127, f"{here}/name")
        quantity = str(item.get("quantity", ""))
        if not quantity.isdecimal():
            raise malformed(f"{here}/quantity")
        one = _part(item.get("unit_amount"), f"{here}/unit_amount", currency)
        money += Money(one.amount * int(quantity), currency)
    if money != _part(breakdown["item_total"], field, currency):
        raise refused("ITEM_TOTAL_MISMATCH", field=f"{field}/amount/breakdown/item_total")


def _part(document: Any, field: str, currency: str) -> Money:
    """A part of a total, which may be nothing at all."""
    if isinstance(document, dict) and document.get("value") in {"0", "0.0", "0.00"}:
        return zero(currency)
    money = read_amount(document, field)
    if money.currency != currency:
        raise refused("CURRENCY_MISMATCH", field=field)
    return money
