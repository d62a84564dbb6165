"""Finds due work by its partial indexes and rings for it, so that no ring is indispensable."""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from domain import clock, effects, trials
from domain.effects import Effect
from domain.inbox import DUE_STATES, Event
from domain.trials import Trial
from workers.runtime import Runtime

QUARANTINE_BATCH = 50


def sweep(runtime: Runtime) -> None:
    """Ring for every job that has something due."""
    with runtime.database.transaction() as session:
        _plan_verification(session)
        due = {
            "process_events": _events_due(session),
            "perform_effects": _effects_due(session),
            trials.JOB: _trials_due(session),
        }
    for job, is_due in due.items():
        if is_due:
            runtime.bell.ring(job)


def _events_due(session: Session) -> bool:
    condition = Event.status.in_(DUE_STATES), Event.next_attempt_at <= clock.now()
    return bool(session.scalar(select(exists().where(*condition))))


def _effects_due(session: Session) -> bool:
    condition = Effect.status.in_(effects.PLANNED), Effect.next_attempt_at <= clock.now()
    return bool(session.scalar(select(exists().where(*condition))))


def _trials_due(session: Session) -> bool:
    condition = Trial.state == "wanted", Trial.due_at <= clock.now()
    return bool(session.scalar(select(exists().where(*condition))))


def _plan_verification(session: Session) -> None:
    """Have quarantined deliveries judged again, as effects: that needs the network."""
    statement = (
        select(Event)
        .where(Event.status == "quarantined", Event.next_attempt_at <= clock.now())
        .order_by(Event.next_attempt_at)
        .limit(QUARANTINE_BATCH)
        .with_for_update(skip_locked=True)
    )
    for event in session.scalars(statement):
        target = f"delivery:{event.delivery_id}"
        effects.want(session, "verify_delivery", target, f"event:{event.id}", event_id=event.id)
        event.next_attempt_at = None
