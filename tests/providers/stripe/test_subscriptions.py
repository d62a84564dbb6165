"""Subscriptions that Stripe runs: their money is one payment, their state is read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from domain.errors import Permanent
from domain.facts import (
    Decline,
    Method,
    PaymentSucceeded,
    Period,
    SubscriptionPaymentFailed,
    SubscriptionRead,
)
from domain.money import Money
from tests.providers.stripe.workshop import Document, asked, changed, sample, translate

JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
VISA = Method(
    kind="card", brand="visa", last4="4242", expires="2028-04", token="pm_1", customer="cus_1"
)
MONEY = PaymentSucceeded(
    payment="pi_9",
    amount=Money(4900, "EUR"),
    order="ord_9",
    account="acme",
    customer="cus_1",
    subscription="sub_1",
    period=JANUARY,
    method=VISA,
)
STATE = SubscriptionRead(
    subscription="sub_1",
    state="active",
    sequence=7,
    order="ord_9",
    account="acme",
    customer="cus_1",
    quantity=5,
    period=JANUARY,
    auto_renew=True,
)


def invoice_reading() -> tuple[str, str, Document]:
    """The invoice in_1 as read, with its payments."""
    return ("invoice", "in_1", sample("reading.invoice"))


def payment_reading() -> tuple[str, str, Document]:
    """The payment pi_9 as read, with its invoice."""
    return ("payment", "pi_9", sample("reading.payment"))


def subscription_reading(**fields: Any) -> tuple[str, str, Document]:
    """The subscription sub_1 as read."""
    return ("subscription", "sub_1", sample("reading.subscription.new") | fields)


def test_an_old_invoice_says_everything_by_itself() -> None:
    told = translate("invoice.paid.old").facts
    assert told == (msgspec.structs.replace(MONEY, method=None),)


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("invoice.paid.new", "invoice:in_1"),
        ("invoice_payment.paid.new", "invoice:in_1"),
        ("payment_intent.succeeded.subscription-new", "payment:pi_9"),
        ("charge.succeeded.subscription-new", "payment:pi_9"),
        ("charge.succeeded.subscription-old", "payment:pi_9"),
    ],
)
def test_every_event_of_a_subscriptions_money_ends_in_the_same_payment(
    name: str, wanted: str
) -> None:
    assert asked(translate(name)) == [wanted]
    assert translate(name, invoice_reading(), payment_reading()).facts == (MONEY,)


def test_the_two_names_of_a_paid_invoice_say_the_same() -> None:
    twin = {**sample("invoice.paid.old"), "type": "invoice.payment_succeeded"}
    assert translate(twin) == translate("invoice.paid.old")


def test_a_renewal_names_no_order_because_its_order_was_the_first_purchase() -> None:
    (fact,) = translate(changed("invoice.paid.old", billing_reason="subscription_cycle")).facts
    assert isinstance(fact, PaymentSucceeded)
    assert (fact.order, fact.account) == (None, "acme")


def test_a_payload_that_holds_both_shapes_is_read_as_one() -> None:
    old, new = (sample(f"invoice.paid.{version}")["data"]["object"] for version in ("old", "new"))
    both = {**sample("invoice.paid.new"), "data": {"object": {**new, **old}}}
    assert translate(both) == translate("invoice.paid.old")


def test_an_invoice_without_a_name_for_its_payment_and_one_outside_stripe_are_told_apart() -> None:
    unsaid = changed("invoice.paid.old", payment_intent=..., charge="ch_9")
    outside = changed("invoice.paid.old", payment_intent=None, charge=None)
    legacy = changed("invoice.paid.old", payment_intent=None, charge="ch_9")
    assert asked(translate(unsaid)) == ["invoice:in_1"]
    told = [translate(event).facts[0] for event in (outside, legacy)]
    assert [fact.payment for fact in told if isinstance(fact, PaymentSucceeded)] == [
        "in_1",
        "ch_9",
    ]


def test_an_invoice_paid_in_parts_is_as_many_payments() -> None:
    document = sample("reading.invoice")
    (link,) = document["payments"]["data"]
    second = {**link, "amount_paid": 900, "payment": {"type": "charge", "charge": "ch_8"}}
    unpaid = {**link, "status": "canceled"}
    document["payments"]["data"] = [link, second, unpaid]
    told = translate("invoice.paid.new", ("invoice", "in_1", document)).facts
    payments = [(f.payment, f.amount.amount) for f in told if isinstance(f, PaymentSucceeded)]
    assert payments == [("pi_9", 4900), ("ch_8", 900)]


def test_prorations_do_not_move_the_period() -> None:
    document = sample("invoice.paid.old")
    (line,) = document["data"]["object"]["lines"]["data"]
    later = {"start": 1768000000, "end": 1799999999}
    prorated = {**line, "proration": True, "period": later}
    other = {**line, "subscription": "sub_2", "period": later}
    document["data"]["object"]["lines"]["data"] = [prorated, line, other]
    (fact,) = translate(document).facts
    document["data"]["object"]["lines"]["data"] = [prorated]
    (alone,) = translate(document).facts
    assert isinstance(fact, PaymentSucceeded)
    assert isinstance(alone, PaymentSucceeded)
    assert (fact.period, alone.period) == (JANUARY, None)


@pytest.mark.parametrize("name", ["invoice.paid.old", "invoice.paid.new"])
def test_an_invoice_over_nothing_is_a_state_to_be_read_and_no_payment(name: str) -> None:
    event = changed(name, amount_paid=0, amount_due=0, total=0, payment_intent=None)
    assert asked(translate(event)) == ["subscription:sub_1"]
    assert translate(event, subscription_reading()).facts == (STATE,)


def test_an_invoice_of_no_subscription_is_ours_only_by_its_metadata() -> None:
    event = changed("invoice.paid.old", subscription=None)
    assert "no subscription" in translate(event).ignored
    event["data"]["object"]["metadata"] = {"order_id": "ord_3"}
    (fact,) = translate(event).facts
    assert isinstance(fact, PaymentSucceeded)
    assert (fact.payment, fact.order, fact.subscription) == ("pi_9", "ord_3", None)


def test_a_paid_invoice_that_stripe_does_not_know_waits_for_a_person() -> None:
    with pytest.raises(Permanent, match="in_1"):
        translate("invoice.paid.new", ("invoice", "in_1", None))


def test_an_invoice_that_is_not_paid_when_read_is_no_money() -> None:
    unpaid = sample("reading.invoice") | {"amount_paid": 0}
    unpaid["payments"] = {"object": "list", "data": []}
    event = "invoice_payment.paid.new"
    assert translate(event, ("invoice", "in_1", unpaid)).ignored


@pytest.mark.parametrize("version", ["old", "new"])
def test_a_subscription_is_read_alike_from_both_shapes(version: str) -> None:
    document = sample(f"reading.subscription.{version}")
    event = "customer.subscription.updated.new"
    assert asked(translate(event)) == ["subscription:sub_1"]
    assert translate(event, ("subscription", "sub_1", document)).facts == (STATE,)


@pytest.mark.parametrize(
    "kind", ["created", "updated", "deleted", "paused", "resumed", "pending_update_applied"]
)
def test_every_change_of_a_subscription_is_a_signal(kind: str) -> None:
    event = sample("customer.subscription.updated.new")
    event["type"] = f"customer.subscription.{kind}"
    assert asked(translate(event)) == ["subscription:sub_1"]


@pytest.mark.parametrize(
    "status, state",
    [
        ("incomplete", "incomplete"),
        ("incomplete_expired", "ended"),
        ("trialing", "active"),
        ("past_due", "past_due"),
        ("unpaid", "suspended"),
        ("paused", "suspended"),
        ("canceled", "ended"),
    ],
)
def test_the_states_of_stripe_have_a_meaning_here(status: str, state: str) -> None:
    read = subscription_reading(status=status)
    (fact,) = translate("customer.subscription.updated.new", read).facts
    assert isinstance(fact, SubscriptionRead)
    assert fact.state == state
    assert fact.auto_renew is (state != "ended")


def test_a_state_that_nobody_knows_waits_for_a_person() -> None:
    with pytest.raises(Permanent, match="new state hibernating"):
        translate("customer.subscription.updated.new", subscription_reading(status="hibernating"))


@pytest.mark.parametrize(
    "fields, renews",
    [
        ({"cancel_at_period_end": True}, False),
        ({"cancel_at": 1769904000}, False),
        ({"cancel_at": 1769904001}, True),
        ({}, True),
    ],
)
def test_a_planned_end_within_the_period_switches_renewal_off(
    fields: dict[str, Any], renews: bool
) -> None:
    (fact,) = translate("customer.subscription.updated.new", subscription_reading(**fields)).facts
    assert isinstance(fact, SubscriptionRead)
    assert fact.auto_renew is renews


def test_a_subscription_that_is_gone_has_ended() -> None:
    gone = translate("customer.subscription.updated.new", ("subscription", "sub_1", None))
    assert gone.facts == (
        SubscriptionRead(subscription="sub_1", state="ended", sequence=7, auto_renew=False),
    )


def test_a_session_that_starts_a_subscription_ties_it_to_its_order() -> None:
    event = changed(
        "checkout.session.completed.new",
        mode="subscription",
        payment_intent=None,
        invoice="in_1",
        subscription="sub_1",
    )
    assert asked(translate(event)) == ["subscription:sub_1"]
    (fact,) = translate(event, subscription_reading(metadata={})).facts
    assert fact == msgspec.structs.replace(STATE, order="ord_7")


@pytest.mark.parametrize(
    "name, attempt, next_attempt",
    [
        ("invoice.payment_failed.new", 4, None),
        ("invoice.payment_failed.old", 1, datetime(2026, 1, 4, tzinfo=UTC)),
    ],
)
def test_a_failed_invoice_is_final_when_stripe_plans_no_other_attempt(
    name: str, attempt: int, next_attempt: datetime | None
) -> None:
    assert asked(translate(name)) == ["subscription:sub_1"]
    late = subscription_reading(status="past_due")
    (state, failure) = translate(name, late).facts
    assert isinstance(state, SubscriptionRead)
    assert state.state == "past_due"
    assert failure == SubscriptionPaymentFailed(
        subscription="sub_1",
        decline=Decline(code="invoice_payment_failed", kind="soft"),
        attempt=attempt,
        final=next_attempt is None,
        next_attempt_at=next_attempt,
    )
    orphan = changed(name, subscription=None, parent=None)
    assert "no subscription" in translate(orphan).ignored


def test_a_failed_invoice_that_was_paid_since_is_only_a_signal() -> None:
    told = translate("invoice.payment_failed.new", subscription_reading()).facts
    assert told == (STATE,)
