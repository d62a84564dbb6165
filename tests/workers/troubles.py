"""What makes each rule of the watch open, what it then says, and what closes it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from domain import clock, heartbeats, traffic
from domain.effects import Effect
from domain.heartbeats import Heartbeat
from domain.history import HistoryEntry
from domain.inbox import Event, Payload
from domain.invoices import Invoice, NumberSeries
from domain.orders import Order
from domain.subscriptions import Subscription
from domain.traffic import TrafficSlot

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
Change = Callable[[Session], object]


def event(status: str, number: int = 1, **more: Any) -> Event:
    values = {"received_at": clock.now() - 5 * MINUTE, "next_attempt_at": None, **more}
    return Event(
        provider="stripe",
        provider_event_id=f"evt_{status}_{number}",
        type="invoice.paid",
        status=status,
        origin="webhook",
        delivery_id=f"d{number}",
        **values,
    )


def effect(status: str, number: int = 1, kind: str = "send_mail", **more: Any) -> Effect:
    late = clock.now() - 6 * MINUTE
    values = {"target": f"t{number}", "next_attempt_at": late, "attempts": 3, **more}
    return Effect(cause=f"test:{number}", kind=kind, status=status, **values)


def parked(session: Session) -> None:
    order = session.scalars(select(Order)).one()
    order.state = "open"
    session.add(event("parked", account_id=1, order_id=order.id))


def old(session: Session) -> None:
    """A parked event that came 500 days ago keeps its payload."""
    at = clock.now() - timedelta(days=500)
    row = event("parked", received_at=at)
    session.add(row)
    session.flush()
    session.add(Payload(event_id=row.id, received_at=at, body=b"{}"))


def failing(session: Session) -> None:
    session.add_all([event("parked", number) for number in range(3)])
    waits = {"next_attempt_at": clock.now() + HOUR, "received_at": clock.now() - 2 * MINUTE}
    session.add_all([event("waiting", number, **waits) for number in range(2)])
    session.add_all([event("processed", number) for number in range(15)])


def calls(session: Session, ago: timedelta, **counts: Any) -> None:
    at = clock.now() - ago
    values = {"accepted": 0, "refused": 0, "unverified": 0, **counts}
    last = at if values["accepted"] else None
    slot = TrafficSlot(provider="stripe", slot=traffic.slot_of(at), accepted_at=last, **values)
    session.merge(slot)


def rhythm(session: Session) -> None:
    """At this hour of every week something came every five minutes; today nothing for an hour."""
    for weeks in range(1, 5):
        for minutes in range(0, 180, 5):
            calls(session, timedelta(weeks=weeks, minutes=minutes), accepted=2)
    calls(session, HOUR, accepted=2)


def renewals(session: Session) -> None:
    """As many renewals failed today as were paid; in the weeks before it was one in eleven."""
    for number in range(6):
        note = {"kind": "renewal_failed", "details": {}}
        session.add(HistoryEntry(account_id=1, at=clock.now() - HOUR, **note))
        paid(session, f"today {number}", HOUR)
    session.add(HistoryEntry(account_id=1, at=clock.now() - 48 * HOUR, **note))
    for number in range(10):
        paid(session, f"before {number}", 48 * HOUR)


def paid(session: Session, name: str, ago: timedelta) -> None:
    at = clock.now() - ago
    money = {"currency": "EUR", "total": 100, "due": 100, "quote": {}, "method": "saved"}
    times = {"created_at": at, "expires_at": at, "closed_at": at}
    order = Order(id=name, account_id=1, kind="renewal", state="paid", **money, **times)
    session.add(order)


def only(kind: str) -> Change:
    """A process of that kind has run for an hour and nobody else was ever seen."""

    def change(session: Session) -> None:
        now = clock.wall()
        session.execute(delete(Heartbeat))
        session.add(Heartbeat(kind=kind, name="it", since=now - HOUR, at=now))

    return change


def back(kind: str) -> Change:
    return lambda session: heartbeats.beat(session, kind, "another", clock.wall())


def finish(session: Session) -> None:
    session.execute(update(Event).values(status="processed", next_attempt_at=None))
    session.execute(update(Effect).values(status="done", next_attempt_at=None))


def hole(session: Session) -> None:
    session.execute(update(Invoice).values(position=2, number="2026-000002"))
    session.execute(update(NumberSeries).values(last=2))


def no_hole(session: Session) -> None:
    session.execute(update(Invoice).values(position=1, number="2026-000001"))
    session.execute(update(NumberSeries).values(last=1))


def planned(session: Session) -> None:
    session.execute(update(Subscription).values(next_due_at=Subscription.period_end))


@dataclass(frozen=True)
class Case:
    """What makes a rule open, its subject and words of its sentences, and what closes it."""

    breaks: Change
    subject: str
    says: str
    mends: Change = finish
    after: timedelta = timedelta(0)
    """How long after mending it closes."""


CASES: dict[str, Case] = {
    "parked_events": Case(
        parked,
        "stripe",
        "1 accounts; of 0 events nobody knows yet whose",
    ),
    "oldest_unfinished": Case(
        lambda s: s.add(event("received", next_attempt_at=clock.now() - 5 * MINUTE)),
        "events",
        "1 events are due and the oldest has been for 5 min",
    ),
    "failure_rate": Case(failing, "stripe:invoice.paid", "5 of the last 20 events"),
    "effects_stuck": Case(
        lambda s: s.add(effect("wanted")), "effects", "the oldest (send_mail) has been for 6 min"
    ),
    "effects_parked": Case(
        lambda s: s.add_all([effect("parked", n, account_id=n) for n in (1, 2)]),
        "send_mail",
        "2 effects send_mail gave up",
    ),
    "signature_failures": Case(
        lambda s: calls(s, MINUTE, refused=12, accepted=30),
        "stripe",
        "12 calls to the webhook of stripe were refused",
        lambda _session: None,
        timedelta(minutes=25),
    ),
    "secret_trouble": Case(
        lambda s: calls(s, MINUTE, refused=5),
        "stripe",
        "All 5 calls to the webhook of stripe",
        lambda s: calls(s, MINUTE, refused=5, accepted=1),
    ),
    "certificate_trouble": Case(
        lambda s: s.add(event("quarantined", next_attempt_at=None)),
        "stripe",
        "1 wait since 2026-03-02 09:55 UTC",
    ),
    "provider_silent": Case(
        rhythm,
        "stripe",
        "stripe has sent nothing for 1 h",
        lambda s: calls(s, timedelta(0), accepted=1),
    ),
    "renewals_failing": Case(
        renewals,
        "renewals",
        "6 of 12 renewals failed in the last 24 hours (50 %); usual are 9 %",
        lambda s: s.execute(delete(HistoryEntry)),
    ),
    "clock_not_seen": Case(only("worker"), "clocks", "No clock process was seen", back("clock")),
    "worker_not_seen": Case(only("clock"), "workers", "No worker process was seen", back("worker")),
    "sink_failing": Case(
        lambda s: s.add(effect("waiting", kind="send_alert", target="webhook", note="503")),
        "webhook",
        "1 messages to webhook could not be sent; the last reason: 503",
    ),
    "invariant_broken": Case(
        lambda s: s.execute(update(Subscription).values(next_due_at=None)),
        "running_is_planned",
        "account acme: active until ",
        planned,
    ),
    "month_held_back": Case(
        old,
        "payloads 2024-10",
        "the table payloads has of 2024-10 was to go on 2025-12-06 00:00 UTC "
        "(BILLHOOK_KEEP_PAYLOADS_DAYS). Unfinished events still need it: 1 parked.",
    ),
    "number_series_hole": Case(hole, "numbers_gapless", "counter at 2", no_hole),
}
