"""Who cannot prove who he is gets slowed down; who can is slowed down by nobody."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.webhooks.edge import Edge, paypal_event, stripe_event
from webhooks import limits
from webhooks.limits import (
    BODY_BYTES,
    BURST,
    CALL_BYTES,
    QuarantineRate,
    Room,
    TooSlow,
    UnverifiableRate,
    read_body,
)
from webhooks.sandbox.paypal_events import certificate_url


def test_a_flood_of_forgeries_is_slowed_down_while_signed_calls_pass(edge: Edge) -> None:
    body = stripe_event()
    forged = {"stripe-signature": "t=1,v1=" + "0" * 64}
    assert edge.paypal(paypal_event("WH-warm")).status_code == 200
    answers = [edge.post("stripe", body, forged) for _ in range(BURST + 20)]
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {400, 429}
    assert statuses[429] >= 15
    refused = answers[-1]
    assert refused.json()["code"] == "too_many_unverifiable"
    assert int(refused.headers["retry-after"]) > 0
    assert edge.stripe(body).status_code == 200
    assert edge.paypal(paypal_event("WH-1")).status_code == 200


def test_the_quarantine_takes_so_much_at_once_and_then_only_as_fast_as_it_may_grow() -> None:
    rate = QuarantineRate(per_second=0, burst=10 * (CALL_BYTES + 100))
    taken = [rate.spend(b"x" * 100) for _ in range(12)]
    assert taken == [True] * 10 + [False] * 2
    steady = QuarantineRate(per_second=1e12, burst=CALL_BYTES)
    assert all(steady.spend(b"") for _ in range(50))


def test_what_finds_no_place_in_the_quarantine_is_asked_to_come_again(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuarantineRate, "spend", lambda _self, _body: False)
    base = certificate_url(edge.world).rpartition("/")[0]
    headers = edge.transmission(paypal_event())
    unknown = {**headers, "paypal-cert-url": f"{base}/CERT-unknown"}
    answer = edge.post("paypal", paypal_event(), unknown)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert edge.events() == []
    assert edge.paypal(paypal_event("WH-1")).status_code == 200


def test_a_flood_of_unknown_certificates_is_slowed_down_before_anything_is_fetched(
    edge: Edge,
) -> None:
    body = paypal_event()
    base = certificate_url(edge.world).rpartition("/")[0]
    headers = edge.transmission(body)
    statuses = Counter(
        edge.post("paypal", body, {**headers, "paypal-cert-url": f"{base}/CERT-{n}"}).status_code
        for n in range(BURST + 20)
    )
    assert statuses[429] >= 15
    # What was kept is bounded like the tries, and none of it is believed.
    assert {event.status for event in edge.events()} == {"quarantined"}
    assert len(edge.events()) <= BURST + 5
    assert edge.stripe(stripe_event()).status_code == 200


def test_genuine_deliveries_that_come_before_the_certificate_does_are_all_taken(
    edge: Edge,
) -> None:
    edge.world.faults.add(
        {"kind": "slow", "seconds": 0.5, "count": 1, "path": "/v1/notifications/certs/*"}
    )
    with ThreadPoolExecutor(32) as threads:
        send = lambda n: edge.paypal(paypal_event(f"WH-{n}")).status_code  # noqa: E731
        statuses = Counter(threads.map(send, range(2 * BURST)))
    assert statuses == {200: 2 * BURST}


def test_a_source_gets_its_tries_back_with_time_and_others_keep_theirs() -> None:
    rate = UnverifiableRate(per_minute=60_000, burst=2)
    assert [rate.spend("a") for _ in range(2)] == [True, True]
    assert rate.spend("b")
    while rate.exhausted("a"):
        pass
    assert rate.spend("a")


def test_all_addresses_of_an_ipv6_network_are_one_source() -> None:
    rate = UnverifiableRate(per_minute=0, burst=1)
    assert rate.spend("2001:db8:1:2::1")
    assert rate.exhausted("2001:db8:1:2:ffff::9%eth0")
    assert not rate.exhausted("2001:db8:1:3::1")
    assert not rate.exhausted("not:an:address")


def test_the_memory_for_sources_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SOURCES", 10)
    rate = UnverifiableRate()
    for n in range(100):
        rate.spend(f"198.51.100.{n}")
    assert len(rate._buckets) <= 10


def test_room_is_taken_by_bodies_and_by_calls_without_one() -> None:
    room = Room(2 * limits.CALL_BYTES + 10)
    assert room.enter(b"0123456789")
    assert room.enter(b"")
    assert not room.enter(b"")
    room.leave(b"0123456789")
    assert room.enter(b"")


def test_a_body_that_trickles_in_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_PATIENCE_S", 0.05)

    async def trickle() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(TooSlow):
        asyncio.run(read_body(trickle, str(BODY_BYTES)))
