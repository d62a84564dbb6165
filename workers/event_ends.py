"""How a try at an event ends other than well: it waits for a reading, is tried again, or parked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy.orm import Session

from domain import clock, effects, inbox, telemetry
from domain.errors import NotYet, Permanent
from domain.facts import Fact
from domain.inbox import Attempt, Event
from domain.ports import ReadingRequest
from workers import outcomes
from workers.event_work import Job
from workers.runtime import Runtime

READING_FALLBACK: Final = timedelta(minutes=5)
"""An event that waits for a reading is looked at again after this, should the ring get lost."""

log = structlog.get_logger()


def ask(session: Session, job: Job) -> None:
    """Have read what the event needs, and let it wait. Raises ``Permanent`` when that was tried in
    vain."""
    event = job.event
    unread = [need for need in job.translation.needs if need not in job.known]
    for need in unread:
        is_new = effects.want(
            session,
            "read_object",
            str(need),
            f"event:{event.id}:{event.attempts if event.origin == 'replay' else 0}",
            payload={"provider": event.provider, "kind": need.kind, "id": need.id},
            event_id=event.id,
            account_id=event.account_id,
        )
        if not is_new:
            _refuse_parked(session, event, need)
    names = ", ".join(map(str, unread))
    inbox.postpone(event, "waiting", READING_FALLBACK, f"waiting for {names} from the provider")


def _refuse_parked(session: Session, event: Event, need: ReadingRequest) -> None:
    if effects.is_parked(session, event.id, "read_object", str(need)):
        raise Permanent(f"{need} could not be read from the provider; see its effect")


def fail(runtime: Runtime, session: Session, job: Job, error: Exception) -> None:
    """Plan another try, or park it. Raises the error again when the database is away."""
    event = job.event
    failure = outcomes.judge(error, event.type, event.attempts)
    if failure.action == "retry":
        inbox.postpone(
            event, failure.status, failure.delay, failure.error, outcomes.mark_of(failure)
        )
    elif isinstance(error, NotYet) and not _is_about_money(job.translation.facts):
        inbox.finish(event, "ignored", f"not about any account of ours ({failure.error})")
    else:
        inbox.park(event, failure.error, failure.fingerprint)
    tell = log.info if isinstance(error, NotYet) else log.warning
    tell("event_failed", status=event.status, error=failure.fingerprint)
    record(runtime, session, job, event.status, failure)


def _is_about_money(facts: Sequence[Fact]) -> bool:
    return not facts or any(hasattr(fact, "payment") for fact in facts)


def record(
    runtime: Runtime,
    session: Session,
    job: Job,
    outcome: str,
    failure: outcomes.Failure | None = None,
) -> None:
    """Keep how a try ended."""
    trace: dict[str, Any] = {}
    if failure is not None:
        trace = {"error": failure.error, "traceback": failure.traceback}
    session.add(
        Attempt(
            event_id=job.event.id, at=clock.now(), outcome=outcome, worker=runtime.worker, **trace
        )
    )
    telemetry.event_worked(job.event.provider, outcome)
