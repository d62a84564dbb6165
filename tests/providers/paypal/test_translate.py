"""What PayPal's events mean: expected facts, from readings, never from a body alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import Permanent
from domain.facts import (
    CheckoutApproved,
    CheckoutExpired,
    Decline,
    DisputeClosed,
    DisputeOpened,
    Fact,
    Method,
    MethodRemoved,
    MethodSaved,
    PaymentFailed,
    PaymentPending,
    PaymentSucceeded,
    Period,
    RefundReported,
    SubscriptionPaymentFailed,
    SubscriptionRead,
)
from domain.money import Money
from domain.ports import Reading, ReadingRequest
from tests.providers.paypal.samples import FOLDER, envelope, event, reading, told
from webhooks.providers.paypal import PROVIDER
from webhooks.providers.paypal.translate import HANDLERS, translate
from webhooks.providers.provider import Envelope

CAPTURE = "3C679366HH908993F"
WALLET = Method(kind="wallet", brand="paypal")
PERIOD = Period(
    datetime(2026, 3, 2, 9, 58, tzinfo=UTC),
    datetime(2026, 4, 2, 10, 0, tzinfo=UTC),
)
RUNNING = SubscriptionRead(
    subscription="I-BW452GLLEP1G",
    state="active",
    sequence=7,
    order="ord_sub",
    customer="2J6QB8YJQSJRJ",
    quantity=3,
    period=PERIOD,
)


def facts(name: str, **resource: Any) -> tuple[Fact, ...]:
    translation, _ = told(event(name, **resource))
    assert translation.ignored == ""
    return translation.facts


def given(kind: str, key: str, **changes: Any) -> dict[ReadingRequest, Reading]:
    """The reading of an object with something changed in it."""
    request = ReadingRequest(kind, key)
    return {request: reading(request, **changes)}


EXPECTED: dict[str, tuple[Fact, ...]] = {
    "capture_completed": (
        PaymentSucceeded(
            payment=CAPTURE,
            amount=Money(4900, "EUR"),
            order="ord_1",
            method=WALLET,
            at=datetime(2026, 3, 2, 9, 59, 58, tzinfo=UTC),
        ),
    ),
    "capture_completed_v1": (
        PaymentSucceeded(
            payment="42311647XV020574X",
            amount=Money(750, "USD"),
            order="ord_v1",
            method=WALLET,
            at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
        ),
    ),
    "capture_pending": (
        PaymentPending(
            payment="8MC585209K746392H",
            amount=Money(4900, "EUR"),
            order="ord_1",
            reason="ECHECK",
        ),
    ),
    "capture_denied": (
        PaymentFailed(
            payment="0TA12948FV40723B2",
            decline=Decline(code="5400", kind="hard"),
            amount=Money(4900, "EUR"),
            order="ord_1",
        ),
    ),
    "sale_pending_but_completed": (
        PaymentPending(
            payment="2HT09787H36911800",
            amount=Money(6000, "USD"),
            order="ord_2",
            reason="RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION",
        ),
    ),
    "sale_completed_recurring": (
        RUNNING,
        PaymentSucceeded(
            payment="7D51924877811803R",
            amount=Money(6000, "USD"),
            subscription="I-BW452GLLEP1G",
            period=PERIOD,
            method=WALLET,
            at=datetime(2026, 3, 2, 9, 57, 40, tzinfo=UTC),
        ),
    ),
    "capture_refunded": (
        RefundReported(
            refund="1JU08902781691411",
            payment=CAPTURE,
            amount=Money(900, "EUR"),
            status="succeeded",
        ),
    ),
    "capture_reversed": (
        RefundReported(
            refund="7BW873794T343360M",
            payment=CAPTURE,
            amount=Money(4900, "EUR"),
            status="succeeded",
            reversal=True,
        ),
    ),
    "sale_refunded": (
        RefundReported(
            refund="6YX43824R4443062K",
            payment="9T0916710M1105906",
            amount=Money(50, "USD"),
            status="succeeded",
        ),
    ),
    "sale_reversed": (
        RefundReported(
            refund="77689802DL785834G",
            payment="9T0916710M1105906",
            amount=Money(49, "USD"),
            status="succeeded",
            reversal=True,
        ),
    ),
    "order_approved": (CheckoutApproved(checkout="5O190127TN364715T", order="ord_1"),),
    "token_created": (
        MethodSaved(
            method=Method(
                kind="wallet", brand="paypal", token="8kk8451t", customer="customer_4029352050"
            ),
            customer="customer_4029352050",
            order="ord_1",
            account="acme",
        ),
    ),
    "token_deleted": (MethodRemoved(token="9xx1111x", customer="customer_1"),),
    "subscription_activated": (RUNNING,),
    "subscription_payment_failed": (
        SubscriptionRead(
            subscription="I-1CR8FCHN23PM",
            state="past_due",
            sequence=7,
            order="ord_sub",
            customer="2J6QB8YJQSJRJ",
            quantity=3,
            period=PERIOD,
        ),
        SubscriptionPaymentFailed(
            subscription="I-1CR8FCHN23PM",
            decline=Decline(code="PAYER_ACCOUNT_RESTRICTED", kind="hard"),
            attempt=2,
            next_attempt_at=datetime(2026, 3, 7, 10, 0, tzinfo=UTC),
        ),
    ),
    "subscription_cancelled_v1": (
        SubscriptionRead(
            subscription="I-PE7JWXKGVN0R",
            state="ended",
            sequence=7,
            customer="XLHKRXRA4H7QY",
            auto_renew=False,
            ended_at=datetime(2026, 3, 1, tzinfo=UTC),
        ),
    ),
    "dispute_created": (
        DisputeOpened(
            dispute="PP-D-27803",
            payment=CAPTURE,
            amount=Money(4900, "EUR"),
            reason="MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        ),
    ),
    "risk_dispute_created": (
        DisputeClosed(
            dispute="PP-000-001-202-018",
            payment=CAPTURE,
            amount=Money(4900, "EUR"),
            outcome="lost",
        ),
    ),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_event_means_these_facts(name: str) -> None:
    assert facts(name) == EXPECTED[name]


def test_every_sample_event_has_its_expectation() -> None:
    names = {path.stem for path in (FOLDER / "events").glob("*.json")}

    assert names == {*EXPECTED, "plan_created"}


@pytest.mark.parametrize(
    "name", sorted(set(EXPECTED) - {"order_approved", "token_deleted", "token_created"})
)
def test_nothing_is_said_before_it_was_read(name: str) -> None:
    first = translate(event(name), {})

    assert first.needs
    assert (first.facts, first.ignored) == ((), "")


@pytest.mark.parametrize(
    "name", sorted(set(EXPECTED) - {"order_approved", "token_deleted", "token_created"})
)
def test_what_paypal_does_not_know_is_parked_for_a_person(name: str) -> None:
    stored = event(name)
    nothing = {one: Reading(sequence=1, document=None) for one in translate(stored, {}).needs}

    with pytest.raises(Permanent, match="PayPal knows no"):
        translate(stored, nothing)


def test_a_forged_body_changes_neither_amount_nor_order() -> None:
    honest = facts("capture_completed")
    lying = facts("capture_completed", amount={"currency_code": "CZK", "value": "1.00"})

    assert honest == lying == EXPECTED["capture_completed"]


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


@pytest.mark.parametrize("currency, value", [("JPY", "500"), ("eur", "5"), ("EUR", "5.001")])
def test_an_amount_that_cannot_be_kept_exactly_is_parked(currency: str, value: str) -> None:
    amount = {"currency_code": currency, "value": value}
    with pytest.raises(Permanent):
        told(event("capture_completed"), given("capture", CAPTURE, amount=amount))


@pytest.mark.parametrize("amount", [None, "49.00", {"value": 49}, {"value": "0.00"}, {}])
def test_a_payment_without_a_proper_amount_is_parked(amount: object) -> None:
    with pytest.raises(Permanent):
        told(event("capture_completed"), given("capture", CAPTURE, amount=amount))


@pytest.mark.parametrize("state", ["", "VOIDED", "completed?"])
def test_an_unknown_state_is_parked(state: str) -> None:
    with pytest.raises(Permanent, match="is not known"):
        told(event("capture_completed"), given("capture", CAPTURE, status=state))


@pytest.mark.parametrize("event_type", sorted(HANDLERS))
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"resource":null}',
        b'{"resource":[]}',
        b'{"resource":{}}',
        b'{"resource":{"id":""}}',
        b'{"resource":{"id":"../../x","dispute_id":"../../x","order_id":"../x"}}',
        b'{"resource":{"id":7,"dispute_id":7}}',
        b'{"resource":' + b"[" * 5000,
    ],
)
def test_a_body_without_what_its_type_must_hold_is_parked(event_type: str, body: bytes) -> None:
    stored = Envelope(
        event_id="WH-1",
        event_type=event_type,
        body=body,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    with pytest.raises(Permanent):
        translate(stored, {})


@pytest.mark.parametrize(
    "event_type, reason",
    [
        ("BILLING.PLAN.CREATED", "plans are kept at PayPal"),
        ("PAYMENT.AUTHORIZATION.CREATED", "never authorized first"),
        ("VAULT.CREDIT-CARD.CREATED", "v1 vault"),
        ("CHECKOUT.ORDER.COMPLETED", "the capture's own event"),
        ("SOMETHING.NEW", "unknown event type SOMETHING.NEW"),
    ],
)
def test_what_has_nothing_for_us_is_ignored_with_a_reason(event_type: str, reason: str) -> None:
    stored = Envelope(
        event_id="WH-1",
        event_type=event_type,
        body=b"whatever",
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
    )

    assert reason in translate(stored, {}).ignored


def test_every_type_that_operators_subscribe_to_is_understood() -> None:
    assert set(PROVIDER.event_types) <= set(HANDLERS)
