"""Saved wallets charged while the customer is away, and charges whose outcome was not heard."""

from __future__ import annotations

import pytest

from domain.errors import Unknown
from tests.providers.paypal.played import TOTAL, Played, renewal


def test_the_same_key_charges_once(paypal: Played) -> None:
    token = paypal.saved()
    outcomes = [paypal.gateway.charge(renewal(token)) for _ in range(3)]

    assert len({outcome.payment for outcome in outcomes}) == 1
    assert paypal.types().count("PAYMENT.CAPTURE.COMPLETED") == 2


def test_one_order_is_charged_once_whatever_the_key(paypal: Played) -> None:
    token = paypal.saved()
    first = paypal.gateway.charge(renewal(token))
    second = paypal.gateway.charge(renewal(token, key="charge:ord_2:2"))

    assert first.payment == second.payment
    assert paypal.types().count("PAYMENT.CAPTURE.COMPLETED") == 2


@pytest.mark.parametrize(
    "behaviour, code, kind",
    [
        ("decline", "INSTRUMENT_DECLINED", "soft"),
        ("payer_action", "PAYER_ACTION_REQUIRED", "hard"),
        ("TRANSACTION_REFUSED", "TRANSACTION_REFUSED", "soft"),
    ],
)
def test_a_declined_charge_is_an_outcome(
    paypal: Played, behaviour: str, code: str, kind: str
) -> None:
    token = paypal.saved()
    paypal.desk(f"/vault/{token}", {"behaviour": behaviour})
    outcome = paypal.gateway.charge(renewal(token))

    assert (outcome.status, outcome.payment) == ("failed", None)
    assert outcome.decline is not None
    assert (outcome.decline.code, outcome.decline.kind) == (code, kind)


def test_a_charge_whose_answer_was_lost_is_found_and_not_made_again(paypal: Played) -> None:
    token = paypal.saved()
    paypal.fault("timeout", path="*/v2/checkout/orders", method="POST", seconds=0.7)
    with pytest.raises(Unknown):
        paypal.gateway.charge(renewal(token))

    found = paypal.gateway.find_charge("ord_2", "charge:ord_2:1")
    again = paypal.gateway.charge(renewal(token))

    assert found is not None
    assert (found.status, found.amount) == ("succeeded", TOTAL)
    assert found.payment == again.payment
    assert paypal.types().count("PAYMENT.CAPTURE.COMPLETED") == 2


def test_a_charge_that_never_arrived_is_not_found(paypal: Played) -> None:
    token = paypal.saved()
    paypal.fault("timeout_before", path="*/v2/checkout/orders", method="POST", seconds=0.7)
    with pytest.raises(Unknown):
        paypal.gateway.charge(renewal(token))

    assert paypal.gateway.find_charge("ord_2", "charge:ord_2:1") is None


def test_a_failed_try_is_found_by_its_own_key_only(paypal: Played) -> None:
    token = paypal.saved()
    paypal.desk(f"/vault/{token}", {"behaviour": "pending"})
    payment = paypal.gateway.charge(renewal(token)).payment
    paypal.desk(f"/captures/{payment}", {"status": "DECLINED"})

    mine = paypal.gateway.find_charge("ord_2", "charge:ord_2:1")
    assert mine is not None
    assert (mine.status, mine.payment) == ("failed", payment)
    assert paypal.gateway.find_charge("ord_2", "charge:ord_2:2") is None
