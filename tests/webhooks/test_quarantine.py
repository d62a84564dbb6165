"""A delivery whose certificate cannot be had: kept apart, judged later, never processed before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from domain.alerts import Alert
from domain.effects import Effect
from tests.webhooks.edge import Edge, edge_on, paypal_event
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.world import World

KEPT = {"received": True, "quarantined": True}
VERIFY_API = "/v1/notifications/verify-webhook-signature"


@pytest.fixture
def away(stored: Edge) -> Edge:
    """An edge that cannot get PayPal's certificate, nor ask PayPal."""
    stored.lose_certificates()
    return stored


def states(edge: Edge) -> list[tuple[str, str]]:
    """Event id and status of everything in the inbox."""
    return [(event.provider_event_id, event.status) for event in edge.events()]


def judge_again(edge: Edge) -> None:
    """Bring the certificates back, let the effect's next try be due, and work."""
    edge.find_certificates()
    with edge.runtime.database.transaction() as session:
        for effect in session.scalars(select(Effect).where(Effect.status == "waiting")):
            effect.next_attempt_at = effect.created_at
    # The verifier remembers for some seconds that the host failed: a new one has not asked yet.
    edge.runtime.providers = edge.fresh_providers()
    edge.work()


def test_a_delivery_that_cannot_be_judged_is_kept_apart_and_not_processed(away: Edge) -> None:
    answer = away.paypal(paypal_event())
    assert (answer.status_code, answer.json()) == (202, KEPT)
    for _ in range(3):
        away.work()
    (event,) = away.events()
    assert event.status == "quarantined"
    assert event.attempts == 0
    assert event.provider_event_id.startswith("unverified:")
    (effect,) = away.effects("verify_delivery")
    assert effect.status == "waiting"
    assert "authentic" in (effect.note or "")


def test_it_is_let_in_when_it_proves_authentic(away: Edge) -> None:
    away.paypal(paypal_event("WH-1"))
    away.work()
    judge_again(away)
    assert states(away) == [("WH-1", "ignored")]


def test_of_two_bodies_under_one_transmission_only_the_first_is_let_in(away: Edge) -> None:
    for event_id in ("WH-1", "WH-2"):
        away.paypal(paypal_event(event_id), transmission_id="t-1")
    away.work()
    judge_again(away)
    assert sorted(status for _, status in states(away)) == ["dismissed", "ignored"]


def test_it_is_dismissed_with_an_alert_when_it_proves_forged(
    away: Edge, stranger: Authority
) -> None:
    assert away.paypal(paypal_event("WH-1"), by=stranger).status_code == 202
    away.work()
    judge_again(away)
    (event,) = away.events()
    assert event.status == "dismissed"
    assert "forged" in (event.note or "")
    assert event.provider_event_id != "WH-1"
    with away.runtime.database.transaction() as session:
        alerts = session.scalars(select(Alert.rule)).all()
    assert alerts == ["forged_delivery"]


def test_a_forgery_in_quarantine_does_not_take_the_place_of_the_genuine_event(
    away: Edge, stranger: Authority
) -> None:
    body = paypal_event("WH-1")
    away.paypal(body, by=stranger, transmission_id="t-1")
    away.paypal(body, transmission_id="t-1")
    away.work()
    judge_again(away)
    assert sorted(status for _, status in states(away)) == ["dismissed", "ignored"]
    assert ("WH-1", "ignored") in states(away)


def test_one_event_in_quarantine_twice_is_processed_once(away: Edge) -> None:
    body = paypal_event("WH-1")
    headers = away.transmission(body)
    for sent in (headers, headers, away.transmission(body)):
        assert away.post("paypal", body, sent).status_code == 202
    away.work()
    judge_again(away)
    assert sorted(status for _, status in states(away)) == ["dismissed", "dismissed", "ignored"]
    notes = [event.note for event in away.events() if event.status == "dismissed"]
    assert all("duplicate" in (note or "") or "before" in (note or "") for note in notes)


def test_paypals_own_opinion_counts_while_the_certificate_is_away(
    edge: Edge, stranger: Authority
) -> None:
    edge.world.faults.add(
        {"kind": "error", "provider": "paypal", "path": "/v1/notifications/certs/*"}
    )
    assert edge.paypal(paypal_event("WH-1")).status_code == 202
    assert edge.paypal(paypal_event("WH-2"), by=stranger).status_code == 202
    edge.work()
    found = dict(states(edge))
    assert found.pop("WH-1") == "ignored"
    assert list(found.values()) == ["dismissed"]


def test_an_outage_page_in_place_of_the_certificate_is_no_verdict(edge: Edge) -> None:
    edge.world.set("paypal_certificate_outage", True)
    try:
        assert edge.paypal(paypal_event()).status_code == 202
    finally:
        edge.world.set("paypal_certificate_outage", False)


@pytest.fixture
def shared(stored: Edge, database_url: str, world: World, authority: Authority) -> Iterator[Edge]:
    """A second web process over the same database, which has the certificate."""
    with edge_on(database_url, world, authority) as other:
        other.paypal(paypal_event("WH-warm"))
        yield other


def test_what_another_process_received_is_a_duplicate_of_what_waits_in_quarantine(
    stored: Edge, shared: Edge
) -> None:
    stored.lose_certificates()
    body = paypal_event("WH-1")
    assert stored.paypal(body).status_code == 202
    assert shared.paypal(body).status_code == 200
    stored.work()
    judge_again(stored)
    found = [status for event_id, status in states(stored) if event_id != "WH-warm"]
    assert sorted(found) == ["dismissed", "ignored"]
    with stored.runtime.database.transaction() as session:
        statement = select(func.count()).where(Effect.kind == "verify_delivery")
        assert session.scalar(statement) == 1
