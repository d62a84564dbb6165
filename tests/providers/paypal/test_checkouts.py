"""Orders paid on PayPal's page, as the sandbox plays it: opened, approved, captured, given up."""

from __future__ import annotations

import pytest

from domain.errors import Transient
from domain.facts import (
    CheckoutApproved,
    CheckoutExpired,
    PaymentFailed,
    PaymentPending,
    PaymentSucceeded,
    RefundReported,
)
from domain.money import Money
from tests.providers.paypal.played import TOTAL, Played, back, wanted


def test_a_checkout_is_approved_captured_and_reported(paypal: Played) -> None:
    checkout = paypal.gateway.open_checkout(wanted())
    assert checkout.url == f"{paypal.base_url}/sandbox/paypal/approve?token={checkout.id}"

    paypal.desk(f"/orders/{checkout.id}/approve")
    assert paypal.facts("CHECKOUT.ORDER.APPROVED") == [
        CheckoutApproved(checkout=checkout.id, order="ord_1")
    ]
    outcome = paypal.gateway.capture_checkout(checkout.id, "capture:1")
    [fact] = paypal.facts("PAYMENT.CAPTURE.COMPLETED")

    assert (outcome.status, outcome.amount) == ("succeeded", TOTAL)
    assert isinstance(fact, PaymentSucceeded)
    assert (fact.payment, fact.amount, fact.order) == (outcome.payment, TOTAL, "ord_1")


def test_the_same_key_opens_the_same_checkout(paypal: Played) -> None:
    first, second = (paypal.gateway.open_checkout(wanted()) for _ in range(2))
    other = paypal.gateway.open_checkout(wanted(key="another"))

    assert first == second
    assert first.id != other.id


def test_an_order_captured_before_answers_with_its_capture(paypal: Played) -> None:
    checkout = paypal.gateway.open_checkout(wanted())
    paypal.desk(f"/orders/{checkout.id}/approve")
    first = paypal.gateway.capture_checkout(checkout.id, "capture:1")
    second = paypal.gateway.capture_checkout(checkout.id, "capture:2")

    assert (first.status, first.payment) == (second.status, second.payment)
    assert paypal.types().count("PAYMENT.CAPTURE.COMPLETED") == 1


def test_an_order_that_nobody_approved_is_tried_again_later(paypal: Played) -> None:
    checkout = paypal.gateway.open_checkout(wanted())
    with pytest.raises(Transient, match="not approved"):
        paypal.gateway.capture_checkout(checkout.id, "capture:1")


def test_a_checkout_can_be_given_up_until_it_is_completed(paypal: Played) -> None:
    checkout = paypal.gateway.open_checkout(wanted())
    assert paypal.gateway.expire_checkout(checkout.id)

    paypal.desk(f"/orders/{checkout.id}/approve")
    assert paypal.gateway.expire_checkout(checkout.id)
    assert paypal.gateway.expire_checkout("NOSUCHORDER")

    paypal.gateway.capture_checkout(checkout.id, "capture:1")
    assert not paypal.gateway.expire_checkout(checkout.id)


def test_an_approval_taken_back_expires_the_checkout(paypal: Played) -> None:
    checkout = paypal.gateway.open_checkout(wanted())
    paypal.desk(f"/orders/{checkout.id}/approve")
    paypal.desk(f"/orders/{checkout.id}/cancel")

    assert paypal.facts("CHECKOUT.PAYMENT-APPROVAL.REVERSED") == [
        CheckoutExpired(checkout=checkout.id, order="ord_1")
    ]


@pytest.mark.parametrize(
    "behaviour, status, kind",
    [("PENDING", "pending", PaymentPending), ("DECLINED", "failed", PaymentFailed)],
)
def test_a_capture_may_be_pending_or_declined(
    paypal: Played, behaviour: str, status: str, kind: type
) -> None:
    checkout = paypal.gateway.open_checkout(wanted())
    paypal.desk(f"/orders/{checkout.id}/approve", {"capture": behaviour})
    outcome = paypal.gateway.capture_checkout(checkout.id, "capture:1")
    [fact] = paypal.facts(f"PAYMENT.CAPTURE.{behaviour}")

    assert outcome.status == status
    assert isinstance(fact, kind)


def test_a_refused_capture_is_an_outcome_with_its_reason(paypal: Played) -> None:
    checkout = paypal.gateway.open_checkout(wanted())
    paypal.desk(f"/orders/{checkout.id}/approve", {"capture": "INSTRUMENT_DECLINED"})
    outcome = paypal.gateway.capture_checkout(checkout.id, "capture:1")

    assert outcome.status == "failed"
    assert outcome.decline is not None
    assert (outcome.decline.code, outcome.decline.kind) == ("INSTRUMENT_DECLINED", "soft")


def test_old_shapes_of_events_say_the_same(paypal: Played) -> None:
    paypal.desk("/shape", {"version": "1"})
    payment = paypal.paid()
    paypal.gateway.refund(back(payment, Money(100, "EUR")))
    [money] = paypal.facts("PAYMENT.CAPTURE.COMPLETED")
    [refund] = paypal.facts("PAYMENT.CAPTURE.REFUNDED")

    assert isinstance(money, PaymentSucceeded)
    assert (money.payment, money.order) == (payment, "ord_1")
    assert isinstance(refund, RefundReported)
    assert (refund.payment, refund.amount) == (payment, Money(100, "EUR"))
