"""The job that makes effects happen: claim with a lease → perform → record, each once.

The call to the outside happens in no transaction, and the lease is kept meanwhile. After a crash it
runs out and the effect is tried again with the same key; whoever lost it does not record.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import structlog
from sqlalchemy.orm import Session

from domain import alert_messages, clock, effects, inbox, telemetry
from domain.effects import Effect
from domain.errors import NotYet
from domain.inbox import Attempt, Event
from workers import outcomes
from workers.held_effects import HeldEffects
from workers.runtime import Runtime
from workers.turns import turns

BATCH: Final = 8
KINDS: Final[dict[str, str]] = {
    "verify_delivery": "workers.effects.verify_delivery",
    "read_object": "workers.effects.read_object",
    "open_checkout": "workers.effects.open_checkout",
    "expire_checkout": "workers.effects.expire_checkout",
    "capture_checkout": "workers.effects.capture_checkout",
    "charge_order": "workers.effects.charge_order",
    "open_method_entry": "workers.effects.open_method_entry",
    "complete_method_entry": "workers.effects.complete_method_entry",
    "remove_method": "workers.effects.remove_method",
    "refund_payment": "workers.effects.refund_payment",
    "send_mail": "workers.effects.send_mail",
    "render_invoice": "workers.effects.render_invoice",
    "tell_app": "workers.effects.tell_app",
    "settle_refund_total": "workers.effects.settle_refund_total",
    "cancel_subscription": "workers.effects.cancel_subscription",
    "reconcile_events": "workers.effects.reconcile_events",
    "compare_money": "workers.effects.compare_money",
    "check_vat_number": "workers.effects.check_vat_number",
    "send_alert": "workers.effects.send_alert",
    "fetch_rates": "workers.effects.fetch_rates",
}
"""Every kind of effect and the module whose ``perform(runtime, effect)`` makes it happen."""

Perform = Callable[[Runtime, Effect], dict[str, Any] | None]
log = structlog.get_logger()


class Overtaken(Exception):
    """The effect need not happen any more; the message says why."""


def drain(runtime: Runtime) -> int:
    """Perform until nothing is due; returns how many were tried."""
    total = 0
    while claimed := _claim(runtime):
        if len(claimed) == BATCH:
            # More may be due than one thread should do alone.
            runtime.bell.ring("perform_effects")
        with HeldEffects(runtime, claimed) as held:
            # Who is told of an alert may be slow to answer; money goes first.
            for effect in sorted(claimed, key=lambda each: each.kind == alert_messages.EFFECT):
                perform_one(runtime, effect)
                held.let_go(effect)
        total += len(claimed)
    return total


def perform_one(runtime: Runtime, effect: Effect) -> None:
    """Perform one claimed effect and record what came of it."""
    structlog.contextvars.bind_contextvars(effect=effect.id, kind=effect.kind)
    try:
        with turns.polite(effect.kind):
            result = _perform_function(effect.kind)(runtime, effect)
    except Overtaken as overtaken:
        why = str(overtaken)
        _record(runtime, effect, "skipped", lambda e: effects.skip(e, why))
    except Exception as error:  # noqa: BLE001 - mapped in one place, outcomes.judge
        _fail(runtime, effect, error)
    else:
        _record(runtime, effect, "done", lambda e: effects.done(e, result))
    finally:
        structlog.contextvars.unbind_contextvars("effect", "kind")


def _claim(runtime: Runtime) -> list[Effect]:
    with runtime.database.transaction() as session:
        return effects.claim(session, BATCH)


def _perform_function(kind: str) -> Perform:
    perform: Perform = import_module(KINDS[kind]).perform
    return perform


def _fail(runtime: Runtime, effect: Effect, error: Exception) -> None:
    failure = outcomes.judge(error, effect.kind, effect.attempts)
    tell = log.info if isinstance(error, NotYet) else log.warning
    tell("effect_failed", status=failure.status, error=failure.fingerprint)
    if failure.action == "retry":
        change: Callable[[Effect], None] = lambda e: effects.postpone(  # noqa: E731
            e, failure.delay, failure.error, outcomes.mark_of(failure)
        )
    else:
        change = lambda e: effects.park(e, failure.error, failure.fingerprint)  # noqa: E731
    outcome = "failed" if failure.action == "retry" else "parked"
    _record(runtime, effect, outcome, change, failure)


def _record(
    runtime: Runtime,
    effect: Effect,
    outcome: str,
    change: Callable[[Effect], None],
    failure: outcomes.Failure | None = None,
) -> None:
    with runtime.database.transaction() as session:
        event = _event_that_waits(session, effect)
        row = session.get_one(Effect, effect.id, with_for_update=True)
        if row.attempts != effect.attempts or row.status != "running":
            log.info("effect_lease_lost", effect=effect.id)
            return
        change(row)
        _note_attempt(session, runtime, row, outcome, failure)
        woken = event is not None and row.status not in effects.PLANNED
        if event is not None and woken:
            inbox.make_due(event)
    telemetry.effect_performed(effect.kind, outcome)
    if woken:
        runtime.bell.ring("process_events")


def _note_attempt(
    session: Session,
    runtime: Runtime,
    effect: Effect,
    outcome: str,
    failure: outcomes.Failure | None,
) -> None:
    session.add(
        Attempt(
            effect_id=effect.id,
            event_id=effect.event_id,
            at=clock.now(),
            outcome=outcome,
            error=failure.error if failure else None,
            traceback=failure.traceback if failure else None,
            worker=runtime.worker,
        )
    )


def _event_that_waits(session: Session, effect: Effect) -> Event | None:
    """The event that is due as soon as this effect is settled, locked before the effect is: who
    works the event at this moment may want the effect again, and that waits for whoever changes it.
    """
    if effect.kind != effects.READ_OBJECT or effect.event_id is None:
        return None
    return session.get(Event, effect.event_id, with_for_update=True)
