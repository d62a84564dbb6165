"""Money that goes back: refunds, disputes, warnings of fraud, in old and new shapes."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Permanent
from domain.facts import (
    DisputeClosed,
    DisputeOpened,
    FraudWarned,
    RefundReported,
    RefundTotalReported,
)
from domain.money import Money
from tests.providers.stripe.workshop import Document, asked, changed, sample, translate

PART = Money(2000, "EUR")
ALL = Money(5929, "EUR")
REFUND = RefundReported(refund="re_1", payment="pi_1", amount=PART, status="succeeded")
TOTAL = RefundTotalReported(payment="pi_1", total=PART)
OPENED = DisputeOpened(dispute="du_1", payment="pi_1", amount=ALL, reason="fraudulent")
LOST = DisputeClosed(dispute="du_1", payment="pi_1", amount=ALL, outcome="lost")


def behind_charge() -> tuple[str, str, Document]:
    """The reading of charge ch_1, which has the PaymentIntent pi_1."""
    return ("payment", "ch_1", sample("payment_intent.succeeded.new")["data"]["object"])


def test_a_refunded_charge_tells_the_total_and_the_refunds_where_they_are_listed() -> None:
    assert translate("charge.refunded.old").facts == (REFUND, TOTAL)
    assert translate("charge.refunded.new").facts == (TOTAL,)


@pytest.mark.parametrize("kind", ["refund.created", "refund.updated", "charge.refund.updated"])
def test_every_event_that_carries_a_refund_tells_it_alike(kind: str) -> None:
    assert translate({**sample("refund.updated.new"), "type": kind}).facts == (REFUND,)


@pytest.mark.parametrize(
    "status, told",
    [
        ("pending", "pending"),
        ("requires_action", "pending"),
        ("failed", "failed"),
        ("canceled", "failed"),
        (..., "succeeded"),
    ],
)
def test_a_refund_is_under_way_done_or_failed(status: Any, told: str) -> None:
    (fact,) = translate(changed("refund.updated.new", status=status)).facts
    assert isinstance(fact, RefundReported)
    assert fact.status == told


def test_a_failed_refund_has_failed_whatever_its_object_says() -> None:
    (fact,) = translate({**sample("refund.updated.new"), "type": "refund.failed"}).facts
    assert isinstance(fact, RefundReported)
    assert fact.status == "failed"


def test_a_state_of_a_refund_that_nobody_knows_waits_for_a_person() -> None:
    with pytest.raises(Permanent, match="new state halved"):
        translate(changed("refund.updated.new", status="halved"))


def test_an_authorisation_that_ran_out_is_no_refund() -> None:
    event = changed("refund.updated.new", reason="expired_uncaptured_charge")
    assert "never came" in translate(event).ignored


@pytest.mark.parametrize(
    "name", ["charge.refunded.old", "refund.updated.new", "charge.dispute.created.new"]
)
def test_without_a_payment_intent_the_charge_is_the_payment_and_unsaid_it_is_read(
    name: str,
) -> None:
    none = translate(changed(name, payment_intent=None)).facts
    assert {fact.payment for fact in none if not isinstance(fact, FraudWarned)} == {"ch_1"}  # type: ignore[attr-defined]
    unsaid = changed(name, payment_intent=...)
    assert asked(translate(unsaid)) == ["payment:ch_1"]
    assert translate(unsaid, behind_charge()) == translate(name)


@pytest.mark.parametrize(
    "kind",
    [
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    ],
)
def test_a_dispute_is_opened_by_whichever_event_tells_of_it_first(kind: str) -> None:
    assert translate({**sample("charge.dispute.created.new"), "type": kind}).facts == (OPENED,)


def test_a_dispute_that_closes_was_open_even_if_nobody_said_so() -> None:
    assert translate("charge.dispute.closed.new").facts == (OPENED, LOST)


def test_a_dispute_may_be_lost_when_it_is_created() -> None:
    assert translate(changed("charge.dispute.created.new", status="lost")).facts == (OPENED, LOST)


@pytest.mark.parametrize(
    "status, outcome",
    [
        ("won", "won"),
        ("lost", "lost"),
        ("warning_closed", "withdrawn"),
        ("prevented", "withdrawn"),
    ],
)
def test_a_dispute_ends_in_one_of_three_ways(status: str, outcome: str) -> None:
    *_, fact = translate(changed("charge.dispute.closed.new", status=status)).facts
    assert isinstance(fact, DisputeClosed)
    assert fact.outcome == outcome


def test_a_closed_dispute_without_an_outcome_is_read() -> None:
    event = changed("charge.dispute.closed.new", status="under_review")
    assert asked(translate(event)) == ["dispute:du_1"]
    read = sample("charge.dispute.closed.new")["data"]["object"]
    assert translate(event, ("dispute", "du_1", read)).facts == (OPENED, LOST)


def test_a_dispute_of_the_oldest_shape_is_known_by_its_charge() -> None:
    event = "charge.dispute.created.oldest"
    assert asked(translate(event)) == ["payment:ch_1"]
    assert translate(event, behind_charge()).facts == (
        DisputeOpened(dispute="ch_1", payment="pi_1", amount=ALL, reason="fraudulent"),
    )


def test_a_warning_of_fraud_names_the_payment() -> None:
    warning = {"id": "issfr_1", "object": "radar.early_fraud_warning", "charge": "ch_1"}
    warning["fraud_type"] = "unauthorized_use_of_card"
    event = {
        "id": "evt_w",
        "type": "radar.early_fraud_warning.created",
        "data": {"object": warning},
    }
    told = (FraudWarned(payment="pi_1", reason="unauthorized_use_of_card"),)
    assert asked(translate(event)) == ["payment:ch_1"]
    assert translate(event, behind_charge()).facts == told
    warning["payment_intent"] = "pi_1"
    assert translate(event).facts == told


def test_a_refund_of_nothing_known_waits_for_a_person() -> None:
    with pytest.raises(Permanent, match="names no payment"):
        translate(changed("refund.updated.new", payment_intent=None, charge=None))


@pytest.mark.parametrize("status", [{}, [], 7, ""])
def test_a_dispute_whose_status_is_no_word_is_open_and_no_crash(status: Any) -> None:
    dispute = changed("charge.dispute.created.new", status=status)
    assert translate(dispute).facts == (OPENED,)
