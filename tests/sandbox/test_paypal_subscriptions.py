"""Subscriptions that the played PayPal runs itself, and the sales that are their money."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType

import pytest
import requests

from tests.sandbox.test_paypal_client import Document, Played, playing

HOME = "/v1/billing/subscriptions"
PLAN: Document = {
    "product_id": "PROD-1",
    "name": "Standard",
    "billing_cycles": [
        {
            "frequency": {"interval_unit": "MONTH", "interval_count": 1},
            "tenure_type": "REGULAR",
            "sequence": 1,
            "total_cycles": 0,
            "pricing_scheme": {"fixed_price": {"value": "10.00", "currency_code": "EUR"}},
        }
    ],
    "payment_preferences": {"payment_failure_threshold": 2},
}
TRIAL: Document = {
    "frequency": {"interval_unit": "WEEK"},
    "tenure_type": "TRIAL",
    "sequence": 1,
    "total_cycles": 1,
}


@pytest.fixture
def paypal(frozen_clock: ModuleType) -> Iterator[Played]:
    frozen_clock.travel(datetime(2026, 1, 31, 10, 0, tzinfo=UTC))
    with playing() as played:
        yield played


def begun(paypal: Played, plan: Document = PLAN, **wanted: str) -> str:
    """The id of a subscription that the buyer has approved."""
    made = paypal.send("POST", "/v1/billing/plans", plan)
    body = {"plan_id": made.id, "quantity": "2", "custom_id": "acc-1", **wanted}
    subscription = paypal.send("POST", HOME, body)
    assert subscription.status == "APPROVAL_PENDING"
    paypal.desk(f"/subscriptions/{subscription.id}/approve")
    return str(subscription.id)


def shown(paypal: Played, key: str) -> Document:
    return dict(paypal.send("GET", f"{HOME}/{key}").dict())


def test_an_approved_subscription_is_active_and_paid_by_a_sale(paypal: Played) -> None:
    key = begun(paypal)
    assert paypal.types() == [
        "BILLING.PLAN.CREATED",
        "BILLING.SUBSCRIPTION.CREATED",
        "BILLING.SUBSCRIPTION.ACTIVATED",
        "PAYMENT.SALE.COMPLETED",
    ]
    event = paypal.events()[-1]
    assert "resource_version" not in event
    sale = event["resource"]
    assert sale["billing_agreement_id"] == key
    assert (sale["amount"]["total"], sale["state"], sale["custom"]) == (
        "20.00",
        "completed",
        "acc-1",
    )
    assert paypal.send("GET", f"/v1/payments/sale/{sale['id']}").dict() == sale
    found = shown(paypal, key)
    assert (found["status"], found["billing_info"]["last_payment"]["amount"]["value"]) == (
        "ACTIVE",
        "20.00",
    )
    assert found["billing_info"]["next_billing_time"] == "2026-02-28T10:00:00Z"


def test_renewals_keep_the_day_of_the_month(paypal: Played) -> None:
    key = begun(paypal)
    paypal.desk(f"/subscriptions/{key}/renew")
    assert shown(paypal, key)["billing_info"]["next_billing_time"] == "2026-03-31T10:00:00Z"
    span = "start_time=2026-01-01T00:00:00Z&end_time=2026-12-31T00:00:00Z"
    listed = paypal.send("GET", f"{HOME}/{key}/transactions?{span}")
    assert [each.status for each in listed.transactions] == ["COMPLETED", "COMPLETED"]
    assert listed.transactions[0].amount_with_breakdown.gross_amount.value == "20.00"
    refused = paypal.refusal("GET", f"{HOME}/{key}/transactions")
    assert refused == (400, "MISSING_REQUIRED_PARAMETER")


def test_a_failed_renewal_stays_active_until_the_threshold(paypal: Played) -> None:
    key = begun(paypal)
    paypal.desk(f"/subscriptions/{key}/renew", {"fail": True})
    failed = paypal.events("BILLING.SUBSCRIPTION.PAYMENT.FAILED")[0]["resource"]
    assert failed["status"] == "ACTIVE"
    assert failed["billing_info"]["failed_payments_count"] == 1
    again = failed["billing_info"]["last_failed_payment"]["next_payment_retry_time"]
    assert again == "2026-02-05T10:00:00Z"
    paypal.desk(f"/subscriptions/{key}/renew", {"fail": True})
    assert paypal.types()[-1] == "BILLING.SUBSCRIPTION.SUSPENDED"
    paypal.desk(f"/subscriptions/{key}/renew", status=422)
    paypal.desk(f"/subscriptions/{key}/activate")
    paypal.desk(f"/subscriptions/{key}/renew")
    assert shown(paypal, key)["billing_info"]["failed_payments_count"] == 0


def test_a_subscription_is_suspended_activated_and_cancelled_by_us(paypal: Played) -> None:
    key = begun(paypal)
    for action in ("suspend", "activate", "cancel"):
        paypal.send("POST", f"{HOME}/{key}/{action}", {"reason": "asked for"})
    assert paypal.types()[-3:] == [
        "BILLING.SUBSCRIPTION.SUSPENDED",
        "BILLING.SUBSCRIPTION.ACTIVATED",
        "BILLING.SUBSCRIPTION.CANCELLED",
    ]
    refused = paypal.refusal("POST", f"{HOME}/{key}/cancel", {})
    assert refused == (422, "AGREEMENT_ALREADY_CANCELLED")
    assert paypal.refusal("POST", f"{HOME}/{key}/suspend", {})[0] == 422


def test_the_dashboard_and_time_end_a_subscription(paypal: Played) -> None:
    paypal.desk(f"/subscriptions/{begun(paypal)}/cancel")
    paypal.desk(f"/subscriptions/{begun(paypal)}/expire")
    assert "BILLING.SUBSCRIPTION.CANCELLED" in paypal.types()
    assert paypal.events()[-1]["resource"]["status"] == "EXPIRED"


def test_a_trial_costs_nothing_and_then_the_price_is_due(paypal: Played) -> None:
    cycles = [TRIAL, {**PLAN["billing_cycles"][0], "sequence": 2}]
    key = begun(paypal, {**PLAN, "billing_cycles": cycles})
    assert "PAYMENT.SALE.COMPLETED" not in paypal.types()
    assert shown(paypal, key)["billing_info"]["next_billing_time"] == "2026-02-07T10:00:00Z"
    paypal.desk(f"/subscriptions/{key}/renew")
    assert paypal.types()[-1] == "PAYMENT.SALE.COMPLETED"


def test_a_subscription_that_starts_later_is_not_charged_yet(paypal: Played) -> None:
    begun(paypal, start_time="2026-03-01T00:00:00Z")
    assert paypal.types()[-1] == "BILLING.SUBSCRIPTION.ACTIVATED"


def test_a_revision_counts_once_the_payer_has_approved_it(paypal: Played) -> None:
    key = begun(paypal)
    revised = paypal.send("POST", f"{HOME}/{key}/revise", {"quantity": "5"})
    assert shown(paypal, key)["quantity"] == "2"
    page = next(link.href for link in revised.links if link.rel == "approve")
    assert requests.post(page, data={"choice": "approve"}, timeout=10).status_code == 200
    assert shown(paypal, key)["quantity"] == "5"
    assert paypal.types()[-1] == "BILLING.SUBSCRIPTION.UPDATED"
    paypal.desk(f"/subscriptions/{key}/renew")
    assert paypal.events()[-1]["resource"]["amount"]["total"] == "50.00"


def test_a_sale_is_refunded_and_reversed_in_the_old_shape(paypal: Played) -> None:
    begun(paypal)
    sale = paypal.events()[-1]["resource"]["id"]
    here = f"/v1/payments/sale/{sale}/refund"
    part = {"amount": {"total": "5.00", "currency": "EUR"}}
    refund = paypal.send("POST", here, part)
    assert (refund.sale_id, refund.state, refund.amount.total) == (sale, "completed", "5.00")
    assert paypal.send("GET", f"/v1/payments/refund/{refund.id}").sale_id == sale
    more = {"amount": {"total": "15.01", "currency": "EUR"}}
    assert paypal.refusal("POST", here, more) == (422, "REFUND_EXCEEDED_TRANSACTION_AMOUNT")
    paypal.desk(f"/sales/{sale}/reverse")
    event = paypal.events()[-1]
    assert event["event_type"] == "PAYMENT.SALE.REVERSED"
    assert event["resource"]["amount"]["total"] == "-15.00"
    assert sale not in str(event["resource"])
    assert paypal.send("GET", f"/v1/payments/refund/{event['resource']['id']}").sale_id == sale
    assert paypal.refusal("POST", here, {}) == (422, "TRANSACTION_ALREADY_REFUNDED")


def test_a_plan_that_cannot_be_billed_is_refused(paypal: Played) -> None:
    assert paypal.refusal("POST", "/v1/billing/plans", {})[1] == "MISSING_REQUIRED_PARAMETER"
    priceless = {**PLAN, "billing_cycles": [{**TRIAL, "tenure_type": "REGULAR"}]}
    assert paypal.refusal("POST", "/v1/billing/plans", priceless)[0] == 400
    assert paypal.refusal("POST", HOME, {"plan_id": "P-NONE"})[0] == 404
