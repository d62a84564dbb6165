"""Money that goes back: refunds, reversals, disputes."""

from __future__ import annotations

import pytest

from domain.errors import Permanent, Unknown
from domain.facts import DisputeClosed, DisputeOpened, PaymentSucceeded, RefundReported
from domain.money import Money
from tests.providers.paypal.played import TOTAL, Played, back, subscribed


def test_a_payment_is_refunded_in_parts_and_in_whole(paypal: Played) -> None:
    payment = paypal.paid()
    part = paypal.gateway.refund(back(payment, Money(900, "EUR")))
    same = paypal.gateway.refund(back(payment, Money(900, "EUR")))
    rest = paypal.gateway.refund(back(payment, Money(4000, "EUR"), "refund:2"))
    [fact] = paypal.facts("PAYMENT.CAPTURE.REFUNDED")

    assert (part, part.status) == (same, "succeeded")
    assert fact == RefundReported(
        refund=rest.refund, payment=payment, amount=Money(4000, "EUR"), status="succeeded"
    )


def test_a_refund_above_what_is_left_is_refused_for_good(paypal: Played) -> None:
    payment = paypal.paid()
    with pytest.raises(Permanent, match="REFUND_AMOUNT_EXCEEDED"):
        paypal.gateway.refund(back(payment, Money(4901, "EUR")))
    with pytest.raises(Permanent, match="404"):
        paypal.gateway.refund(back("NOSUCHPAYMENT", Money(1, "EUR")))


def test_a_refund_whose_answer_was_lost_is_unknown_and_repeatable(paypal: Played) -> None:
    payment = paypal.paid()
    paypal.fault("timeout", path="*/refund", method="POST", seconds=0.7)
    with pytest.raises(Unknown):
        paypal.gateway.refund(back(payment, TOTAL))
    outcome = paypal.gateway.refund(back(payment, TOTAL))

    assert outcome.status == "succeeded"
    assert paypal.types().count("PAYMENT.CAPTURE.REFUNDED") == 1


def test_money_taken_back_by_a_bank_is_a_reversal(paypal: Played) -> None:
    payment = paypal.paid()
    paypal.desk(f"/captures/{payment}/reverse")
    [fact] = paypal.facts("PAYMENT.CAPTURE.REVERSED")

    assert isinstance(fact, RefundReported)
    assert (fact.payment, fact.amount, fact.reversal) == (payment, TOTAL, True)


def test_a_dispute_is_followed_from_opening_to_loss(paypal: Played) -> None:
    payment = paypal.paid()
    dispute = paypal.desk("/disputes", {"capture_id": payment})["dispute_id"]
    [opened] = paypal.facts("CUSTOMER.DISPUTE.CREATED")
    paypal.desk(f"/disputes/{dispute}/resolve", {"outcome": "RESOLVED_BUYER_FAVOUR"})
    [closed] = paypal.facts("CUSTOMER.DISPUTE.RESOLVED")

    assert isinstance(opened, DisputeOpened)
    assert isinstance(closed, DisputeClosed)
    assert (opened.dispute, opened.payment, opened.amount) == (dispute, payment, TOTAL)
    assert (closed.payment, closed.outcome) == (payment, "lost")


def test_a_sale_is_refunded_through_the_old_api(paypal: Played) -> None:
    subscribed(paypal)
    [_, money] = paypal.facts("PAYMENT.SALE.COMPLETED")
    assert isinstance(money, PaymentSucceeded)
    outcome = paypal.gateway.refund(back(money.payment, Money(1000, "USD")))
    [fact] = paypal.facts("PAYMENT.SALE.REFUNDED")

    assert outcome.status == "succeeded"
    assert fact == RefundReported(
        refund=outcome.refund,
        payment=money.payment,
        amount=Money(1000, "USD"),
        status="succeeded",
    )
