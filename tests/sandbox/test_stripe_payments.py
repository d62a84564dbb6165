"""Single payments at the played Stripe, through Stripe's own SDK."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Sandbox


def checkout(sandbox: Sandbox, **more: Any) -> Any:
    """An open session over 49.00 EUR for order-1."""
    return sandbox.stripe.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://shop.example/done?s={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://shop.example/back",
            "client_reference_id": "order-1",
            "metadata": {"order_id": "order-1"},
            "line_items": [
                {
                    "quantity": 2,
                    "price_data": {
                        "currency": "eur",
                        "unit_amount": 2450,
                        "product_data": {"name": "Standard, 2 agents"},
                    },
                }
            ],
            "payment_intent_data": {
                "setup_future_usage": "off_session",
                "metadata": {"order_id": "order-1"},
            },
            **more,
        }
    )


def charge_saved(sandbox: Sandbox, card: str, **options: Any) -> Any:
    """Save ``card`` with a new customer and charge it off-session for order-2."""
    customer = sandbox.stripe.customers.create({"email": "a@example.com"})
    method = sandbox.stripe.payment_methods.attach(card, {"customer": customer.id})
    return sandbox.stripe.payment_intents.create(
        {
            "amount": 4900,
            "currency": "eur",
            "customer": customer.id,
            "payment_method": method.id,
            "off_session": True,
            "confirm": True,
            "metadata": {"order_id": "order-2"},
            "expand": ["latest_charge"],
        },
        options=options,
    )


def test_a_paid_checkout_tells_of_itself_in_many_events(sandbox: Sandbox) -> None:
    session = checkout(sandbox)
    assert session.amount_total == 4900
    assert session.payment_intent is None

    sandbox.control(f"/stripe/checkout/{session.id}/pay", card="mastercard")

    assert sandbox.types() == [
        "customer.created",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
        "payment_method.attached",
        "checkout.session.completed",
    ]
    (completed,) = sandbox.received("checkout.session.completed")
    told = completed["data"]["object"]
    assert told["client_reference_id"] == "order-1"
    assert told["payment_status"] == "paid"
    paid = sandbox.stripe.payment_intents.retrieve(
        told["payment_intent"], {"expand": ["latest_charge", "customer"]}
    )
    assert paid.status == "succeeded"
    assert paid.latest_charge.payment_method_details.card.brand == "mastercard"
    assert paid.customer.email == "customer@example.com"
    saved = sandbox.stripe.customers.payment_methods.list(told["customer"]).data
    assert [each.id for each in saved] == [paid.payment_method]


def test_an_event_has_the_envelope_of_a_real_one(sandbox: Sandbox) -> None:
    charge_saved(sandbox, "pm_card_visa", idempotency_key="charge-1")
    (event,) = sandbox.received("payment_intent.succeeded")
    assert event["object"] == "event"
    assert event["livemode"] is False
    assert event["api_version"] == "2026-10-28.endive"
    assert isinstance(event["created"], int)
    assert event["request"]["idempotency_key"] == "charge-1"
    assert event["request"]["id"].startswith("req_")
    assert "previous_attributes" not in event["data"]


def test_a_declined_card_leaves_the_checkout_open_for_another(sandbox: Sandbox) -> None:
    session = checkout(sandbox)
    with pytest.raises(AssertionError, match="insufficient funds"):
        sandbox.control(f"/stripe/checkout/{session.id}/pay", card="insufficient_funds")
    (failed,) = sandbox.received("payment_intent.payment_failed")
    error = failed["data"]["object"]["last_payment_error"]
    assert (error["code"], error["decline_code"]) == ("card_declined", "insufficient_funds")

    sandbox.control(f"/stripe/checkout/{session.id}/pay", card="visa")

    assert len(sandbox.received("payment_intent.created")) == 1
    assert len(sandbox.received("charge.failed")) == 1
    assert sandbox.stripe.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_money_of_a_delayed_method_comes_later_or_not_at_all(sandbox: Sandbox) -> None:
    sessions = [checkout(sandbox) for _ in range(2)]
    for session in sessions:
        sandbox.control(f"/stripe/checkout/{session.id}/pay", delayed=True)
    completed = sandbox.received("checkout.session.completed")
    assert [each["data"]["object"]["payment_status"] for each in completed] == ["unpaid"] * 2

    sandbox.control(f"/stripe/checkout/{sessions[0].id}/settle")
    sandbox.control(f"/stripe/checkout/{sessions[1].id}/settle", fail="insufficient_funds")

    assert len(sandbox.received("checkout.session.async_payment_succeeded")) == 1
    assert len(sandbox.received("checkout.session.async_payment_failed")) == 1
    paid = sandbox.stripe.checkout.sessions.retrieve(sessions[0].id)
    assert paid.payment_status == "paid"


def test_a_blocked_brand_is_refused_unless_it_is_forced(sandbox: Sandbox) -> None:
    blocked = {"card": {"restrictions": {"brands_blocked": ["american_express"]}}}
    session = checkout(sandbox, payment_method_options=blocked)
    with pytest.raises(AssertionError, match="brand amex"):
        sandbox.control(f"/stripe/checkout/{session.id}/pay", card="amex")
    assert sandbox.types() == []
    sandbox.control(f"/stripe/checkout/{session.id}/pay", card="amex", force=True)
    (charged,) = sandbox.received("charge.succeeded")
    assert charged["data"]["object"]["payment_method_details"]["card"]["brand"] == "amex"


def test_a_setup_checkout_saves_the_method_and_moves_no_money(sandbox: Sandbox) -> None:
    customer = sandbox.stripe.customers.create({"email": "a@example.com"})
    session = sandbox.stripe.checkout.sessions.create(
        {
            "mode": "setup",
            "currency": "eur",
            "customer": customer.id,
            "success_url": "https://shop.example/done",
        }
    )
    sandbox.control(f"/stripe/checkout/{session.id}/pay", card="visa")
    assert sandbox.types()[1:] == [
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
        "checkout.session.completed",
    ]
    done = sandbox.stripe.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    saved = sandbox.stripe.payment_methods.retrieve(done.setup_intent.payment_method)
    assert saved.customer == customer.id


def test_an_expired_checkout_cannot_be_paid(sandbox: Sandbox) -> None:
    session = checkout(sandbox)
    assert sandbox.stripe.checkout.sessions.expire(session.id).status == "expired"
    assert len(sandbox.received("checkout.session.expired")) == 1
    with pytest.raises(AssertionError, match="is expired"):
        sandbox.control(f"/stripe/checkout/{session.id}/pay")
    with pytest.raises(stripe.InvalidRequestError, match="expired"):
        sandbox.stripe.checkout.sessions.expire(session.id)


def test_a_saved_card_is_charged_while_the_customer_is_away(sandbox: Sandbox) -> None:
    intent = charge_saved(sandbox, "pm_card_visa")
    assert intent.status == "succeeded"
    assert intent.latest_charge.amount == 4900
    found = sandbox.stripe.payment_intents.search({"query": "metadata['order_id']:'order-2'"})
    assert [each.id for each in found.data] == [intent.id]
    nothing = sandbox.stripe.payment_intents.search({"query": "metadata['order_id']:'order-3'"})
    assert nothing.data == []


@pytest.mark.parametrize(
    "card,code,decline_code",
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_a_refused_charge_says_why(
    sandbox: Sandbox, card: str, code: str, decline_code: str | None
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        charge_saved(sandbox, card)
    error: Any = caught.value.error
    assert caught.value.http_status == 402
    assert error.code == code
    assert getattr(error, "decline_code", None) == decline_code
    assert error.payment_intent.status == "requires_payment_method"
    (failed,) = sandbox.received("payment_intent.payment_failed")
    assert failed["data"]["object"]["metadata"] == {"order_id": "order-2"}
    assert len(sandbox.received("charge.failed")) == 1


def test_a_saved_card_can_start_to_be_declined(sandbox: Sandbox) -> None:
    intent = charge_saved(sandbox, "pm_card_visa")
    sandbox.control(f"/stripe/payment_methods/{intent.payment_method}", behaviour="lost_card")
    with pytest.raises(stripe.CardError, match="declined"):
        sandbox.stripe.payment_intents.create(
            {
                "amount": 4900,
                "currency": "eur",
                "customer": intent.customer,
                "payment_method": intent.payment_method,
                "off_session": True,
                "confirm": True,
            }
        )


def test_a_detached_method_cannot_be_charged_again(sandbox: Sandbox) -> None:
    intent = charge_saved(sandbox, "pm_card_visa")
    sandbox.stripe.payment_methods.detach(intent.payment_method)
    (detached,) = sandbox.received("payment_method.detached")
    assert detached["data"]["object"]["customer"] is None
    assert detached["data"]["previous_attributes"] == {"customer": intent.customer}
    with pytest.raises(stripe.InvalidRequestError, match="detached"):
        sandbox.stripe.payment_intents.create(
            {
                "amount": 4900,
                "currency": "eur",
                "customer": intent.customer,
                "payment_method": intent.payment_method,
                "confirm": True,
            }
        )


def test_refunds_never_exceed_what_was_paid(sandbox: Sandbox) -> None:
    intent = charge_saved(sandbox, "pm_card_visa")
    part = sandbox.stripe.refunds.create({"payment_intent": intent.id, "amount": 900})
    assert (part.status, part.charge) == ("succeeded", intent.latest_charge.id)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        sandbox.stripe.refunds.create({"payment_intent": intent.id, "amount": 4001})
    sandbox.control("/stripe/refunds", payment_intent=intent.id)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sandbox.stripe.refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "charge_already_refunded"
    totals = [
        each["data"]["object"]["amount_refunded"] for each in sandbox.received("charge.refunded")
    ]
    assert sorted(totals) == [900, 4900]
    assert len(sandbox.stripe.refunds.list({"payment_intent": intent.id}).data) == 2
    assert "charge.refund.updated" in sandbox.types()


def test_a_refund_that_fails_gives_the_money_back_to_the_seller(sandbox: Sandbox) -> None:
    intent = charge_saved(sandbox, "pm_card_visa")
    refund = sandbox.control("/stripe/refunds", payment_intent=intent.id, pending=True)
    assert refund["status"] == "pending"
    sandbox.control(f"/stripe/refunds/{refund['id']}/settle", outcome="failed")
    assert len(sandbox.received("refund.failed")) == 1
    assert sandbox.stripe.charges.retrieve(intent.latest_charge.id).amount_refunded == 0


@pytest.mark.parametrize("outcome,refundable", [("won", True), ("lost", False)])
def test_a_dispute_stops_refunds_until_it_is_won(
    sandbox: Sandbox, outcome: str, refundable: bool
) -> None:
    intent = charge_saved(sandbox, "pm_card_visa")
    dispute = sandbox.control("/stripe/disputes", payment_intent=intent.id, reason="fraudulent")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sandbox.stripe.refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "charge_disputed"

    sandbox.control(f"/stripe/disputes/{dispute['id']}/close", outcome=outcome)

    known = sandbox.stripe.disputes.retrieve(dispute["id"])
    assert (known.status, known.is_charge_refundable) == (outcome, refundable)
    told = [kind for kind in sandbox.types() if kind.startswith("charge.dispute")]
    expected = ["created", "funds_withdrawn", "closed"] + ["funds_reinstated"] * refundable
    assert told == [f"charge.dispute.{each}" for each in expected]
    if refundable:
        assert sandbox.stripe.refunds.create({"payment_intent": intent.id}).amount == 4900


def test_a_deleted_customer_takes_the_methods_along(sandbox: Sandbox) -> None:
    intent = charge_saved(sandbox, "pm_card_visa")
    sandbox.stripe.customers.delete(intent.customer)
    assert sandbox.stripe.customers.retrieve(intent.customer).deleted is True
    assert {"customer.deleted", "payment_method.detached"} <= set(sandbox.types())
    assert sandbox.stripe.payment_methods.retrieve(intent.payment_method).customer is None
