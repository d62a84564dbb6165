"""Renders objects in the shape of an API version.

Objects are kept in the newest shape, with what older shapes need beside it in fields that begin
with an underscore. ``CHANGES`` lists what moved and when (https://docs.stripe.com/changelog).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from webhooks.sandbox.state import Document, Store

NEWEST = "2026-10-28.endive"
OLD = "2020-03-02"


def kind(noun: str) -> str:
    """The kind under which the store keeps Stripe's objects of a type."""
    return f"stripe.{noun}"


def render(document: Document, version: str, store: Store) -> Document:
    """``document`` as an API of this version shows it."""
    shown = {name: value for name, value in document.items() if not name.startswith("_")}
    date = version[:10]
    for until, noun, change in CHANGES:
        if date < until and shown.get("object") == noun:
            change(shown, document, store)
    return shown


def difference(before: Document, after: Document) -> Document:
    """``previous_attributes``: what was there before and is not there now."""
    changed: Document = {}
    for name, value in after.items():
        old = before.get(name)
        if old == value:
            continue
        if isinstance(old, dict) and isinstance(value, dict):
            changed[name] = difference(old, value)
        else:
            changed[name] = old
    return changed


def _listing(url: str, data: list[Any]) -> Document:
    return {
        "object": "list",
        "data": data,
        "has_more": False,
        "total_count": len(data),
        "url": url,
    }


def _embed_charges(shown: Document, document: Document, store: Store) -> None:
    charges = store.find(kind("charge"), payment_intent=document["id"])
    shown["charges"] = _listing(
        f"/v1/charges?payment_intent={document['id']}",
        [render(charge, OLD, store) for charge in reversed(charges)],
    )
    shown.pop("latest_charge", None)


def _embed_refunds(shown: Document, document: Document, store: Store) -> None:
    refunds = store.find(kind("refund"), charge=document["id"])
    data = [render(refund, OLD, store) for refund in reversed(refunds)]
    shown["refunds"] = _listing(f"/v1/charges/{document['id']}/refunds", data)


def _name_invoice(shown: Document, document: Document, _store: Store) -> None:
    shown["invoice"] = document.get("_invoice")


def _flatten_invoice(shown: Document, document: Document, store: Store) -> None:
    parent = shown.pop("parent", None) or {}
    shown["subscription"] = (parent.get("subscription_details") or {}).get("subscription")
    shown["payment_intent"] = document.get("_payment_intent")
    shown["charge"] = document.get("_charge")
    shown["paid"] = shown["status"] == "paid"
    shown["tax"] = None
    shown["discount"] = None
    lines = dict(shown["lines"])
    lines["data"] = [_flatten_line(line, store) for line in lines["data"]]
    shown["lines"] = lines


def _flatten_line(line: Document, store: Store) -> Document:
    shown = dict(line)
    details = (shown.pop("parent", None) or {}).get("subscription_item_details") or {}
    pricing = (shown.pop("pricing", None) or {}).get("price_details") or {}
    price = store.get(kind("price"), pricing.get("price", ""))
    shown["type"] = "subscription"
    shown["subscription"] = details.get("subscription")
    shown["subscription_item"] = details.get("subscription_item")
    shown["proration"] = details.get("proration", False)
    shown["price"] = price
    shown["plan"] = plan(price) if price else None
    return shown


def _lift_period(shown: Document, _document: Document, _store: Store) -> None:
    items = dict(shown["items"])
    items["data"] = [dict(item) for item in items["data"]]
    for item in items["data"]:
        for name in ("current_period_start", "current_period_end"):
            shown[name] = item.pop(name)
    shown["items"] = items
    shown["plan"] = items["data"][0]["plan"] if len(items["data"]) == 1 else None
    shown["quantity"] = sum(item["quantity"] for item in items["data"])


def _forget_customer_account(shown: Document, _document: Document, _store: Store) -> None:
    shown.pop("customer_account", None)


def _forget_payer(shown: Document, _document: Document, _store: Store) -> None:
    for name in ("customer", "customer_account", "payment_method"):
        shown.pop(name, None)


def _forget_allowed_types(shown: Document, _document: Document, _store: Store) -> None:
    shown.pop("allowed_payment_method_types", None)


def plan(price: Document) -> Document:
    """The plan that older code reads beside a recurring price."""
    recurring = price["recurring"] or {}
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": str(price["unit_amount"]),
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring.get("interval"),
        "interval_count": recurring.get("interval_count"),
        "livemode": False,
        "metadata": price["metadata"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


Change = Callable[[Document, Document, Store], None]

ALLOWED_TYPES_SINCE = "2026-09-30"
"""From then on requests say ``allowed_payment_method_types`` instead of
``payment_method_types``."""

CHANGES: list[tuple[str, str, Change]] = [
    ("2022-11-15", "payment_intent", _embed_charges),
    ("2022-11-15", "charge", _embed_refunds),
    ("2025-03-31", "payment_intent", _name_invoice),
    ("2025-03-31", "charge", _name_invoice),
    ("2025-03-31", "invoice", _flatten_invoice),
    ("2025-03-31", "subscription", _lift_period),
    ("2025-09-30", "payment_method", _forget_customer_account),
    ("2025-09-30", "payment_intent", _forget_customer_account),
    ("2025-09-30", "refund", _forget_payer),
    ("2025-09-30", "checkout.session", _forget_customer_account),
    (ALLOWED_TYPES_SINCE, "payment_intent", _forget_allowed_types),
    (ALLOWED_TYPES_SINCE, "setup_intent", _forget_allowed_types),
    (ALLOWED_TYPES_SINCE, "checkout.session", _forget_allowed_types),
    ("2025-09-30", "invoice", _forget_customer_account),
    ("2025-09-30", "subscription", _forget_customer_account),
]
"""(versions before this date, type of object, how they show it)."""
