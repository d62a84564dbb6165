"""What a subscription that PayPal runs is for, and which period a payment of it pays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import Permanent
from domain.facts import PaymentSucceeded, Period, SubscriptionRead
from tests.providers.paypal.samples import event, given, told

SUBSCRIPTION = "I-BW452GLLEP1G"
TERMS = "account=acme+corp&plan=pro&interval=month"


def read(**changes: Any) -> SubscriptionRead:
    """The subscription as read with changes."""
    known = given("subscription", SUBSCRIPTION, **changes)
    translation, _ = told(event("subscription_activated"), known)
    [fact] = translation.facts
    assert isinstance(fact, SubscriptionRead)
    return fact


def billing(last: str, **more: Any) -> dict[str, Any]:
    """What PayPal says of the money."""
    return {"last_payment": {"time": last}, "failed_payments_count": 0, **more}


def on(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


def test_the_custom_id_says_whose_it_is_and_what_is_bought() -> None:
    fact = read(custom_id=f"{TERMS}&agents=4&conversations=700&colour=blue")
    assert (fact.account, fact.plan, fact.interval) == ("acme corp", "pro", "month")
    assert (fact.agents, fact.conversations, fact.order) == (4, 700, None)
    assert read(custom_id=TERMS).agents is None


def test_any_other_custom_id_is_the_order_that_it_began_with() -> None:
    fact = read(custom_id="ord_17")
    assert (fact.order, fact.account, fact.plan) == ("ord_17", None, None)


def test_a_custom_id_with_a_number_that_is_none_waits_for_a_person() -> None:
    with pytest.raises(Permanent, match="custom_id"):
        read(custom_id=f"{TERMS}&agents=many")


def test_the_longest_account_fits_beside_its_plan() -> None:
    assert len(TERMS.replace("acme+corp", "a" * 64)) <= 127


@pytest.mark.parametrize(
    "status, failures, given_up",
    [("SUSPENDED", 3, True), ("SUSPENDED", 0, False), ("CANCELLED", 1, True), ("ACTIVE", 1, False)],
)
def test_paypal_gave_up_when_it_stopped_after_failures(
    status: str, failures: int, given_up: bool
) -> None:
    money = billing("2026-02-05T09:00:00Z", failed_payments_count=failures)
    assert read(status=status, billing_info=money).given_up is given_up


@pytest.mark.parametrize(
    "last, next_, start, end",
    [
        ("2026-02-28T11:00:00Z", "2026-03-31T00:00:00Z", on(2, 28), on(3, 31)),
        ("2026-03-05T11:00:00Z", "2026-03-31T00:00:00Z", on(2, 28), on(3, 31)),
        ("2026-03-30T20:00:00Z", None, on(3, 31), on(4, 30)),
        ("2026-03-31T02:00:00Z", "2026-05-31T00:00:00Z", on(3, 31), on(4, 30)),
    ],
    ids=["by the calendar", "a late charge", "an early charge, cancelled", "a cycle was skipped"],
)
def test_a_payment_pays_its_cycle_however_late_it_was_made(
    last: str, next_: str | None, start: datetime, end: datetime
) -> None:
    money = billing(last, **({"next_billing_time": next_} if next_ else {}))
    fact = read(custom_id=TERMS, start_time="2026-01-31T00:00:00Z", billing_info=money)
    assert fact.period == Period(start, end)


def test_after_a_trial_cycles_are_not_counted_from_the_start() -> None:
    money = billing(
        "2026-02-07T00:00:00Z",
        next_billing_time="2026-03-07T00:00:00Z",
        cycle_executions=[{"tenure_type": "TRIAL"}, {"tenure_type": "REGULAR"}],
    )
    fact = read(custom_id=TERMS, start_time="2026-01-31T00:00:00Z", billing_info=money)
    assert fact.period == Period(on(2, 7), on(3, 7))


def test_a_sale_that_is_heard_of_after_the_next_one_still_pays_its_own_cycle() -> None:
    known = given(
        "subscription",
        SUBSCRIPTION,
        custom_id=TERMS,
        start_time="2026-02-02T00:00:00Z",
        billing_info=billing("2026-05-02T10:00:00Z"),
    )
    translation, _ = told(event("sale_completed_recurring"), known)
    money = translation.facts[-1]
    assert isinstance(money, PaymentSucceeded)
    assert money.period == Period(on(3, 2), on(4, 2))
