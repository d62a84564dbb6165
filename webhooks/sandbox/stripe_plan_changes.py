"""Changes of a running subscription through the API: items, quantities, cancellation."""

from __future__ import annotations

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import no_such
from webhooks.sandbox.stripe_forms import Params, merged
from webhooks.sandbox.stripe_invoices import issue, method_for, pay
from webhooks.sandbox.stripe_methods import resolve
from webhooks.sandbox.stripe_papers import line
from webhooks.sandbox.stripe_prices import price_of
from webhooks.sandbox.stripe_subscriptions import after_payment, new_item, running, with_period
from webhooks.sandbox.stripe_versions import plan


def update(account: StripeAccount, params: Params, key: str) -> Document:
    """POST /v1/subscriptions/{id}. What the change costs for the rest of the period is put on the
    next invoice (``create_prorations``), billed at once (``always_invoice``) or waived
    (``none``)."""
    before = running(account, key)
    changed = _with_items(account, _with_choices(account, before, params), params)
    behaviour = params.text("proration_behavior") or "create_prorations"
    owed = [] if behaviour == "none" else _difference(account, before, changed)
    # What is owed to the customer waits for the next invoice: nothing can be collected for it.
    at_once = behaviour == "always_invoice" and sum(each["amount"] for each in owed) > 0
    if not at_once:
        changed["_owed"] = [*changed["_owed"], *owed]
    account.save(changed, "customer.subscription.updated")
    if at_once:
        invoice = issue(account, changed, "subscription_update", owed)
        account.save({**changed, "latest_invoice": invoice["id"]})
        paid = pay(account, invoice, method_for(account, invoice), off_session=True)
        after_payment(account, paid)
    return account.fetch("subscription", key)


def _with_choices(account: StripeAccount, before: Document, params: Params) -> Document:
    changed = {**before, "metadata": merged(before["metadata"], params.metadata())}
    if method := params.text("default_payment_method"):
        changed["default_payment_method"] = resolve(account, method)["id"]
    ending = params.flag("cancel_at_period_end")
    if ending is None or ending == before["cancel_at_period_end"]:
        return changed
    ends = max(item["current_period_end"] for item in before["items"]["data"])
    reason = "cancellation_requested" if ending else None
    changed["cancel_at_period_end"] = ending
    changed["cancel_at"] = ends if ending else None
    changed["canceled_at"] = account.now() if ending else None
    changed["cancellation_details"] = {**before["cancellation_details"], "reason": reason}
    return changed


def _with_items(account: StripeAccount, before: Document, params: Params) -> Document:
    items = {item["id"]: item for item in before["items"]["data"]}
    for row in params.rows("items"):
        wanted = row.text("id")
        if wanted is not None and wanted not in items:
            raise no_such("subscription_item", wanted, "items[0][id]")
        if wanted is not None and row.flag("deleted"):
            del items[wanted]
            continue
        item = _changed_item(account, before, items.get(wanted or ""), row)
        items[item["id"]] = item
    changed = {**before, "items": {**before["items"], "data": list(items.values())}}
    return with_period(changed, before["_period"])


def _changed_item(
    account: StripeAccount, subscription: Document, item: Document | None, row: Params
) -> Document:
    if item is None:
        count = row.integer("quantity") or 1
        return new_item(account, subscription["id"], price_of(account, row), count)
    changed = dict(item)
    if "price" in row or "price_data" in row:
        changed["price"] = price_of(account, row)
        changed["plan"] = plan(changed["price"])
    quantity = row.integer("quantity")
    changed["quantity"] = item["quantity"] if quantity is None else quantity
    return changed


def _difference(account: StripeAccount, before: Document, after: Document) -> list[Document]:
    """Lines for what the rest of the period costs more (or less) than it did."""
    was = {item["id"]: item for item in before["items"]["data"]}
    now = {item["id"]: item for item in after["items"]["data"]}
    lines = []
    for key, item in {**was, **now}.items():
        start, end = item["current_period_start"], item["current_period_end"]
        more = _price(now.get(key)) - _price(was.get(key))
        if amount := more * max(0, end - account.now()) // (end - start):
            told = f"Remaining time on {item['quantity']} x {item['price']['product']}"
            span = (account.now(), end)
            lines.append(line(account, item, amount, *span, proration=True, description=told))
    return lines


def _price(item: Document | None) -> int:
    return int(item["price"]["unit_amount"]) * int(item["quantity"]) if item else 0
