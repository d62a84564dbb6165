"""Many customers at once, over a network and providers on a bad day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final

from workers.stories.books import expect_series_whole, invoices_of, mails_to
from workers.stories.stage import Stage

CUSTOMERS: Final = 20
AT_ONCE: Final = 8
A_MOMENT_S: Final = 0.05

BAD_DAY: Final[tuple[dict[str, Any], ...]] = (
    # Webhooks.
    {"kind": "drop", "probability": 0.15},
    {"kind": "delay", "probability": 0.15, "seconds": 0.3},
    {"kind": "reorder", "probability": 0.3, "seconds": 0.2},
    {"kind": "duplicate", "probability": 0.4},
    # Calls of the providers' APIs.
    {"kind": "error", "provider": "stripe", "path": "*/checkout/sessions", "count": 3},
    {"kind": "timeout", "provider": "stripe", "path": "*/checkout/sessions", "count": 3},
    {"kind": "timeout_before", "provider": "stripe", "path": "*/payment_methods/*", "count": 2},
    {"kind": "rate_limit", "provider": "paypal", "path": "*/checkout/orders", "count": 2},
    {"kind": "timeout", "provider": "paypal", "path": "*/checkout/orders", "count": 2},
    {"kind": "timeout", "provider": "paypal", "path": "*/capture", "count": 3},
    {"kind": "error", "provider": "paypal", "path": "*/captures/*", "count": 3},
)


def storm(stage: Stage) -> None:
    """Twenty accounts buy at once while webhooks are lost, doubled, late and out of order, and the
    providers' APIs fail: each is active in the end, once, with one invoice."""
    refs = [f"storm-{number:02}" for number in range(CUSTOMERS)]
    for fault in BAD_DAY:
        stage.sandbox("/faults", fault)
    stage.tell("Webhooks get lost, doubled, late and out of order; the providers' APIs stutter.")
    orders = dict(zip(refs, _at_once(stage, lambda ref: _orders(stage, ref), refs), strict=True))
    stage.settle()
    stage.tell(f"{CUSTOMERS} accounts order at once, half by card, half with PayPal.")
    _at_once(stage, lambda ref: _pays(stage, ref, orders[ref]["id"]), refs)
    stage.settle()
    stage.tell("All of them pay at once.")
    lost = _calm_down(stage)
    stage.tell(f"The storm is over. {lost} webhooks had been lost; the providers send them again.")
    for ref in refs:
        _expect_bought_once(stage, ref)
    expect_series_whole(stage)
    stage.tell(f"All {CUSTOMERS} accounts are active, each with one invoice and one receipt.")


def _at_once(stage: Stage, act: Callable[[str], Any], refs: Iterable[str]) -> list[Any]:
    """Everybody acts; meanwhile the clock moves on to the retries that somebody waits for."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        acting = [pool.submit(act, ref) for ref in refs]
        while wait(acting, timeout=A_MOMENT_S).not_done:
            stage.settle()
        return [each.result() for each in acting]


def _is_card(ref: str) -> bool:
    return int(ref[-2:]) % 2 == 0


def _orders(stage: Stage, ref: str) -> Any:
    stage.register(ref)
    return stage.order(ref, "card" if _is_card(ref) else "paypal", agents=2)


def _pays(stage: Stage, ref: str, order_id: str) -> None:
    order = stage.app("GET", f"/api/orders/{order_id}")
    stage.expect(order["checkout"] == "ready", f"{ref} has a page to pay on")
    if _is_card(ref):
        stage.pay_card(order)
    else:
        stage.approve_wallet(order)


def _calm_down(stage: Stage) -> int:
    """Take the faults back and send again what was lost; returns how many that were."""
    stage.sandbox("/faults", method="DELETE")
    sent = stage.sandbox("/deliveries", method="GET")["items"]
    arrived = {each["event_id"] for each in sent if each["state"] == "delivered"}
    lost = {
        each["event_id"]: each["provider"]
        for each in sent
        if each["state"] == "dropped" and each["event_id"] not in arrived
    }
    for event_id, provider in lost.items():
        stage.sandbox(f"/{provider}/events/{event_id}/resend")
    stage.settle()
    return len(lost)


def _expect_bought_once(stage: Stage, ref: str) -> None:
    account = stage.account(ref)
    subscription = account["subscription"]
    stage.expect(account["status"] == "active", f"{ref} is active")
    stage.expect(subscription is not None, f"{ref} has a subscription")
    stage.expect(subscription["state"] == "active", f"{ref}'s subscription runs")
    stage.expect(account["credit"]["amount"] == 0, f"{ref} has paid nothing twice")
    stage.expect(account["payment_method"] is not None, f"{ref}'s method is saved")
    stage.expect(len(invoices_of(stage, ref)) == 1, f"{ref} has one invoice")
    stage.expect(mails_to(stage, ref, "receipt") == 1, f"{ref} got one receipt")
