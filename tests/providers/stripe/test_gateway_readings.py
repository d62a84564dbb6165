"""Whole stories at Stripe over real HTTP: every event is translated with the readings it needs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from domain import clock
from domain.errors import Permanent
from domain.facts import (
    DisputeClosed,
    DisputeOpened,
    Fact,
    MethodSaved,
    PaymentSucceeded,
    RefundReported,
    RefundTotalReported,
    SubscriptionPaymentFailed,
    SubscriptionRead,
)
from domain.money import Money
from domain.ports import Reading, ReadingRequest, RefundRequest
from tests.providers.stripe.conftest import EUR, NOON, Shop
from webhooks.providers.provider import Envelope
from webhooks.providers.stripe.translate import StripeTranslator

OLD, NEW = "2020-03-02", "2026-10-28.endive"
Document = dict[str, Any]
Told = list[tuple[str, Fact]]


def facts_of(shop: Shop) -> Told:
    """What all events so far say, each with its type, read from Stripe where they ask for it."""
    translate = StripeTranslator(shop._configuration({}))
    told: Told = []
    for event in shop.sandbox.world.store.all("stripe.event"):
        envelope = Envelope(
            event_id=event["id"],
            event_type=event["type"],
            body=msgspec.json.encode(event),
            received_at=clock.now(),
        )
        readings: dict[ReadingRequest, Reading] = {}
        translation = translate(envelope, readings)
        while translation.needs:
            for request in translation.needs:
                assert request not in readings
                document = shop.gateway.read(request)
                readings[request] = Reading(sequence=1, document=document)
            translation = translate(envelope, readings)
        told += [(event["type"], fact) for fact in translation.facts]
    return told


def of_kind(told: Told, kind: type[Fact]) -> list[Any]:
    """The facts of one kind."""
    return [fact for _, fact in told if isinstance(fact, kind)]


def subscribe(shop: Shop) -> Document:
    """A customer subscribes by a page of Stripe's, which our metadata are on."""
    ours = {"order_id": "ord_9", "account": "acme"}
    session = shop.sandbox.stripe.checkout.sessions.create(
        {
            "mode": "subscription",
            "success_url": "https://app.example/done",
            "client_reference_id": "ord_9",
            "metadata": ours,
            "subscription_data": {"metadata": ours},
            "line_items": [
                {
                    "quantity": 5,
                    "price_data": {
                        "currency": "eur",
                        "unit_amount": 980,
                        "recurring": {"interval": "month"},
                        "product_data": {"name": "Standard"},
                    },
                }
            ],
        }
    )
    shop.pay(session.id)
    return shop.read("checkout", session.id)


@pytest.mark.parametrize("version", [OLD, NEW])
def test_all_events_of_a_purchase_are_one_payment(shop: Shop, version: str) -> None:
    shop.sandbox.control("/stripe/api_version", version=version)
    opened = shop.gateway.open_checkout(shop.checkout())
    shop.pay(opened.id)
    told = facts_of(shop)
    paid = [(kind, fact) for kind, fact in told if isinstance(fact, PaymentSucceeded)]
    assert {kind for kind, _ in paid} == {
        "charge.succeeded",
        "checkout.session.completed",
        "payment_intent.succeeded",
    }
    without_method = {msgspec.structs.replace(fact, method=None) for _, fact in paid}
    assert without_method == {
        PaymentSucceeded(
            payment=shop.intents()[0]["id"],
            amount=EUR,
            order="ord_7",
            account="acme",
            customer=shop.intents()[0]["customer"],
        )
    }
    tokens = {fact.method.token for _, fact in paid if fact.method}
    (saved,) = of_kind(told, MethodSaved)
    assert tokens == {saved.method.token}
    assert saved.method.brand == "visa"


@pytest.mark.parametrize("version", [OLD, NEW])
def test_all_events_of_a_subscription_are_one_payment_and_one_state(
    shop: Shop, version: str
) -> None:
    shop.sandbox.control("/stripe/api_version", version=version)
    subscription = subscribe(shop)["subscription"]
    told = facts_of(shop)
    paid = [(kind, fact) for kind, fact in told if isinstance(fact, PaymentSucceeded)]
    assert {kind for kind, _ in paid} == {
        "charge.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
        "payment_intent.succeeded",
    }
    (state,) = set(of_kind(told, SubscriptionRead))
    payment = (shop.intents()[0]["id"], EUR, subscription, state.customer, state.period)
    assert {(f.payment, f.amount, f.subscription, f.customer, f.period) for _, f in paid} == {
        payment
    }
    # An old invoice may leave it to the subscription to say whose it is; nobody says otherwise.
    assert {f.account for _, f in paid} - {None} == {"acme"}
    assert {f.order for _, f in paid} - {None} == {"ord_9"}
    assert (state.subscription, state.state, state.quantity) == (subscription, "active", 5)
    assert (state.order, state.account) == ("ord_9", "acme")


def test_a_renewal_is_money_for_the_next_period_and_a_failed_one_is_told(shop: Shop) -> None:
    subscription = subscribe(shop)["subscription"]
    before = len(facts_of(shop))
    shop.sandbox.control(f"/stripe/subscriptions/{subscription}/renew")
    renewed = facts_of(shop)[before:]
    (money,) = {f for f in of_kind(renewed, PaymentSucceeded) if f.subscription}
    assert (money.order, money.account) == (None, "acme")
    assert money.period.end - money.period.start >= timedelta(days=28)
    shop.sandbox.world.faults.add({"kind": "decline", "count": 1, "code": "lost_card"})
    shop.sandbox.control(f"/stripe/subscriptions/{subscription}/renew")
    (failed,) = set(of_kind(facts_of(shop), SubscriptionPaymentFailed))
    assert (failed.subscription, failed.final) == (subscription, False)


def test_a_cancelled_subscription_is_read_as_ended(shop: Shop) -> None:
    subscription = subscribe(shop)["subscription"]
    shop.sandbox.control(f"/stripe/subscriptions/{subscription}/cancel")
    assert {state.state for state in of_kind(facts_of(shop), SubscriptionRead)} == {"ended"}


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_refund_and_a_lost_dispute_name_the_payment(shop: Shop, version: str) -> None:
    shop.sandbox.control("/stripe/api_version", version=version)
    payment = shop.gateway.charge(shop.charge()).payment
    assert payment is not None
    part = Money(1900, "EUR")
    made = shop.gateway.refund(RefundRequest(key="r", payment=payment, amount=part, reason="ours"))
    dispute = shop.sandbox.control("/stripe/disputes", payment_intent=payment)
    shop.sandbox.control(f"/stripe/disputes/{dispute['id']}/close", outcome="lost")
    told = facts_of(shop)
    assert {fact.refund for fact in of_kind(told, RefundReported)} == {made.refund}
    assert {fact.total for fact in of_kind(told, RefundTotalReported)} == {part}
    assert {fact.outcome for fact in of_kind(told, DisputeClosed)} == {"lost"}
    kinds = (RefundReported, RefundTotalReported, DisputeOpened, DisputeClosed)
    assert {fact.payment for kind in kinds for fact in of_kind(told, kind)} == {payment}


def test_a_charge_is_read_as_the_payment_that_it_belongs_to(shop: Shop) -> None:
    payment = shop.gateway.charge(shop.charge()).payment
    assert payment is not None
    by_intent = shop.read("payment", payment)
    assert by_intent["invoice"] is None
    assert shop.read("payment", by_intent["latest_charge"]["id"]) == by_intent


@pytest.mark.parametrize(
    "kind, key",
    [
        ("checkout", "cs_test_0"),
        ("dispute", "du_0"),
        ("invoice", "in_0"),
        ("payment", "pi_0"),
        ("payment", "ch_0"),
        ("payment_method", "pm_0"),
        ("refund", "re_0"),
        ("setup_intent", "seti_0"),
        ("subscription", "sub_0"),
    ],
)
def test_what_stripe_does_not_know_is_read_as_nothing(shop: Shop, kind: str, key: str) -> None:
    assert shop.gateway.read(ReadingRequest(kind, key)) is None


def test_a_kind_that_nobody_reads_is_a_mistake_of_ours(shop: Shop) -> None:
    with pytest.raises(Permanent, match="mandate"):
        shop.gateway.read(ReadingRequest("mandate", "mandate_1"))


def test_events_are_listed_oldest_first_between_two_instants(shop: Shop) -> None:
    made = []
    for day in range(3):
        clock.travel(NOON + timedelta(days=day))
        shop.gateway.charge(shop.charge(key=f"charge:{day}", order=f"ord_{day}"))
        made.append([each["id"] for each in shop.sandbox.world.store.all("stripe.event")])
    listed = shop.gateway.list_events(NOON + timedelta(hours=1), NOON + timedelta(days=1))
    second_day = made[1][len(made[0]) :]
    assert [event["id"] for event in listed] == second_day
    assert shop.gateway.list_events(NOON - timedelta(days=1), NOON - timedelta(hours=1)) == []


def test_a_long_list_of_events_is_read_page_by_page(shop: Shop) -> None:
    for number in range(30):
        shop.sandbox.stripe.customers.create({"email": f"jo{number}@example.com"})
        shop.saved_card()
    made = [each["id"] for each in shop.sandbox.world.store.all("stripe.event")]
    listed = shop.gateway.list_events(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert [event["id"] for event in listed] == made
    assert len(listed) > 85
