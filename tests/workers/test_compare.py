"""Once a day our money is compared with the providers', and what differs is told and taken back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from domain import clock, positions
from domain.alerts import Alert
from domain.disputes import Dispute
from domain.effects import Effect
from domain.payments import Payment
from domain.positions import MONEY, Position
from domain.refunds import Refund
from tests.invariants import assert_invariants
from tests.workers.conftest import Played
from tests.workers.missing_webhooks import PROVIDERS, buy, desk, run, work
from workers import compare
from workers.runtime import Runtime


@pytest.fixture
def sold(begun: Played, client: TestClient) -> Played:
    """Both providers have a payment, and the first comparison is a day away."""
    compare.compare(begun.runtime)
    for ref, method in (("acme", "card"), ("bolt", "paypal")):
        buy(begun, client, ref, method)
    for _ in range(4):
        run(begun)
    assert len(rows(begun.runtime, Payment)) == 2
    return begun


def rows(runtime: Runtime, table: type[Any]) -> list[Any]:
    with runtime.database.transaction() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def differences(played: Played) -> list[Alert]:
    return [alert for alert in rows(played.runtime, Alert) if alert.rule == compare.RULE]


def position(played: Played, provider: str = "stripe") -> Position:
    with played.runtime.database.transaction() as session:
        return positions.of(session, provider, MONEY)


def compared(played: Played) -> int:
    """How many objects the finished runs looked up."""
    done = [e for e in rows(played.runtime, Effect) if e.kind == compare.KIND and e.result]
    return sum(effect.result.get("compared", 0) for effect in done)


def next_round(played: Played) -> None:
    """Let a day pass, and the round with its second look happen."""
    clock.advance(timedelta(days=1))
    for _ in range(3):
        go_on(played)
    clock.advance(compare.DOUBT)
    work(played.runtime)


def go_on(played: Played) -> None:
    clock.advance(compare.PAUSE)
    compare.compare(played.runtime)
    work(played.runtime)


def change(played: Played, table: type[Any], **values: Any) -> None:
    with played.runtime.database.transaction() as session:
        session.execute(update(table).where(table.provider == "stripe").values(**values))


def test_what_is_equal_is_looked_up_and_nobody_is_told(sold: Played) -> None:
    stripe, paypal = rows(sold.runtime, Payment)
    desk(sold, "/stripe/refunds", payment_intent=stripe.reference, amount=700)
    desk(sold, f"/paypal/captures/{paypal.reference}/refund")
    for _ in range(3):
        run(sold)
    desk(sold, "/stripe/disputes", payment_intent=stripe.reference)
    desk(sold, "/paypal/disputes", capture_id=paypal.reference)
    for _ in range(3):
        run(sold)
    next_round(sold)
    assert differences(sold) == []
    # Two payments, two refunds, two disputes, and one payment that the card provider lists.
    assert compared(sold) == 7
    assert position(sold).cursor is None
    assert_invariants(sold.runtime.database)


@pytest.mark.parametrize(
    "values, ours",
    [
        ({"amount": 100}, "1.00 CZK succeeded"),
        ({"currency": "EUR"}, "1185.80 EUR succeeded"),
        ({"state": "failed"}, "1185.80 CZK failed"),
        ({"state": "pending"}, "1185.80 CZK pending"),
    ],
)
def test_a_payment_that_differs_is_told_with_both_until_it_is_equal(
    sold: Played, values: dict[str, Any], ours: str
) -> None:
    [payment, _] = rows(sold.runtime, Payment)
    before = {name: getattr(payment, name) for name in values}
    change(sold, Payment, **values)
    next_round(sold)
    [alert] = differences(sold)
    assert (alert.state, alert.subject) == ("open", f"stripe:{payment.reference}")
    assert alert.details == {
        "object": "payment",
        "account": "acme",
        "ours": ours,
        "theirs": "1185.80 CZK succeeded",
    }
    change(sold, Payment, **before)
    next_round(sold)
    assert [alert.state for alert in differences(sold)] == ["resolved"]


def test_a_difference_that_is_gone_at_the_second_look_is_told_to_nobody(sold: Played) -> None:
    change(sold, Payment, state="pending")
    clock.advance(timedelta(days=1))
    go_on(sold)
    change(sold, Payment, state="succeeded")
    clock.advance(compare.DOUBT)
    work(sold.runtime)
    assert differences(sold) == []


def test_an_old_difference_is_looked_at_in_every_round(sold: Played) -> None:
    change(sold, Payment, amount=100)
    next_round(sold)
    change(sold, Payment, amount=118580)
    # By then the payment is older than what a round goes over.
    clock.advance(timedelta(days=10))
    next_round(sold)
    assert [alert.state for alert in differences(sold)] == ["resolved"]


@pytest.mark.parametrize("method", PROVIDERS)
def test_an_object_that_the_provider_does_not_know_differs(sold: Played, method: str) -> None:
    with sold.runtime.database.transaction() as session:
        statement = update(Payment).where(Payment.provider == PROVIDERS[method])
        session.execute(statement.values(reference="pi_gone"))
    next_round(sold)
    told = {alert.subject: alert.details["theirs"] for alert in differences(sold)}
    assert told[f"{PROVIDERS[method]}:pi_gone"] == "no such object"


def test_a_refund_of_which_no_event_was_ever_made_is_found(sold: Played) -> None:
    [payment, _] = rows(sold.runtime, Payment)
    [charge] = sold.world.store.find("stripe.charge", payment_intent=payment.reference)
    sold.world.store.put("stripe.charge", charge["id"], {**charge, "amount_refunded": 300})
    next_round(sold)
    [alert] = differences(sold)
    assert alert.details["theirs"] == "1185.80 CZK succeeded, 3.00 CZK given back"


def test_a_payment_for_us_of_which_no_event_was_ever_made_is_found(sold: Played) -> None:
    [payment, _] = rows(sold.runtime, Payment)
    intent = sold.world.store.get("stripe.payment_intent", payment.reference)
    assert intent is not None
    silent = {**intent, "id": "pi_silent"}
    stranger = {**intent, "id": "pi_stranger", "metadata": {"order_id": "somebody-else's"}}
    for each in (silent, stranger):
        sold.world.store.put("stripe.payment_intent", each["id"], each)
    next_round(sold)
    [alert] = differences(sold)
    assert alert.subject == "stripe:pi_silent"
    assert alert.details["account"] == "acme"
    assert alert.details["ours"] == "no such payment"


def test_refunds_and_disputes_are_compared_as_well(sold: Played) -> None:
    [payment, _] = rows(sold.runtime, Payment)
    desk(sold, "/stripe/refunds", payment_intent=payment.reference, amount=700)
    desk(sold, "/stripe/disputes", payment_intent=payment.reference)
    for _ in range(3):
        run(sold)
    change(sold, Refund, amount=600)
    change(sold, Dispute, state="won")
    next_round(sold)
    told = {
        a.details["object"]: (a.details["ours"], a.details["theirs"]) for a in differences(sold)
    }
    assert told["refund"] == ("6.00 CZK succeeded", "7.00 CZK succeeded")
    assert told["dispute"] == ("1185.80 CZK won", "1185.80 CZK open")


def test_an_object_that_cannot_be_understood_stops_nobody(sold: Played) -> None:
    _, payment = rows(sold.runtime, Payment)
    capture = sold.world.store.get("paypal_capture", payment.reference)
    assert capture is not None
    sold.world.store.put("paypal_capture", capture["id"], {**capture, "status": "WEIRD"})
    next_round(sold)
    [alert] = differences(sold)
    assert "'WEIRD', which is not known" in alert.details["theirs"]
    assert position(sold, "paypal").cursor is None


def test_a_round_goes_on_where_a_run_ended(sold: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "BUDGET_S", 0.0)
    clock.advance(timedelta(days=1))
    kinds = []
    for _ in range(20):
        go_on(sold)
        kinds.append((position(sold).cursor or "over").partition(":")[0])
    assert list(dict.fromkeys(kinds)) == ["payment", "refund", "dispute", "listed", "over"]
    assert len(rows(sold.runtime, Payment)) == 2
    assert compared(sold) >= 3
    assert differences(sold) == []


def test_two_runs_at_once_come_to_the_same_end(sold: Played) -> None:
    change(sold, Payment, amount=100)
    clock.advance(timedelta(days=1))
    compare.compare(sold.runtime)
    provider = sold.runtime.providers["stripe"]
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(compare.go_on, sold.runtime, provider) for _ in range(2)]
    assert all("error" not in each.result() for each in both)
    assert position(sold).cursor is None
    doubts = [e.payload["doubts"] for e in rows(sold.runtime, Effect) if "doubts" in e.payload]
    assert len(doubts) == 1


def test_a_provider_that_is_down_leaves_the_round_where_it_is(sold: Played) -> None:
    clock.advance(timedelta(days=1))
    sold.world.faults.add(
        {"kind": "rate_limit", "provider": "stripe", "path": "/v1/payment_intents/*"}
    )
    go_on(sold)
    stuck = position(sold)
    assert stuck.cursor is not None
    assert stuck.error is not None
    for _ in range(11):
        clock.advance(compare.PAUSE_AFTER_FAILURE)
        compare.compare(sold.runtime)
        work(sold.runtime)
    told = [a for a in rows(sold.runtime, Alert) if a.rule == compare.FAILING]
    assert [(a.subject, a.state) for a in told] == [("stripe (money)", "open")]
    sold.world.faults.clear()
    clock.advance(compare.PAUSE_AFTER_FAILURE)
    go_on(sold)
    assert position(sold).cursor is None
    told = [a for a in rows(sold.runtime, Alert) if a.rule == compare.FAILING]
    assert [a.state for a in told] == ["resolved"]


def test_a_young_payment_is_left_to_its_events(sold: Played, client: TestClient) -> None:
    clock.advance(timedelta(days=1) - timedelta(minutes=20))
    buy(sold, client, "dana")
    for _ in range(4):
        run(sold)
    with sold.runtime.database.transaction() as session:
        newest = select(Payment.id).order_by(Payment.id.desc()).limit(1)
        statement = update(Payment).where(Payment.id == newest.scalar_subquery())
        session.execute(statement.values(amount=1))
    for _ in range(3):
        go_on(sold)
        clock.advance(compare.DOUBT)
    assert position(sold).cursor is None
    assert differences(sold) == []
