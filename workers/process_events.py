"""The draining job: claim due events, translate, decide, record — a batch is one transaction.

Every event is worked in a savepoint under its account's lock and finished in the transaction of
what it caused. Events of an account that is busy elsewhere stay due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import sleep
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from domain import accounts, batch, clock, effects, foresight, inbox, invoices, telemetry
from domain.accounts import Account
from domain.errors import NotYet, Permanent
from domain.facts import Fact
from domain.inbox import Attempt, Event
from domain.invoices import Invoice
from domain.ports import ReadingRequest
from workers import event_work, outcomes
from workers.event_work import Job
from workers.runtime import Runtime

BATCH: Final = 100
FEW: Final = 25
"""Events that go each by itself, after one of a batch failed."""
READING_FALLBACK: Final = timedelta(minutes=5)
"""An event that waits for a reading is looked at again after this, should the ring get lost."""
BREATH_S: Final = 0.02
"""After a small batch: what comes meanwhile is worked together, at a fraction of the cost."""
BUSY_PAUSE_S: Final = 0.05
BUSY_TRIES: Final = 3

log = structlog.get_logger()


@dataclass
class Tally:
    """What a batch did."""

    claimed: int = 0
    worked: int = 0
    wants: bool = False
    papers: list[Invoice] = field(default_factory=list)


def drain(runtime: Runtime, breath: float = 0.0) -> int:
    """Work until nothing is due that is not busy elsewhere, with a ``breath`` in seconds after
    small batches; returns how many were worked."""
    total, tries = 0, 0
    while tries < BUSY_TRIES:
        tally = process_batch(runtime)
        total += tally.worked
        if tally.claimed == 0:
            break
        tries = 0 if tally.worked else tries + 1
        if tries:
            sleep(BUSY_PAUSE_S)
        elif tally.claimed < FEW:
            sleep(breath)
    return total


def process_batch(runtime: Runtime, limit: int = BATCH) -> Tally:
    """Claim and work up to ``limit`` due events in one transaction: together, and when one of them
    fails in its rule, a few of them each by itself."""
    try:
        tally = _work_together(runtime, limit)
    except _Apart:
        tally = _work_apart(runtime, min(limit, FEW))
    if tally.wants:
        runtime.bell.ring("perform_effects")
    return tally


class _Apart(Exception):
    """One event of a batch failed: all of it was taken back, and each has to go by itself."""


def _work_together(runtime: Runtime, limit: int) -> Tally:
    """No savepoints; what the rules ask is read beforehand and what they write is inserted at
    the end, for all events at once."""
    if runtime.database.is_sqlite:
        raise _Apart
    tally = Tally()
    with runtime.database.transaction() as session:
        jobs, locked = _begin(runtime, session, limit, tally)
        try:
            with batch.opened(session, len(jobs)) as opened:
                with session.no_autoflush:
                    foresight.foresee(session, opened, locked, [_subject(job) for job in jobs])
                for job in jobs:
                    _work(runtime, session, job, locked, tally, _try_plainly)
            invoices.number_all(session, tally.papers)
        except SQLAlchemyError as error:
            raise _Apart from error
    return tally


def _subject(job: Job) -> foresight.Subject:
    return job.event.provider, job.translation.facts


def _work_apart(runtime: Runtime, limit: int) -> Tally:
    """A savepoint for each: a failing event takes back what it did, and gets its own next try."""
    tally = Tally()
    with runtime.database.transaction() as session:
        jobs, locked = _begin(runtime, session, limit, tally)
        for job in jobs:
            _work(runtime, session, job, locked, tally, _try)
        invoices.number_all(session, tally.papers)
    return tally


def _begin(
    runtime: Runtime, session: Session, limit: int, tally: Tally
) -> tuple[list[Job], Mapping[int, Account]]:
    """Claim events, read them, find their accounts, and lock those that are free."""
    jobs = _claim(session, limit)
    tally.claimed = len(jobs)
    for job in jobs:
        event_work.read(runtime, session, job)
    with session.no_autoflush:
        event_work.assign(session, jobs)
        locked = accounts.lock_free(session, {j.account_id for j in jobs if j.account_id})
    return jobs, locked


def _claim(session: Session, limit: int) -> list[Job]:
    events = inbox.claim(session, limit)
    bodies = inbox.bodies(session, events) if events else {}
    return [Job(event, bodies.get(event.id, b"")) for event in events]


def _work(
    runtime: Runtime,
    session: Session,
    job: Job,
    locked: Mapping[int, Account],
    tally: Tally,
    attempt: Callable[[Runtime, Session, Job, Mapping[int, Account], Tally], None],
) -> None:
    if job.account_id is not None and job.account_id not in locked:
        return
    tally.worked += 1
    job.event.attempts += 1
    with bound_contextvars(event=job.event.id, provider=job.event.provider):
        attempt(runtime, session, job, locked, tally)


def _try_plainly(
    runtime: Runtime,
    session: Session,
    job: Job,
    locked: Mapping[int, Account],
    tally: Tally,
) -> None:
    """Raises ``_Apart`` when a rule fails, which may have changed something before."""
    error = job.error or event_work.stranger(job)
    if error is not None:
        _fail(runtime, session, job, error)
        return
    try:
        papers = _decide(runtime, session, job, locked)
    except Exception as failure:
        raise _Apart from failure
    _count(job, papers, tally)


def _try(
    runtime: Runtime,
    session: Session,
    job: Job,
    locked: Mapping[int, Account],
    tally: Tally,
) -> None:
    if job.error is not None:
        _fail(runtime, session, job, job.error)
        return
    try:
        with session.begin_nested():
            papers = _decide(runtime, session, job, locked)
            session.flush()
    except Exception as error:  # noqa: BLE001 - mapped in one place, outcomes.judge
        _fail(runtime, session, job, error)
    else:
        _count(job, papers, tally)


def _count(job: Job, papers: Sequence[Invoice], tally: Tally) -> None:
    tally.papers.extend(papers)
    tally.wants = tally.wants or not job.translation.ignored


def _decide(
    runtime: Runtime,
    session: Session,
    job: Job,
    locked: Mapping[int, Account],
) -> list[Invoice]:
    papers: list[Invoice] = []
    if job.translation.needs:
        _ask(session, job)
        return papers
    if job.translation.ignored or not job.translation.facts:
        inbox.finish(job.event, "ignored", job.translation.ignored or "nothing for us in it")
    else:
        papers = event_work.apply(runtime, session, job, locked)
        inbox.finish(job.event, "processed")
    _record(runtime, session, job, job.event.status)
    return papers


def _ask(session: Session, job: Job) -> None:
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


def _fail(runtime: Runtime, session: Session, job: Job, error: Exception) -> None:
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
    _record(runtime, session, job, event.status, failure)


def _is_about_money(facts: Sequence[Fact]) -> bool:
    return not facts or any(hasattr(fact, "payment") for fact in facts)


def _record(
    runtime: Runtime,
    session: Session,
    job: Job,
    outcome: str,
    failure: outcomes.Failure | None = None,
) -> None:
    trace: dict[str, Any] = {}
    if failure is not None:
        trace = {"error": failure.error, "traceback": failure.traceback}
    session.add(
        Attempt(
            event_id=job.event.id, at=clock.now(), outcome=outcome, worker=runtime.worker, **trace
        )
    )
    telemetry.event_worked(job.event.provider, outcome)
