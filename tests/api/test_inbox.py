"""The operators' side of the inbox through the API: find, look, retry, dismiss, try, replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from domain.database import Database
from domain.inbox import Event
from tests.api.conftest import SECRET, Worker, purchase
from tests.contract.acme.ledger import Ledger, delivery
from workers.replay import group_failures, replay

WHY = {"reason": "the account exists now"}


class Caller:
    """Calls the API in one role."""

    def __init__(self, client: TestClient, secret: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path: str, status: int = 200) -> Any:
        """Read; returns the answer's JSON."""
        answer = self._client.get(path, headers=self._headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path: str, status: int, body: Any = None, **headers: str) -> Any:
        """Act; returns the answer's JSON."""
        sent = {**self._headers, **headers}
        answer = self._client.post(path, json=body, headers=sent)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def operator(anonymous: TestClient, token: Callable[[str], str]) -> Caller:
    return Caller(anonymous, token("operator"))


@pytest.fixture
def viewer(anonymous: TestClient, token: Callable[[str], str]) -> Caller:
    return Caller(anonymous, token("viewer"))


@pytest.fixture
def paid(client: TestClient, shop: str, working: Worker, ledger: Ledger) -> dict[str, Any]:
    """The shop has bought; the event that said so."""
    client.post("/api/accounts/shop/orders", json=purchase())
    event: dict[str, Any] = ledger.pay("acme_checkout_1")
    send(client, event)
    working.wait()
    return event


@pytest.fixture
def parked(client: TestClient, paid: object, database: Database) -> int:
    """An event that was left to a person."""
    send(client, {"id": "evt_bad", "type": "payment.completed", "data": {}})
    with database.transaction() as session:
        event = session.query(Event).filter_by(provider_event_id="evt_bad").one()
        event.status, event.note = "parked", "Permanent: no data"
        event.fingerprint, event.next_attempt_at = "payment.completed: Permanent: no data", None
        return event.id


def send(client: TestClient, event: dict[str, Any]) -> None:
    headers, body = delivery(event, SECRET)
    assert client.post("/webhooks/acme", content=body, headers=headers).status_code == 200


def ids(page: Any) -> list[int]:
    return [item["id"] for item in page["items"]]


def test_events_are_found_by_every_filter(viewer: Caller, paid: Any, parked: int) -> None:
    everything = ids(viewer.get("/api/events"))
    assert everything == sorted(everything, reverse=True)
    found = viewer.get("/api/events?status=processed&provider=acme&account=shop")["items"]
    assert {item["provider_event_id"] for item in found} == {paid["id"]}
    [event] = found
    for query in (
        f"q={event['id']}",
        f"q={paid['id']}",
        f"order={event['order']}",
        f"q={event['payment']}&origin=webhook",
        "type=payment.completed&received_from=2020-01-01T00:00:00Z&status=processed",
    ):
        assert event["id"] in ids(viewer.get(f"/api/events?{query}")), query
    assert ids(viewer.get("/api/events?error=payment.completed")) == [parked]
    assert ids(viewer.get("/api/events?received_to=2020-01-01T00:00:00%2B02:00")) == []
    assert event["amount"] == {"amount": 118_580, "currency": "CZK"}


def test_pages_of_events_go_on_where_the_last_ended(viewer: Caller, parked: int) -> None:
    first = viewer.get("/api/events?limit=1")
    second = viewer.get(f"/api/events?limit=1&cursor={first['next']}")
    assert [*ids(first), *ids(second)] == ids(viewer.get("/api/events?limit=2"))
    viewer.get("/api/events?cursor=garbage", 400)
    viewer.get("/api/events?received_from=yesterday", 400)
    viewer.get("/api/events?received_from=2026-03-02T10:00:00", 400)
    viewer.get("/api/events?received_from=0001-01-01T00:00:00%2B14:00")
    viewer.get("/api/events?received_to=9999-12-31T23:59:59-14:00")


def test_an_event_is_shown_with_all_that_belongs_to_it(
    viewer: Caller, operator: Caller, paid: dict[str, Any]
) -> None:
    [number] = ids(viewer.get(f"/api/events?q={paid['id']}"))
    shown = viewer.get(f"/api/events/{number}")
    assert shown["facts"][0]["type"] == "PaymentSucceeded"
    assert shown["deliveries"][0]["headers"]
    assert shown["attempts_made"][0]["outcome"] == "processed"
    mail = next(effect for effect in shown["effects"] if effect["kind"] == "send_mail")
    assert (shown["masked"], mail["payload"]["to"]) == (True, "•••")
    whole = operator.get(f"/api/events/{number}")
    mail = next(effect for effect in whole["effects"] if effect["kind"] == "send_mail")
    assert (whole["masked"], mail["payload"]["to"]) == (False, "anna@example.com")
    assert whole["payload"]["id"] == paid["id"]
    viewer.get("/api/events/999", 404)


def test_a_parked_event_is_retried_and_dismissed_with_a_reason_in_the_audit_log(
    operator: Caller, viewer: Caller, parked: int, working: Worker
) -> None:
    operator.post(f"/api/events/{parked}/dismiss", 422, {"reason": ""})
    operator.post(f"/api/events/{parked}/dismiss", 422, {})
    assert operator.post(f"/api/events/{parked}/retry", 200, WHY)["status"] == "received"
    working.wait()
    assert viewer.get(f"/api/events/{parked}")["status"] == "parked"
    dismissed = operator.post(f"/api/events/{parked}/dismiss", 200, {"reason": "a test"})
    assert (dismissed["status"], dismissed["error"]) == ("dismissed", None)
    operator.post(f"/api/events/{parked}/dismiss", 409, {"reason": "again"})
    operator.post(f"/api/events/{parked}/retry", 409, WHY)
    lines = viewer.get(f"/api/audit?subject=event:{parked}")["items"]
    assert [(line["action"], line["reason"]) for line in lines] == [
        ("dismiss", "a test"),
        ("retry", WHY["reason"]),
    ]
    assert {line["actor"] for line in lines} == {"operator:tests as operator"}
    assert {line["source"] for line in lines} == {"testclient"}


def test_a_dry_run_is_asked_for_and_its_result_read(
    operator: Caller, viewer: Caller, paid: dict[str, Any], working: Worker
) -> None:
    [number] = ids(viewer.get(f"/api/events?q={paid['id']}"))
    trial = operator.post(f"/api/events/{number}/dry-run", 201)
    assert (trial["event"], trial["state"]) == (number, "wanted")
    working.wait()
    done = operator.get(f"/api/trials/{trial['id']}")
    assert (done["state"], done["result"]["outcome"]) == ("done", "processed")
    assert viewer.get(f"/api/trials/{trial['id']}")["masked"] is True
    viewer.get("/api/trials/999", 404)
    operator.post("/api/events/999/dry-run", 404)


def test_a_group_of_failures_is_listed_and_replayed(
    operator: Caller, viewer: Caller, parked: int, working: Worker
) -> None:
    assert working.runtime is not None
    group_failures(working.runtime)
    [group] = viewer.get("/api/failures?state=open")["items"]
    assert (group["count"], group["handler"]) == (1, "payment.completed")
    assert viewer.get(f"/api/failures/{group['id']}") == group
    chosen = {"filter": {"error": group["fingerprint"]}, "reason": "mended"}
    found = operator.post("/api/replays", 200, {**chosen, "dry_run": True})
    assert (found["count"], [one["id"] for one in found["sample"]]) == (1, [parked])
    assert viewer.get("/api/replays")["items"] == []
    made = operator.post("/api/replays", 201, chosen)
    assert (made["state"], made["total"], made["waiting"]) == ("planned", 1, 1)
    replay(working.runtime)
    working.wait()
    replay(working.runtime)
    now = viewer.get(f"/api/replays/{made['id']}")
    assert (now["state"], now["failed"], now["error_rate"]) == ("stopped", 1, 100.0)
    [item] = viewer.get(f"/api/replays/{made['id']}/items?state=failed")["items"]
    assert (item["id"], item["state"]) == (parked, "failed")
    assert operator.post(f"/api/replays/{made['id']}/resume", 200, WHY)["state"] == "running"
    assert operator.post(f"/api/replays/{made['id']}/cancel", 200, WHY)["state"] == "cancelled"
    operator.post(f"/api/replays/{made['id']}/cancel", 409, WHY)
    assert [
        line["action"]
        for line in viewer.get("/api/audit?actor=operator:tests as operator")["items"]
    ] == ["cancel", "resume", "replay"]


@pytest.mark.parametrize(
    "body, status, code",
    [
        ({"filter": {}, "reason": "all"}, 422, "filter_empty"),
        ({"filter": {}, "dry_run": True}, 422, "filter_empty"),
        ({"filter": {"status": "quarantined"}, "reason": "x"}, 422, "filter_quarantined"),
        ({"filter": {"type": "cow.milked"}, "reason": "x"}, 409, "nothing_to_replay"),
        ({"filter": {"provider": "acme"}}, 422, "reason_missing"),
        ({"filter": {"q": "x"}, "of": "effects", "reason": "x"}, 422, "filter_not_for_effects"),
        ({"filter": {"kind": "x"}, "reason": "x"}, 422, "body_invalid"),
    ],
)
def test_a_replay_without_a_filter_a_reason_or_a_find_is_refused(
    operator: Caller, paid: object, body: dict[str, Any], status: int, code: str
) -> None:
    assert operator.post("/api/replays", status, body)["code"] == code


def test_an_effect_that_was_parked_is_tried_again(
    operator: Caller, viewer: Caller, paid: dict[str, Any], database: Database
) -> None:
    [number] = ids(viewer.get(f"/api/events?q={paid['id']}"))
    effect = viewer.get(f"/api/events/{number}")["effects"][0]
    operator.post(f"/api/effects/{effect['id']}/retry", 409, WHY)
    operator.post("/api/effects/999/retry", 404, WHY)
    assert viewer.get("/api/audit")["items"] == []
