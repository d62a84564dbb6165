"""The clock's duties about alerts: look, open what is the matter, close what is over, tell."""

from __future__ import annotations

from typing import Final

from domain import alert_messages, alerts, clock, effects, heartbeats, traffic
from workers import perform_effects, sinks
from workers.runtime import Runtime
from workers.watching import LOOKS, SLOW_LOOKS
from workers.watching.looking import look_at

SENT_HERE: Final = 2
"""So many messages are sent in one pass by the clock itself, which has other duties."""


def watch_work(runtime: Runtime) -> None:
    """What is cheap to see. Not while the clock is stopped: whoever moves it by days makes
    everything late at once."""
    if not clock.is_frozen():
        look_at(runtime, LOOKS)


def watch(runtime: Runtime) -> None:
    """What costs more: the invariants, and what is usual; not while the clock is stopped."""
    if clock.is_frozen():
        return
    look_at(runtime, SLOW_LOOKS)
    with runtime.database.transaction() as session:
        alerts.close_seen_to(session)
        heartbeats.forget(session, clock.wall())
        traffic.forget(session)


def tell_alerts(runtime: Runtime) -> None:
    """Have the changes of alerts told by a worker; when there is none, that is told from here."""
    with runtime.database.transaction() as session:
        wanted = alert_messages.tell(session, sinks.names(runtime.settings))
        alone = alerts.is_open(session, "worker_not_seen")
    if wanted:
        runtime.bell.ring("perform_effects")
    if alone:
        _send_here(runtime)


def _send_here(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        claimed = effects.claim(session, SENT_HERE, kinds=(alert_messages.EFFECT,))
    for effect in claimed:
        perform_effects.perform_one(runtime, effect)
