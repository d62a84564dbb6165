"""Billing plans: what a subscription costs, and when.

https://developer.paypal.com/docs/api/subscriptions/v1/#plans
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta
from typing import Final

from starlette.routing import BaseRoute

from domain.money import Money
from webhooks.sandbox.paypal_calls import Answer, Call, endpoint
from webhooks.sandbox.paypal_errors import malformed, missing, not_found
from webhooks.sandbox.paypal_events import announce
from webhooks.sandbox.paypal_ids import plan_id
from webhooks.sandbox.paypal_shapes import Document, instant, link, money_of, read_amount
from webhooks.sandbox.world import World

_DAYS: Final = {"DAY": 1, "WEEK": 7}
_MONTHS: Final = {"MONTH": 1, "YEAR": 12}
_TERMS: Final = ("product_id", "name", "description", "taxes", "quantity_supported")


def routes(world: World) -> list[BaseRoute]:
    """Under the API's base."""
    return [
        endpoint(world, "POST", "/v1/billing/plans", create_plan),
        endpoint(world, "GET", "/v1/billing/plans/{id}", show_plan),
    ]


def create_plan(call: Call) -> Answer:
    """POST plans: active at once."""
    for field in ("product_id", "name", "billing_cycles"):
        if not call.document.get(field):
            raise missing(f"/{field}")
    for place, cycle in enumerate(call.document["billing_cycles"]):
        _check_cycle(cycle, f"/billing_cycles/{place}")
    key, now = plan_id(call.world), instant(call.world.now())
    preferences = {"payment_failure_threshold": 0, "auto_bill_outstanding": True}
    plan: Document = {
        "id": key,
        "status": call.document.get("status", "ACTIVE"),
        "usage_type": "LICENSED",
        **{name: call.document[name] for name in _TERMS if name in call.document},
        "billing_cycles": call.document["billing_cycles"],
        "payment_preferences": {**preferences, **call.document.get("payment_preferences", {})},
        "create_time": now,
        "update_time": now,
        "links": [link(f"{call.api}/v1/billing/plans/{key}", "self")],
    }
    call.world.store.put("paypal_plan", key, plan)
    announce(call.world, "BILLING.PLAN.CREATED", plan)
    return Answer(plan, 201)


def show_plan(call: Call) -> Answer:
    """GET plans/{id}."""
    return Answer(plan_of(call.world, call.id))


def plan_of(world: World, key: str) -> Document:
    """The plan with this id. Raises PayPalError (404) when there is none."""
    plan = world.store.get("paypal_plan", key)
    if plan is None:
        raise not_found()
    return plan


def cycle_after(plan: Document, completed: int) -> Document | None:
    """The billing cycle to be charged next when ``completed`` were; None when all are over."""
    for cycle in sorted(plan["billing_cycles"], key=lambda cycle: int(cycle["sequence"])):
        total = int(cycle.get("total_cycles", 1))
        if total == 0 or completed < total:
            return dict(cycle)
        completed -= total
    return None


def price_of(cycle: Document, quantity: int) -> Money | None:
    """What a cycle costs; None for a free trial."""
    fixed = cycle.get("pricing_scheme", {}).get("fixed_price")
    if fixed is None:
        return None
    money = money_of(fixed)
    return Money(money.amount * quantity, money.currency) if money else None


def end_of_cycle(start: datetime, cycle: Document, anchor_day: int) -> datetime:
    """When the cycle that begins at ``start`` is over."""
    unit = cycle["frequency"]["interval_unit"]
    count = int(cycle["frequency"].get("interval_count", 1))
    if unit in _DAYS:
        return start + timedelta(days=_DAYS[unit] * count)
    months = start.year * 12 + start.month - 1 + _MONTHS[unit] * count
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(anchor_day, last))


def _check_cycle(cycle: Document, field: str) -> None:
    if cycle.get("tenure_type") not in {"REGULAR", "TRIAL"}:
        raise malformed(f"{field}/tenure_type")
    if cycle.get("frequency", {}).get("interval_unit") not in {*_DAYS, *_MONTHS}:
        raise malformed(f"{field}/frequency/interval_unit")
    if not str(cycle.get("sequence", "")).isdecimal():
        raise missing(f"{field}/sequence")
    if cycle["tenure_type"] == "REGULAR":
        price = cycle.get("pricing_scheme", {}).get("fixed_price")
        read_amount(price, f"{field}/pricing_scheme/fixed_price")
