"""Saved methods: read again where they may have changed, gone for ever once detached."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Permanent
from domain.facts import CustomerRemoved, MandateChanged, Method, MethodRemoved, MethodSaved
from tests.providers.stripe.workshop import Document, asked, changed, sample, translate

VISA = Method(
    kind="card", brand="visa", last4="4242", expires="2028-04", token="pm_1", customer="cus_1"
)
SAVED = MethodSaved(method=VISA, customer="cus_1")


def method_reading(**fields: Any) -> tuple[str, str, Document]:
    """The method pm_1 as read."""
    return ("payment_method", "pm_1", sample("reading.payment_method") | fields)


@pytest.mark.parametrize(
    "kind",
    [
        "payment_method.attached",
        "payment_method.updated",
        "payment_method.automatically_updated",
        "payment_method.card_automatically_updated",
    ],
)
def test_an_attached_or_changed_method_is_read_again(kind: str) -> None:
    event = {**sample("payment_method.attached.new"), "type": kind}
    assert asked(translate(event)) == ["payment_method:pm_1"]
    assert translate(event, method_reading()).facts == (SAVED,)


@pytest.mark.parametrize("read", [method_reading(customer=None), ("payment_method", "pm_1", None)])
def test_a_method_that_was_taken_away_since_is_removed(
    read: tuple[str, str, Document | None],
) -> None:
    gone = translate("payment_method.attached.new", read)
    assert gone.facts == (MethodRemoved(token="pm_1", customer="cus_1"),)


def test_a_method_that_never_had_an_owner_is_none_of_ours() -> None:
    event = changed("payment_method.attached.new", customer=None)
    assert "not saved" in translate(event, method_reading(customer=None)).ignored


def test_an_account_may_stand_in_for_the_customer() -> None:
    read = method_reading(customer=None, customer_account="acct_1")
    (fact,) = translate("payment_method.attached.new", read).facts
    assert isinstance(fact, MethodSaved)
    assert (fact.customer, fact.method.token) == ("acct_1", "pm_1")


def test_a_detached_method_is_gone_with_the_owner_it_had_if_told() -> None:
    event = sample("payment_method.detached.new")
    assert translate(event).facts == (MethodRemoved(token="pm_1", customer="cus_1"),)
    del event["data"]["previous_attributes"]
    assert translate(event).facts == (MethodRemoved(token="pm_1"),)


def test_a_method_entered_without_paying_is_saved_for_the_account() -> None:
    event = "setup_intent.succeeded.new"
    told = (MethodSaved(method=VISA, customer="cus_1", account="acme"),)
    assert asked(translate(event)) == ["payment_method:pm_1"]
    assert translate(event, method_reading()).facts == told
    embedded = changed(event, payment_method=sample("reading.payment_method"))
    assert translate(embedded).facts == told


def test_a_setup_that_saved_nothing_says_nothing() -> None:
    event = "setup_intent.succeeded.new"
    assert "saved no" in translate(changed(event, payment_method=None)).ignored
    assert "not saved" in translate(event, method_reading(customer=None)).ignored


@pytest.mark.parametrize("status, active", [("active", True), ("inactive", False)])
def test_a_mandate_carries_or_takes_the_permission_to_charge(status: str, active: bool) -> None:
    mandate = {"id": "mandate_1", "object": "mandate", "payment_method": "pm_1", "status": status}
    event = {"id": "evt_m", "type": "mandate.updated", "data": {"object": mandate}}
    assert translate(event).facts == (MandateChanged(token="pm_1", active=active),)
    mandate["status"] = "pending"
    assert "not decided" in translate(event).ignored


def test_a_mandate_for_nothing_waits_for_a_person() -> None:
    mandate = {"id": "mandate_1", "object": "mandate", "status": "active"}
    with pytest.raises(Permanent, match="names no payment method"):
        translate({"id": "evt_m", "type": "mandate.updated", "data": {"object": mandate}})


def test_a_deleted_customer_takes_the_saved_methods_along() -> None:
    customer = {"id": "cus_1", "object": "customer", "deleted": True}
    event = {"id": "evt_c", "type": "customer.deleted", "data": {"object": customer}}
    assert translate(event).facts == (CustomerRemoved(customer="cus_1"),)
