"""Money at Stripe over real HTTP: charged once, asked about when unheard of, given back once."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Permanent, Transient, Unknown
from domain.facts import Method
from domain.money import Money
from domain.ports import ChargeOutcome, RefundRequest
from tests.providers.stripe.conftest import EUR, Shop


def refund_of(payment: str, **changes: Any) -> RefundRequest:
    """A request to give part of a payment back."""
    wanted: dict[str, Any] = {
        "key": "refund:1",
        "payment": payment,
        "amount": Money(1900, "EUR"),
        "reason": "asked for",
    }
    return RefundRequest(**{**wanted, **changes})


def test_a_saved_card_is_charged_and_told_with_its_brand(shop: Shop) -> None:
    request = shop.charge()
    outcome = shop.gateway.charge(request)
    (intent,) = shop.intents()
    assert outcome == ChargeOutcome(
        status="succeeded",
        payment=intent["id"],
        amount=EUR,
        method=Method(
            kind="card",
            brand="visa",
            last4="4242",
            expires=outcome.method.expires if outcome.method else None,
            customer=request.customer,
        ),
    )
    assert intent["metadata"] == {
        "order_id": "ord_8",
        "account": "acme",
        "request_key": "charge:ord_8",
    }


def test_the_same_key_charges_once(shop: Shop) -> None:
    request = shop.charge()
    outcomes = {
        shop.gateway.charge(request).payment,
        shop.another_gateway().charge(request).payment,
    }
    assert len(outcomes) == len(shop.intents()) == 1


@pytest.mark.parametrize(
    "card, code, kind",
    [
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds", "soft"),
        ("pm_card_chargeDeclinedLostCard", "lost_card", "hard"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "hard"),
        ("pm_card_authenticationRequired", "authentication_required", "hard"),
    ],
)
def test_a_decline_is_an_outcome_and_no_error(shop: Shop, card: str, code: str, kind: str) -> None:
    request = shop.charge(card)
    outcome = shop.gateway.charge(request)
    assert outcome.status == "failed"
    assert outcome.decline is not None
    assert (outcome.decline.code, outcome.decline.kind) == (code, kind)
    assert (outcome.payment, outcome.amount) == (shop.intents()[0]["id"], EUR)
    found = shop.gateway.find_charge("ord_8", "charge:ord_8")
    assert found is not None
    assert found.decline == outcome.decline


def test_a_method_that_is_gone_is_a_hard_decline(shop: Shop) -> None:
    request = shop.charge()
    shop.gateway.remove_method(request.token)
    for token in (request.token, "pm_unknown"):
        outcome = shop.gateway.charge(shop.charge(token=token, key=f"charge:{token}"))
        assert outcome.status == "failed"
        assert outcome.decline is not None
        assert outcome.decline.kind == "hard"


def test_money_that_takes_days_is_pending(shop: Shop) -> None:
    request = shop.charge()
    shop.sandbox.control(f"/stripe/payment_methods/{request.token}", behaviour="delayed")
    assert shop.gateway.charge(request).status == "pending"
    found = shop.gateway.find_charge("ord_8", "another key")
    assert found is not None
    assert found.status == "pending"


@pytest.mark.parametrize("kind, charged", [("timeout", 1), ("timeout_before", 0)])
def test_a_charge_without_an_answer_is_unknown_until_it_is_asked_about(
    shop: Shop, kind: str, charged: int
) -> None:
    request = shop.charge()
    shop.be_impatient()
    shop.fault(kind, count=1, method="POST", path="*payment_intents")
    with pytest.raises(Unknown, match="ord_8"):
        shop.gateway.charge(request)
    found = shop.gateway.find_charge("ord_8", request.key)
    assert (found is not None) == bool(charged)
    assert len(shop.intents()) == charged
    assert shop.gateway.charge(request).status == "succeeded"
    assert len(shop.intents()) == 1


def test_the_librarys_own_repeat_of_a_lost_answer_charges_once(shop: Shop) -> None:
    request = shop.charge()
    shop.fault("error", count=1, method="POST", path="*payment_intents")
    assert shop.gateway.charge(request).status == "succeeded"
    assert len(shop.intents()) == 1


def test_an_error_of_stripe_leaves_a_charge_unknown_and_a_reading_for_later(shop: Shop) -> None:
    request = shop.charge()
    shop.be_impatient()
    shop.fault("error", count=2)
    with pytest.raises(Unknown):
        shop.gateway.charge(request)
    with pytest.raises(Transient) as reading:
        shop.read("payment", "pi_1")
    assert not isinstance(reading.value, Unknown)


def test_too_many_requests_mean_that_nothing_was_done(shop: Shop) -> None:
    request = shop.charge()
    shop.be_impatient()
    shop.fault("rate_limit", count=1)
    with pytest.raises(Transient) as limited:
        shop.gateway.charge(request)
    assert not isinstance(limited.value, Unknown)
    assert shop.intents() == []


def test_a_refused_key_is_ours_to_repair_and_is_not_shown(shop: Shop) -> None:
    request, key = shop.charge(), "sk_test_someoneelse"
    with pytest.raises(Transient, match="STRIPE_API_KEY is refused") as refused:
        shop.another_gateway(STRIPE_API_KEY=key).charge(request)
    assert not isinstance(refused.value, Unknown)
    assert key not in str(refused.value)


def test_a_charge_that_stripe_refuses_to_understand_is_pointless_to_repeat(shop: Shop) -> None:
    with pytest.raises(Permanent, match="charge order ord_8"):
        shop.gateway.charge(shop.charge(total=Money(1, "EUR")))


def test_nothing_is_found_for_an_order_that_was_never_charged(shop: Shop) -> None:
    shop.gateway.charge(shop.charge())
    assert shop.gateway.find_charge("ord_9", "charge:ord_9") is None
    assert shop.gateway.find_charge("ord'_9\\", "x") is None


def test_of_several_charges_the_one_that_moved_money_is_found(shop: Shop) -> None:
    shop.gateway.charge(shop.charge("pm_card_chargeDeclined", key="first"))
    paid = shop.gateway.charge(shop.charge(key="second"))
    shop.gateway.charge(shop.charge("pm_card_chargeDeclined", key="third"))
    for key in ("first", "second", "third"):
        found = shop.gateway.find_charge("ord_8", key)
        assert found is not None
        assert (found.status, found.payment) == ("succeeded", paid.payment)


def test_money_is_given_back_once_for_a_key_also_when_stripe_forgot_the_key(shop: Shop) -> None:
    payment = shop.gateway.charge(shop.charge()).payment
    assert payment is not None
    first = shop.gateway.refund(refund_of(payment))
    assert first.status == "succeeded"
    assert shop.gateway.refund(refund_of(payment)) == first
    for kept in shop.sandbox.world.store.all("stripe.refund"):
        assert kept["amount"] == 1900
    assert len(shop.sandbox.world.store.all("stripe.refund")) == 1


def test_a_refund_may_name_the_charge_where_there_is_no_payment_intent(shop: Shop) -> None:
    payment = shop.gateway.charge(shop.charge()).payment
    assert payment is not None
    charge = shop.read("payment", payment)["latest_charge"]["id"]
    assert shop.gateway.refund(refund_of(charge)).status == "succeeded"


def test_more_than_was_paid_is_not_given_back(shop: Shop) -> None:
    payment = shop.gateway.charge(shop.charge()).payment
    assert payment is not None
    with pytest.raises(Permanent, match="refund"):
        shop.gateway.refund(refund_of(payment, amount=Money(5000, "EUR")))


def test_a_refund_without_an_answer_is_unknown_and_its_repeat_gives_back_once(
    shop: Shop,
) -> None:
    payment = shop.gateway.charge(shop.charge()).payment
    assert payment is not None
    shop.be_impatient()
    shop.fault("timeout", count=1, method="POST", path="*refunds")
    with pytest.raises(Unknown):
        shop.gateway.refund(refund_of(payment))
    assert shop.gateway.refund(refund_of(payment)).status == "succeeded"
    assert len(shop.sandbox.world.store.all("stripe.refund")) == 1
