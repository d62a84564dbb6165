"""What a subscription that Stripe runs is for, and whether its running period is paid."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Permanent
from domain.facts import SubscriptionRead
from tests.providers.stripe.workshop import Document, sample, translate

SIGNAL = "customer.subscription.updated.new"


def subscription_reading(**fields: Any) -> tuple[str, str, Document]:
    """The subscription sub_1 as read."""
    return ("subscription", "sub_1", sample("reading.subscription.new") | fields)


def test_the_metadata_of_a_subscription_say_what_is_bought() -> None:
    metadata = {"account": "acme", "plan": "pro", "agents": "4", "conversations": "700"}
    item = {
        **sample("reading.subscription.new")["items"]["data"][0],
        "price": {"recurring": {"interval": "month", "interval_count": 12}},
    }
    read = subscription_reading(metadata=metadata, items={"object": "list", "data": [item]})
    (fact,) = translate(SIGNAL, read).facts
    assert isinstance(fact, SubscriptionRead)
    assert (fact.plan, fact.agents, fact.conversations) == ("pro", 4, 700)
    assert (fact.interval, fact.quantity) == ("year", 5)


def test_a_number_in_the_metadata_that_is_none_waits_for_a_person() -> None:
    read = subscription_reading(metadata={"account": "acme", "plan": "pro", "agents": "many"})
    with pytest.raises(Permanent, match="agents is 'many'"):
        translate(SIGNAL, read)


@pytest.mark.parametrize(
    "status, invoice, settled, given_up",
    [
        ("active", {"status": "paid"}, True, False),
        ("active", {"status": "draft", "attempted": False}, False, False),
        ("trialing", None, True, False),
        (
            "past_due",
            {"status": "open", "attempted": True, "next_payment_attempt": 1},
            False,
            False,
        ),
        ("past_due", {"status": "open", "attempted": True}, False, True),
        ("past_due", "in_1", False, False),
        ("unpaid", {"status": "open", "attempted": True}, False, True),
        ("canceled", {"status": "paid"}, True, False),
    ],
)
def test_a_period_counts_when_its_invoice_is_paid_and_trying_ends_with_the_last_attempt(
    status: str, invoice: Any, settled: bool, given_up: bool
) -> None:
    read = subscription_reading(status=status, latest_invoice=invoice)
    (fact,) = translate(SIGNAL, read).facts
    assert isinstance(fact, SubscriptionRead)
    assert (fact.period is not None, fact.given_up) == (settled, given_up)


@pytest.mark.parametrize(
    "reason, given_up", [("payment_failed", True), ("cancellation_requested", False)]
)
def test_a_cancelled_subscription_says_whether_it_could_not_be_collected(
    reason: str, given_up: bool
) -> None:
    read = subscription_reading(status="canceled", cancellation_details={"reason": reason})
    (fact,) = translate(SIGNAL, read).facts
    assert isinstance(fact, SubscriptionRead)
    assert fact.given_up is given_up
