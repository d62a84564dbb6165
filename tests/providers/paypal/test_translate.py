"""Events that disagree with what PayPal says when it is asked: the reading counts."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from domain.errors import Permanent
from domain.facts import (
    CheckoutExpired,
    DisputeClosed,
    DisputeOpened,
    Fact,
    MethodSaved,
    PaymentFailed,
    PaymentPending,
    PaymentSucceeded,
    SubscriptionPaymentFailed,
    SubscriptionRead,
)
from domain.money import Money
from domain.ports import Reading, ReadingRequest
from tests.providers.paypal.expected_facts import CAPTURE, EXPECTED
from tests.providers.paypal.samples import envelope, event, given, told
from webhooks.providers.paypal.translate import translate
from webhooks.providers.provider import Claim, Envelope


@pytest.mark.parametrize("status", ["REFUNDED", "PARTIALLY_REFUNDED"])
def test_money_that_went_back_in_the_meantime_was_money(status: str) -> None:
    translation, _ = told(event("capture_completed"), given("capture", CAPTURE, status=status))

    assert translation.facts == EXPECTED["capture_completed"]


@pytest.mark.parametrize("status, kind", [("PENDING", PaymentPending), ("DECLINED", PaymentFailed)])
def test_a_completed_event_about_money_that_is_not_there_is_not_money(
    status: str, kind: type[Fact]
) -> None:
    translation, _ = told(event("capture_completed"), given("capture", CAPTURE, status=status))

    assert [type(fact) for fact in translation.facts] == [kind]


def test_a_denial_that_paypal_does_not_confirm_is_ignored() -> None:
    known = given("capture", "0TA12948FV40723B2", status="COMPLETED")
    translation, _ = told(event("capture_denied"), known)

    assert translation.facts == ()
    assert "PayPal says that the payment is COMPLETED" in translation.ignored


def test_a_pending_event_never_makes_money() -> None:
    known = given("capture", "8MC585209K746392H", status="COMPLETED", status_details={})
    translation, _ = told(event("capture_pending"), known)

    assert [type(fact) for fact in translation.facts] == [PaymentPending]


def test_the_capture_of_a_refund_is_found_in_the_event_when_the_reading_is_silent() -> None:
    known = given("refund", "1JU08902781691411", links=[])
    translation, _ = told(event("capture_refunded"), known)

    assert translation.facts == EXPECTED["capture_refunded"]


def test_a_refund_of_nothing_is_parked() -> None:
    known = given("refund", "77689802DL785834G", sale_id="", links=[])
    with pytest.raises(Permanent, match="which payment"):
        told(event("sale_reversed"), known)


def test_sale_and_subscription_are_read_in_one_round_when_the_event_names_both() -> None:
    first = translate(event("sale_completed_recurring"), {})

    assert [str(need) for need in first.needs] == [
        "sale:7D51924877811803R",
        "subscription:I-BW452GLLEP1G",
    ]


def test_a_subscription_that_the_event_hides_is_read_after_the_sale() -> None:
    translation, read = told(event("sale_completed_recurring", billing_agreement_id=None))

    assert len(read) == 2
    assert translation.facts == EXPECTED["sale_completed_recurring"]


def test_an_event_translated_after_the_next_payment_leaves_the_period_open() -> None:
    later = {"last_payment": {"time": "2026-04-02T10:00:00Z"}, "failed_payments_count": 0}
    later["next_billing_time"] = "2026-05-02T10:00:00Z"
    known = given("subscription", "I-BW452GLLEP1G", billing_info=later)
    translation, _ = told(event("sale_completed_recurring"), known)
    [running, money] = translation.facts

    assert isinstance(running, SubscriptionRead)
    assert isinstance(money, PaymentSucceeded)
    assert running.period is not None
    assert running.period.start.month == 4
    assert money.period is None


def test_money_of_a_subscription_that_paypal_forgot_is_money_all_the_same() -> None:
    known = {ReadingRequest("subscription", "I-BW452GLLEP1G"): Reading(sequence=1, document=None)}
    translation, _ = told(event("sale_completed_recurring"), known)
    [money] = translation.facts

    assert isinstance(money, PaymentSucceeded)
    assert (money.subscription, money.period) == ("I-BW452GLLEP1G", None)


def test_a_failure_that_was_made_good_is_only_a_signal() -> None:
    billing = {"failed_payments_count": 0, "last_payment": {"time": "2026-03-02T09:58:00Z"}}
    known = given("subscription", "I-1CR8FCHN23PM", billing_info=billing)
    translation, _ = told(event("subscription_payment_failed"), known)

    assert [type(fact) for fact in translation.facts] == [SubscriptionRead]


def test_paypal_gives_up_by_suspending() -> None:
    known = given("subscription", "I-1CR8FCHN23PM", status="SUSPENDED")
    translation, _ = told(event("subscription_payment_failed"), known)
    [running, failure] = translation.facts

    assert isinstance(running, SubscriptionRead)
    assert isinstance(failure, SubscriptionPaymentFailed)
    assert (running.state, running.auto_renew, failure.final) == ("suspended", False, True)


@pytest.mark.parametrize(
    "code, outcome",
    [
        ("RESOLVED_BUYER_FAVOUR", "lost"),
        ("ACCEPTED", "lost"),
        ("RESOLVED_SELLER_FAVOUR", "won"),
        ("RESOLVED_WITH_PAYOUT", "won"),
        ("DENIED", "won"),
        ("CANCELED_BY_BUYER", "withdrawn"),
        ("NONE", "withdrawn"),
    ],
)
def test_a_dispute_ends_in_one_of_three_ways(code: str, outcome: str) -> None:
    end = {"status": "RESOLVED", "dispute_outcome": {"outcome_code": code}}
    translation, _ = told(event("dispute_created"), given("dispute", "PP-D-27803", **end))
    [closed] = translation.facts

    assert isinstance(closed, DisputeClosed)
    assert closed.outcome == outcome


def test_a_dispute_about_two_payments_is_two_disputes_to_us() -> None:
    gross = {"currency_code": "EUR", "value": "10.00"}
    contested = [{"seller_transaction_id": one, "gross_amount": gross} for one in ("A1", "B2")]
    known = given("dispute", "PP-D-27803", disputed_transactions=contested)
    translation, _ = told(event("dispute_created"), known)
    opened = [fact for fact in translation.facts if isinstance(fact, DisputeOpened)]

    assert [fact.dispute for fact in opened] == ["PP-D-27803/A1", "PP-D-27803/B2"]
    assert [fact.payment for fact in opened] == ["A1", "B2"]


def test_a_token_that_is_gone_is_not_saved_and_one_that_is_there_is_not_removed() -> None:
    gone, _ = told(event("token_created", id="zz1"))
    stays, _ = told(event("token_deleted", id="8kk8451t"))

    assert "no longer knows" in gone.ignored
    assert "still knows" in stays.ignored


def test_a_wallet_is_tied_to_an_order_by_paypal_and_not_by_the_body() -> None:
    up = [{"rel": "up", "href": "https://api-m.paypal.com/v2/checkout/orders/5O190127TN364715T"}]
    known = given("payment_token", "8kk8451t", metadata={})
    translation, read = told(event("token_created", links=up), known)
    [saved] = translation.facts

    assert isinstance(saved, MethodSaved)
    assert saved.order is None
    assert len(read) == 1


def test_an_order_that_would_only_be_authorized_is_ignored() -> None:
    translation, _ = told(event("order_approved", intent="AUTHORIZE"))

    assert "authorized only" in translation.ignored


def test_an_approval_that_came_to_nothing_expires_the_checkout() -> None:
    reversal = reversed_approval("5O190127TN364715T")
    known = given("order", "5O190127TN364715T", status="VOIDED")

    assert told(reversal, known)[0].facts == (
        CheckoutExpired(checkout="5O190127TN364715T", order="ord_1"),
    )
    assert "was completed" in told(reversal)[0].ignored


def reversed_approval(order: str) -> Envelope:
    """The event that takes an approval back."""
    head = b'{"id":"WH-1","event_type":"CHECKOUT.PAYMENT-APPROVAL.REVERSED",'
    return envelope(head + b'"resource":{"order_id":"' + order.encode() + b'"}}')


def test_what_must_be_read_first_is_told_with_what_the_body_claims() -> None:
    resource = {
        "id": "42311647XV020574X",
        "custom_id": "ord_1",
        "amount": {"value": "57.00", "currency_code": "EUR"},
    }
    body = msgspec.json.encode({"id": "WH-1", "resource": resource})
    sent = Envelope(
        event_id="WH-1",
        event_type="PAYMENT.CAPTURE.COMPLETED",
        body=body,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    said = translate(sent, {})
    assert said.facts == ()
    assert said.claim == Claim(
        order="ord_1", payment="42311647XV020574X", amount=Money(5700, "EUR")
    )
