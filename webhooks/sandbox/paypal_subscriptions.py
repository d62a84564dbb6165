"""Subscriptions that PayPal runs itself: the API's side of them.

https://developer.paypal.com/docs/api/subscriptions/v1/
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from webhooks.sandbox.paypal_billing import change_status, say, show
from webhooks.sandbox.paypal_calls import Answer, Call, endpoint
from webhooks.sandbox.paypal_errors import malformed, missing, not_found, refused
from webhooks.sandbox.paypal_ids import subscription_id
from webhooks.sandbox.paypal_plans import cycle_after, plan_of
from webhooks.sandbox.paypal_sales import transaction_of
from webhooks.sandbox.paypal_shapes import Document, instant, link, parse_instant
from webhooks.sandbox.world import World


def routes(world: World) -> list[BaseRoute]:
    """Under the API's base."""
    home = "/v1/billing/subscriptions/{id}"
    return [
        endpoint(world, "POST", "/v1/billing/subscriptions", create_subscription),
        endpoint(world, "GET", home, show_subscription),
        endpoint(world, "POST", home + "/cancel", cancel_subscription),
        endpoint(world, "POST", home + "/suspend", suspend_subscription),
        endpoint(world, "POST", home + "/activate", activate_subscription),
        endpoint(world, "POST", home + "/revise", revise_subscription),
        endpoint(world, "GET", home + "/transactions", list_transactions),
    ]


def create_subscription(call: Call) -> Answer:
    """POST subscriptions: the payer has to approve it at the link ``approve``."""
    if "plan_id" not in call.document:
        raise missing("/plan_id")
    plan = plan_of(call.world, str(call.document["plan_id"]))
    if plan["status"] != "ACTIVE":
        raise refused("INVALID_PLAN_STATUS")
    subscription = _new_subscription(call, plan)
    call.world.store.put("paypal_subscription", subscription["id"], subscription)
    say(call.world, "BILLING.SUBSCRIPTION.CREATED", subscription)
    return Answer(show(call.world, subscription), 201)


def show_subscription(call: Call) -> Answer:
    """GET subscriptions/{id}."""
    return Answer(show(call.world, subscription_of(call.world, call.id)))


def cancel_subscription(call: Call) -> Answer:
    """POST subscriptions/{id}/cancel: for good."""
    change_status(call.world, subscription_of(call.world, call.id), "CANCELLED")
    return Answer(None, 204)


def suspend_subscription(call: Call) -> Answer:
    """POST subscriptions/{id}/suspend: until it is activated again."""
    change_status(call.world, subscription_of(call.world, call.id), "SUSPENDED")
    return Answer(None, 204)


def activate_subscription(call: Call) -> Answer:
    """POST subscriptions/{id}/activate: ends a suspension."""
    change_status(call.world, subscription_of(call.world, call.id), "ACTIVE")
    return Answer(None, 204)


def revise_subscription(call: Call) -> Answer:
    """POST subscriptions/{id}/revise: another plan or quantity, once the payer has approved it."""
    subscription = subscription_of(call.world, call.id)
    if subscription["status"] not in {"ACTIVE", "SUSPENDED"}:
        raise refused("SUBSCRIPTION_STATUS_INVALID")
    revision = {k: call.document[k] for k in ("plan_id", "quantity") if k in call.document}
    if "plan_id" in revision:
        plan_of(call.world, str(revision["plan_id"]))
    subscription["_revision"] = revision
    context = call.document.get("application_context", {})
    subscription["_return_url"] = context.get("return_url", subscription["_return_url"])
    subscription["_cancel_url"] = context.get("cancel_url", subscription["_cancel_url"])
    call.world.store.put("paypal_subscription", subscription["id"], subscription)
    page = f"{call.world.base_url}/sandbox/paypal/approve?ba_token={subscription['id']}"
    links = [link(page, "approve"), *show(call.world, subscription)["links"]]
    return Answer({**revision, "plan_overridden": False, "links": links})


def list_transactions(call: Call) -> Answer:
    """GET subscriptions/{id}/transactions, of a span of time that must be given."""
    subscription = subscription_of(call.world, call.id)
    try:
        start = parse_instant(call.query["start_time"])
        end = parse_instant(call.query["end_time"])
    except KeyError as error:
        raise missing(f"/{error.args[0]}") from None
    except ValueError:
        raise malformed("/start_time") from None
    sales = call.world.store.find("paypal_sale", billing_agreement_id=subscription["id"])
    found = [
        transaction_of(sale, subscription["subscriber"])
        for sale in sales
        if start <= parse_instant(sale["create_time"]) <= end
    ]
    here = f"{call.api}/v1/billing/subscriptions/{call.id}/transactions"
    totals = {"total_items": len(found), "total_pages": 1}
    return Answer({"transactions": found, **totals, "links": [link(here, "self")]})


def subscription_of(world: World, key: str) -> Document:
    """The subscription with this id. Raises PayPalError (404) when there is none."""
    subscription = world.store.get("paypal_subscription", key)
    if subscription is None:
        raise not_found()
    return subscription


def _new_subscription(call: Call, plan: Document) -> Document:
    now = instant(call.world.now())
    context = call.document.get("application_context", {})
    quantity = str(call.document.get("quantity", "1"))
    if not quantity.isdecimal() or int(quantity) < 1:
        raise malformed("/quantity")
    first = cycle_after(plan, 0) or {}
    fixed = first.get("pricing_scheme", {}).get("fixed_price", {})
    return {
        "id": subscription_id(call.world),
        "status": "APPROVAL_PENDING",
        "status_update_time": now,
        "plan_id": plan["id"],
        "start_time": call.document.get("start_time", now),
        "quantity": quantity,
        **{k: call.document[k] for k in ("custom_id",) if k in call.document},
        "subscriber": call.document.get("subscriber", {}),
        "auto_renewal": True,
        "create_time": now,
        "update_time": now,
        "_plan_name": plan["name"],
        "_currency": fixed.get("currency_code", "EUR"),
        "_cycles": 0,
        "_return_url": context.get("return_url"),
        "_cancel_url": context.get("cancel_url"),
    }
