"""Saved wallets: with a purchase, without one, and removed."""

from __future__ import annotations

import pytest

from domain.errors import Permanent
from domain.facts import MethodRemoved, MethodSaved
from domain.ports import MethodRequest
from tests.providers.paypal.played import TOTAL, Played, renewal, wanted


def entry(account: str = "acme") -> MethodRequest:
    """A wallet to be saved without a payment."""
    return MethodRequest(
        key=f"method:{account}",
        account=account,
        email=None,
        customer=None,
        locale="en_GB",
        currency="EUR",
        return_url="https://app.example/return",
        cancel_url="https://app.example/cancel",
    )


def test_a_wallet_saved_with_a_purchase_is_charged_again(paypal: Played) -> None:
    token = paypal.saved()
    [saved] = paypal.facts("VAULT.PAYMENT-TOKEN.CREATED")
    outcome = paypal.gateway.charge(renewal(token))

    assert isinstance(saved, MethodSaved)
    assert (saved.method.token, saved.order) == (token, "ord_first")
    assert (outcome.status, outcome.amount) == ("succeeded", TOTAL)
    assert outcome.payment is not None


def test_a_wallet_is_not_saved_without_consent(paypal: Played) -> None:
    checkout = paypal.gateway.open_checkout(wanted(save_method=False))
    paypal.desk(f"/orders/{checkout.id}/approve")
    outcome = paypal.gateway.capture_checkout(checkout.id, "capture:1")

    assert outcome.method is not None
    assert outcome.method.token is None
    assert "VAULT.PAYMENT-TOKEN.CREATED" not in paypal.types()


def test_a_wallet_saved_later_is_told_by_its_event(paypal: Played) -> None:
    checkout = paypal.gateway.open_checkout(wanted())
    paypal.desk(f"/orders/{checkout.id}/approve", {"vault": "later"})
    outcome = paypal.gateway.capture_checkout(checkout.id, "capture:1")
    [saved] = paypal.facts("VAULT.PAYMENT-TOKEN.CREATED")

    assert outcome.method is not None
    assert outcome.method.token is None
    assert isinstance(saved, MethodSaved)
    assert (saved.order, bool(saved.method.token)) == ("ord_1", True)


def test_a_deleted_wallet_is_a_hard_decline(paypal: Played) -> None:
    token = paypal.saved()
    paypal.gateway.remove_method(token)
    paypal.gateway.remove_method(token)
    outcome = paypal.gateway.charge(renewal(token))

    assert outcome.decline is not None
    assert (outcome.decline.code, outcome.decline.kind) == ("TOKEN_ID_NOT_FOUND", "hard")
    [removed] = paypal.facts("VAULT.PAYMENT-TOKEN.DELETED")
    assert isinstance(removed, MethodRemoved)
    assert removed.token == token


def test_a_wallet_is_entered_without_a_payment(paypal: Played) -> None:
    page = paypal.gateway.open_method_entry(entry())
    assert "approval_session_id" in page.url
    assert page.customer is not None
    assert paypal.gateway.complete_method_entry(page.id, "complete:1") is None

    paypal.desk(f"/setup-tokens/{page.id}/approve")
    method = paypal.gateway.complete_method_entry(page.id, "complete:1")
    [saved] = paypal.facts("VAULT.PAYMENT-TOKEN.CREATED")

    assert method is not None
    assert isinstance(saved, MethodSaved)
    assert (saved.method, saved.account) == (method, "acme")
    assert paypal.gateway.charge(renewal(str(method.token))).status == "succeeded"


def test_a_method_entry_that_paypal_forgot_is_an_end(paypal: Played) -> None:
    with pytest.raises(Permanent, match="no setup token"):
        paypal.gateway.complete_method_entry("NOSUCHTOKEN", "complete:1")
