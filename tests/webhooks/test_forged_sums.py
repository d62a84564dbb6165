"""A body made to a signed one's CRC-32 passes PayPal's signature; it must not pass for money."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from domain.accounts import Account
from domain.orders import Order
from domain.payments import Payment
from tests import lives
from tests.webhooks.edge import Edge, paypal_event
from tests.webhooks.forging import with_sum_of

STOLEN = "5TY05013RG002845M"


@pytest.fixture
def order(edge: Edge) -> Order:
    """An order that waits for its payment by wallet."""
    lives.account(edge.runtime, "victim")
    return lives.order(edge.runtime, "victim", provider="paypal")


def capture(order: Order, event_id: str, number: str = STOLEN) -> bytes:
    """The event of money for an order, as a forger would write it."""
    value = {"currency_code": order.currency, "value": f"{order.due // 100}.{order.due % 100:02}"}
    resource = {
        "id": number,
        "status": "COMPLETED",
        "amount": value,
        "custom_id": order.id,
        "final_capture": True,
    }
    return paypal_event(
        event_id, "PAYMENT.CAPTURE.COMPLETED", resource_version="2.0", resource=resource
    )


def money(edge: Edge) -> tuple[list[Any], set[str]]:
    """Every payment, and the states of all orders and accounts."""
    with edge.runtime.database.transaction() as session:
        payments = list(session.scalars(select(Payment)))
        states = {*session.scalars(select(Order.state)), *session.scalars(select(Account.status))}
    return payments, states


def test_the_tool_makes_other_json_of_the_same_sum() -> None:
    genuine, text = paypal_event("WH-genuine"), paypal_event("WH-forged")
    forged = with_sum_of(genuine, text)
    assert zlib.crc32(forged) == zlib.crc32(genuine)
    assert msgspec.json.decode(forged) == msgspec.json.decode(text)


def test_a_forged_sum_under_a_known_transmission_is_refused(edge: Edge, order: Order) -> None:
    genuine = paypal_event("WH-genuine")
    headers = edge.transmission(genuine)
    assert edge.post("paypal", genuine, headers).status_code == 200
    forged = with_sum_of(genuine, capture(order, "WH-forged"))
    answer = edge.post("paypal", forged, headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_authentic")
    assert [event.provider_event_id for event in edge.events()] == ["WH-genuine"]


def test_a_forged_sum_that_comes_first_is_never_money_and_the_genuine_event_still_comes_in(
    edge: Edge, order: Order
) -> None:
    genuine = paypal_event("WH-genuine")
    headers = edge.transmission(genuine)
    forged = with_sum_of(genuine, capture(order, "WH-forged"))
    assert edge.post("paypal", forged, headers).status_code == 200
    edge.work()
    edge.work()
    payments, states = money(edge)
    assert payments == []
    assert "paid" not in states
    # PayPal was asked for the capture and knows none of that number.
    assert [effect.target for effect in edge.effects("read_object")] == [f"capture:{STOLEN}"]
    (event,) = edge.events()
    assert event.status in {"ignored", "parked"}
    # Under the forger's transmission the genuine body is the second one; PayPal's next try is not.
    assert edge.post("paypal", genuine, headers).status_code == 400
    assert edge.paypal(genuine).json() == {"received": True, "duplicate": False}


def test_a_forged_body_under_a_genuine_events_id_does_not_take_its_place(
    edge: Edge, order: Order
) -> None:
    genuine = paypal_event("WH-same")
    forged = with_sum_of(genuine, capture(order, "WH-same"))
    assert edge.post("paypal", forged, edge.transmission(genuine)).status_code == 200
    assert edge.paypal(genuine).json() == {"received": True, "duplicate": False}
    assert edge.paypal(genuine).json() == {"received": True, "duplicate": True}
    edge.work()
    assert len(edge.events()) == 2
    assert money(edge)[0] == []
