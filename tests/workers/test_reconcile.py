"""What no webhook brought is found in the provider's list, once, and a person is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from domain import clock, payloads, telemetry
from domain.inbox import Delivery
from domain.invoices import Invoice
from domain.payments import Payment
from domain.positions import LAG
from tests.invariants import assert_invariants
from tests.workers.conftest import Played
from tests.workers.missing_webhooks import (
    PROVIDERS,
    alert,
    announce,
    buy,
    deliver,
    listed,
    position,
    run,
    work,
)
from webhooks.sandbox.paypal_events import announce as announce_at_paypal
from workers import reconcile as jobs

FOUND = "reconciliation_found"


def counted(provider: str) -> float:
    return telemetry.BACKFILLED.labels(provider)._value.get()  # type: ignore[no-any-return]


@pytest.mark.parametrize("method", PROVIDERS)
def test_a_purchase_without_any_webhook_ends_as_it_should(
    begun: Played, client: TestClient, method: str
) -> None:
    runtime, provider = begun.runtime, PROVIDERS[method]
    before = counted(provider)
    buy(begun, client, "acme", method)
    for _ in range(5):
        run(begun)
    account = client.get("/api/accounts/acme").json()
    assert (account["status"], account["subscription"]["state"]) == ("active", "active")
    with runtime.database.transaction() as session:
        for table in (Payment, Invoice):
            assert session.scalar(select(func.count()).select_from(table)) == 1
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0
    events = listed(runtime)
    assert {(e.provider, e.origin, e.delivery_id) for e in events} == {(provider, "backfill", "")}
    assert {e.status for e in events} <= {"processed", "ignored"}
    told = alert(runtime, FOUND, provider)
    assert told is not None
    assert told.details["count"] == position(runtime, provider).found == len(events)
    assert sum(told.details["types"].values()) == len(events)
    assert told.details["oldest"] <= told.details["newest"]
    assert counted(provider) - before == len(events)
    assert_invariants(runtime.database)


@pytest.mark.parametrize("method", PROVIDERS)
def test_webhooks_that_come_after_all_are_duplicates(
    begun: Played, client: TestClient, method: str
) -> None:
    runtime = begun.runtime
    buy(begun, client, "acme", method)
    for _ in range(5):
        run(begun)
    found = {event.provider_event_id for event in listed(runtime)}
    for message in begun.world.courier.held():
        receipt = deliver(runtime, begun, message.event_id)
        assert receipt.duplicate == (message.event_id in found)
        assert not receipt.forged
    work(runtime)
    with runtime.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Invoice)) == 1
    assert_invariants(runtime.database)


def test_what_came_by_webhook_is_known_and_nobody_is_told(begun: Played) -> None:
    deliver(begun.runtime, begun, announce(begun))
    for _ in range(3):
        run(begun)
    assert [event.origin for event in listed(begun.runtime)] == ["webhook"]
    assert alert(begun.runtime, FOUND) is None
    assert position(begun.runtime).found == 0


def test_a_young_event_is_left_to_the_webhook(begun: Played) -> None:
    clock.advance(timedelta(minutes=2))
    announce(begun)
    run(begun, minutes=1)
    assert listed(begun.runtime) == []
    run(begun, minutes=3)
    assert len(listed(begun.runtime)) == 1


def test_the_body_is_canonical_json_of_what_is_listed(begun: Played) -> None:
    event_id = announce(begun, zebra=1, ant=1.0, name="Žižkov")
    run(begun)
    [event] = listed(begun.runtime)
    with begun.runtime.database.transaction() as session:
        body = payloads.body(session, event)
    assert body is not None
    told = msgspec.json.decode(body)
    assert told["id"] == event.provider_event_id == event_id
    assert body == msgspec.json.encode(told, order="deterministic")
    assert told["data"]["object"]["name"] == "Žižkov"
    assert b'"ant":1.0' in body


def test_two_walks_at_once_find_each_event_once(begun: Played) -> None:
    made = {announce(begun) for _ in range(120)}
    clock.advance(timedelta(minutes=3))
    provider = begun.runtime.providers["stripe"]
    with ThreadPoolExecutor(2) as pool:
        walks = [pool.submit(jobs.catch_up, begun.runtime, provider) for _ in range(2)]
    results = [walk.result() for walk in walks]
    assert sum(result["found"] for result in results) == 120
    assert {event.provider_event_id for event in listed(begun.runtime)} == made
    assert position(begun.runtime).found == 120
    told = alert(begun.runtime, FOUND)
    assert told is not None
    assert told.details["count"] == 120


def test_a_list_of_several_pages_is_walked_to_its_end(begun: Played) -> None:
    for number in range(250):
        announce(begun)
        if number % 50 == 0:
            announce_at_paypal(begun.world, "CHECKOUT.ORDER.APPROVED", {"id": f"ORDER{number}"})
    run(begun)
    assert len(listed(begun.runtime, provider="stripe")) == 250
    assert len(listed(begun.runtime, provider="paypal")) == 5


def test_what_means_nothing_to_us_stays_at_the_provider(begun: Played) -> None:
    announce(begun, "cow.milked")
    announce(begun, "customer.created")
    run(begun)
    assert listed(begun.runtime) == []
    assert alert(begun.runtime, FOUND) is None


def test_a_type_without_subscription_that_means_something_enters_and_alarms_nobody(
    begun: Played,
) -> None:
    announce(begun, "payment_method.card_automatically_updated", id="pm_1", object="payment_method")
    run(begun)
    assert [event.origin for event in listed(begun.runtime)] == ["backfill"]
    assert alert(begun.runtime, FOUND) is None


def test_a_missed_event_with_nothing_for_us_in_it_is_kept_as_ignored(begun: Played) -> None:
    announce(
        begun,
        "charge.succeeded",
        id="ch_1",
        object="charge",
        invoice=None,
        amount=1,
        currency="eur",
        status="succeeded",
        payment_intent=None,
        metadata={},
    )
    run(begun)
    assert [(e.status, e.origin) for e in listed(begun.runtime)] == [("ignored", "backfill")]


def test_rubbish_in_the_list_is_parked_and_stops_nobody(begun: Played) -> None:
    now = int(clock.now().timestamp())
    for key, event in {
        "evt_a": {"id": "evt_\n", "type": "charge.succeeded", "created": now},
        "evt_b": {"id": "evt_b", "type": "charge.succeeded", "created": now, "data": []},
    }.items():
        begun.world.store.put("stripe.event", key, event)
    fine = announce(begun)
    run(begun)
    found = {e.type: e for e in listed(begun.runtime)}
    assert found["malformed"].status == found["charge.succeeded"].status == "parked"
    assert found["malformed"].provider_event_id.startswith("malformed-")
    assert found["customer.deleted"].provider_event_id == fine
    assert position(begun.runtime).reached == clock.now() - LAG
    run(begun)
    assert len(listed(begun.runtime)) == 3


def test_one_alert_is_added_to_and_is_over_after_a_quiet_day(begun: Played) -> None:
    for _ in range(2):
        announce(begun)
        run(begun)
    told = alert(begun.runtime, FOUND)
    assert told is not None
    assert (told.count, told.details["count"]) == (2, 2)
    assert told.details["types"] == {"customer.deleted": 2}
    run(begun, hours=23)
    still = alert(begun.runtime, FOUND)
    assert still is not None
    assert still.state == "open"
    run(begun, hours=2)
    over = alert(begun.runtime, FOUND)
    assert over is not None
    assert over.state == "resolved"
