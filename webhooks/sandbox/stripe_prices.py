"""Products and prices, as far as checkouts and subscriptions need them."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import invalid, missing
from webhooks.sandbox.stripe_forms import Params

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


def create_product(account: StripeAccount, params: Params) -> Document:
    """POST /v1/products"""
    return new_product(account, params.required("name"), params.metadata())


def retrieve_product(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/products/{id}"""
    return account.fetch("product", key)


def create_price(account: StripeAccount, params: Params) -> Document:
    """POST /v1/prices"""
    return new_price(account, params, active=True)


def retrieve_price(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/prices/{id}"""
    return account.fetch("price", key)


def price_of(account: StripeAccount, item: Params) -> Document:
    """The price of a line item: a kept one, or one made on the spot from ``price_data``."""
    if price := item.text("price"):
        return account.fetch("price", price, "price")
    if "price_data" not in item:
        raise missing("line_items[0][price]")
    return new_price(account, item.table("price_data"), active=False)


def new_product(account: StripeAccount, name: str, metadata: dict[str, str]) -> Document:
    """Keep a product."""
    product = account.new(
        "prod",
        active=True,
        default_price=None,
        description=None,
        images=[],
        metadata=metadata,
        name=name,
        type="service",
        updated=account.now(),
    )
    return account.save(product)


def new_price(account: StripeAccount, params: Params, *, active: bool) -> Document:
    """Keep a price from its parameters. An inline one is not active, as at Stripe."""
    currency, amount = params.currency(), params.amount("unit_amount")
    price = account.new(
        "price",
        active=active,
        billing_scheme="per_unit",
        currency=currency,
        custom_unit_amount=None,
        lookup_key=params.text("lookup_key"),
        metadata=params.metadata(),
        nickname=params.text("nickname"),
        product=_product_id(account, params),
        recurring=_recurring(params.table("recurring")),
        tax_behavior=params.text("tax_behavior") or "unspecified",
        tiers_mode=None,
        transform_quantity=None,
        unit_amount=amount,
        unit_amount_decimal=str(amount),
    )
    price["type"] = "recurring" if price["recurring"] else "one_time"
    return account.save(price)


def period_start(anchor: int, price: Document, number: int) -> int:
    """The start of a subscription's period ``number`` (0 is the first), by the calendar: the day
    of ``anchor``, or the last of a shorter month."""
    interval: str = price["recurring"]["interval"]
    count: int = price["recurring"]["interval_count"]
    if interval in _DAYS:
        return anchor + number * count * _DAYS[interval] * 86400
    first = datetime.fromtimestamp(anchor, UTC)
    months = first.year * 12 + first.month - 1 + number * count * _MONTHS[interval]
    year, month = divmod(months, 12)
    day = min(first.day, calendar.monthrange(year, month + 1)[1])
    return int(first.replace(year=year, month=month + 1, day=day).timestamp())


def _product_id(account: StripeAccount, params: Params) -> str:
    if product := params.text("product"):
        return str(account.fetch("product", product, "product")["id"])
    data = params.table("product_data")
    return str(new_product(account, data.required("name"), data.metadata())["id"])


def _recurring(given: Params) -> Document | None:
    if not given:
        return None
    interval = given.required("interval")
    if interval not in (*_MONTHS, *_DAYS):
        raise invalid("recurring[interval]", f"Invalid interval: {interval}")
    return {
        "interval": interval,
        "interval_count": given.integer("interval_count") or 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }
