"""The life of a subscription that PayPal runs: approved, charged, failed, suspended, ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from domain.money import Money, zero
from webhooks.sandbox.paypal_calls import api_of
from webhooks.sandbox.paypal_errors import refused
from webhooks.sandbox.paypal_events import announce, speaks_v1
from webhooks.sandbox.paypal_plans import cycle_after, end_of_cycle, plan_of, price_of
from webhooks.sandbox.paypal_sales import charge
from webhooks.sandbox.paypal_shapes import Document, amount, instant, link, parse_instant
from webhooks.sandbox.paypal_v1 import agreement_v1
from webhooks.sandbox.paypal_vault import BUYER, wallet_of
from webhooks.sandbox.world import World

_WAYS: Final = {
    "CANCELLED": ({"ACTIVE", "SUSPENDED", "APPROVAL_PENDING"}, "CANCELLED"),
    "SUSPENDED": ({"ACTIVE"}, "SUSPENDED"),
    "ACTIVE": ({"SUSPENDED"}, "ACTIVATED"),
    "EXPIRED": ({"ACTIVE", "SUSPENDED"}, "EXPIRED"),
}
"""Status → from which ones it is reached, and the event that says so."""

_RETRY: Final = timedelta(days=5)
_RETRIES: Final = 2
"""A failed payment is tried again every 5 days, at most twice in a cycle:
https://developer.paypal.com/docs/subscriptions/customize/payment-failure-retry/"""


def say(world: World, event: str, subscription: Document) -> None:
    """Announce something of a subscription, in the shape the endpoint was made with."""
    announce(
        world,
        event,
        show(world, subscription),
        v1=lambda: agreement_v1(subscription, api_of(world)),
    )


def show(world: World, subscription: Document) -> Document:
    """A subscription with the links of its status."""
    here = f"{api_of(world)}/v1/billing/subscriptions/{subscription['id']}"
    links = [link(here, "self"), link(here, "edit", "PATCH")]
    if subscription["status"] == "APPROVAL_PENDING":
        page = f"{world.base_url}/sandbox/paypal/approve?ba_token={subscription['id']}"
        links.insert(0, link(page, "approve"))
    actions = {"ACTIVE": ("suspend", "cancel"), "SUSPENDED": ("activate", "cancel")}
    possible = actions.get(subscription["status"], ())
    links += [link(f"{here}/{action}", action, "POST") for action in possible]
    return {**subscription, "links": links}


def approve(world: World, subscription: Document, payer: Document) -> Document:
    """What the payer does on PayPal's page: begins the subscription, or accepts a revision.

    The first cycle is charged at once, unless the subscription starts later.
    """
    if "_revision" in subscription:
        return _revise(world, subscription)
    if subscription["status"] != "APPROVAL_PENDING":
        raise refused("SUBSCRIPTION_STATUS_INVALID")
    subscription["subscriber"] = {**BUYER, **payer, **wallet_of(world, payer)}
    subscription["_anchor"] = parse_instant(subscription["start_time"]).day
    subscription["billing_info"] = {
        "outstanding_balance": amount(zero(subscription["_currency"])),
        "next_billing_time": subscription["start_time"],
        "failed_payments_count": 0,
    }
    _set_status(world, subscription, "ACTIVE")
    say(world, "BILLING.SUBSCRIPTION.ACTIVATED", subscription)
    if parse_instant(subscription["start_time"]) <= world.now():
        bill(world, subscription)
    return subscription


def bill(world: World, subscription: Document, *, fail: bool = False) -> Document:
    """Charge the next cycle now, or fail to. Raises PayPalError unless it is active and has a
    cycle left."""
    plan = plan_of(world, subscription["plan_id"])
    cycle = cycle_after(plan, subscription["_cycles"])
    if subscription["status"] != "ACTIVE" or cycle is None:
        raise refused("SUBSCRIPTION_STATUS_INVALID")
    money = price_of(cycle, int(subscription["quantity"]))
    if fail:
        return _fail(world, subscription, plan, money or zero(subscription["_currency"]))
    billing = subscription["billing_info"]
    due = parse_instant(billing["next_billing_time"])
    after = end_of_cycle(due, cycle, subscription["_anchor"])
    billing.update(next_billing_time=instant(after), failed_payments_count=0)
    billing["outstanding_balance"] = amount(zero(subscription["_currency"]))
    if money is not None:
        billing["last_payment"] = {"amount": amount(money), "time": instant(world.now())}
    subscription["_cycles"] += 1
    billing["cycle_executions"] = [_execution(cycle, subscription["_cycles"])]
    _keep(world, subscription)
    if money is not None:
        charge(world, subscription, money)
    return subscription


def change_status(world: World, subscription: Document, status: str) -> Document:
    """Cancel, suspend, activate again or expire, and announce it. Raises PayPalError where the
    present status does not allow it."""
    origins, event = _WAYS[status]
    if subscription["status"] not in origins:
        cancelled = subscription["status"] == "CANCELLED"
        raise refused("AGREEMENT_ALREADY_CANCELLED" if cancelled else "SUBSCRIPTION_STATUS_INVALID")
    if event == "ACTIVATED" and speaks_v1(world):
        event = "RE-ACTIVATED"
    if status in {"CANCELLED", "EXPIRED"}:
        subscription.get("billing_info", {}).pop("next_billing_time", None)
    _set_status(world, subscription, status)
    say(world, f"BILLING.SUBSCRIPTION.{event}", subscription)
    return subscription


def _fail(world: World, subscription: Document, plan: Document, money: Money) -> Document:
    """The status stays ACTIVE until the plan's threshold is reached; 0 means never."""
    billing = subscription["billing_info"]
    failures = billing["failed_payments_count"] + 1
    failed = {
        "amount": amount(money),
        "time": instant(world.now()),
        "reason_code": "PAYMENT_DENIED",
    }
    if failures <= _RETRIES:
        failed["next_payment_retry_time"] = instant(world.now() + _RETRY)
    billing.update(failed_payments_count=failures, last_failed_payment=failed)
    billing["outstanding_balance"] = amount(money)
    _keep(world, subscription)
    say(world, "BILLING.SUBSCRIPTION.PAYMENT.FAILED", subscription)
    threshold = int(plan["payment_preferences"]["payment_failure_threshold"])
    if threshold and failures >= threshold:
        change_status(world, subscription, "SUSPENDED")
    return subscription


def _revise(world: World, subscription: Document) -> Document:
    subscription.update(subscription.pop("_revision"))
    subscription["_plan_name"] = plan_of(world, subscription["plan_id"])["name"]
    subscription["quantity"] = str(subscription["quantity"])
    _keep(world, subscription)
    say(world, "BILLING.SUBSCRIPTION.UPDATED", subscription)
    return subscription


def _execution(cycle: Document, completed: int) -> Document:
    total = int(cycle.get("total_cycles", 1))
    return {
        "tenure_type": cycle["tenure_type"],
        "sequence": cycle["sequence"],
        "cycles_completed": completed,
        "cycles_remaining": max(total - completed, 0),
        "total_cycles": total,
    }


def _set_status(world: World, subscription: Document, status: str) -> None:
    subscription["status"] = status
    subscription["status_update_time"] = instant(world.now())
    _keep(world, subscription)


def _keep(world: World, subscription: Document) -> None:
    subscription["update_time"] = instant(world.now())
    world.store.put("paypal_subscription", subscription["id"], subscription)
