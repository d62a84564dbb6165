"""The facts that each sample event of ``tests/samples/paypal`` has to become."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.facts import (
    CheckoutApproved,
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
            reason="MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        ),
    ),
}
