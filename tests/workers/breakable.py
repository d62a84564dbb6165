"""A runtime whose translation of events can be broken and repaired, as by a bug and its mending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from domain import failures, replays
from domain.audit import Decider
from domain.effects import Effect
from domain.event_search import Filter
from domain.failures import FailureGroup
from domain.inbox import Event
from domain.orders import Order
from domain.ports import Reading, ReadingRequest
from domain.replays import Plan, Replay, ReplayItem
from tests import lives
from webhooks.providers.provider import Envelope, Translation, Translator
from workers import process_events
from workers.replay import group_failures, replay
from workers.runtime import Runtime

BY = Decider(actor="operator:ana", reason="the bug is mended", source="192.0.2.7")


class Breakable:
    """A translator that fails for chosen types while it is broken."""

    def __init__(self, real: Translator) -> None:
        self._real = real
        self.broken: set[str] = set()
        self.only: set[str] | None = None
        """Event ids at the provider that fail; None: all."""

    def __call__(
        self, envelope: Envelope, readings: Mapping[ReadingRequest, Reading]
    ) -> Translation:
        """Translate, or fail."""
        chosen = self.only is None or envelope.event_id in self.only
        if envelope.event_type in self.broken and chosen:
            raise KeyError("plan")
        return self._real(envelope, readings)


def breakable(runtime: Runtime) -> Breakable:
    """Put a breakable translator into a runtime."""
    provider = runtime.providers["stripe"]
    translator = Breakable(provider.translator)
    provider.__dict__["translator"] = translator
    return translator


def bought(runtime: Runtime, count: int) -> list[Order]:
    """Accounts buy: one order each, its events delivered and not worked yet."""
    made = []
    for number in range(count):
        ref = f"shop-{number}"
        lives.account(runtime, ref)
        made.append(lives.order(runtime, ref))
        lives.deliver(runtime, *lives.payment_events(made[-1], f"pi_{number}"))
    return made


def work(runtime: Runtime) -> None:
    """Work what is due, and count failures."""
    process_events.drain(runtime)
    group_failures(runtime)


def park_all(runtime: Runtime) -> None:
    """As if all tries had been used up."""
    with runtime.database.transaction() as session:
        for event in session.scalars(select(Event).where(Event.failed_at.is_not(None))):
            event.status, event.next_attempt_at = "parked", None


def start(runtime: Runtime, wanted: Filter, **how: Any) -> int:
    """Create a replay; returns its number."""
    with runtime.database.transaction() as session:
        return replays.create(session, Plan(filter=wanted, **how), BY).id


def go_on(runtime: Runtime, steps: int = 30) -> None:
    """Let clock and worker take turns until nothing moves."""
    for _ in range(steps):
        replay(runtime)
        process_events.drain(runtime)
    replay(runtime)
    group_failures(runtime)


def shown(runtime: Runtime, replay_id: int) -> Replay:
    """The replay as it stands."""
    with runtime.database.transaction() as session:
        return replays.find(session, replay_id)


def items(runtime: Runtime, replay_id: int) -> list[ReplayItem]:
    """Its items."""
    with runtime.database.transaction() as session:
        return replays.items(session, replay_id, 1000)


def groups(runtime: Runtime) -> list[FailureGroup]:
    """Every group of failures."""
    with runtime.database.transaction() as session:
        return failures.page(session, 100)


def effects_of(runtime: Runtime) -> list[tuple[str, str, str, str]]:
    """Every effect."""
    statement = select(Effect).order_by(Effect.id)
    with runtime.database.transaction() as session:
        return [(e.cause, e.kind, e.target, e.status) for e in session.scalars(statement)]
