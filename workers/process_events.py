"""The draining job: claim due events, translate, decide, record — a batch is one transaction.

Every event is worked in a savepoint under its account's lock and finished in the transaction of
what it caused. Events of an account that is busy elsewhere stay due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import sleep
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from domain import accounts, batch, foresight, inbox, invoices, payloads, readings
from domain.accounts import Account
from domain.errors import StoreUnavailable
from domain.inbox import Event
from domain.invoices import Invoice
from workers import event_ends, event_work
from workers.event_work import Job
from workers.runtime import Runtime

BATCH: Final = 100
FEW: Final = 25
"""Events that go each by itself, after one of a batch failed."""
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
    """Claim and work up to ``limit`` due events in one transaction: together; when one of them
    fails in its rule, a few of them each in a savepoint; and when that is not enough to keep it
    from the others, each in a transaction of its own.

    Raises ``StoreUnavailable``.
    """
    try:
        tally = _work_together(runtime, limit)
    except _Apart:
        tally = _work_apart_or_alone(runtime, min(limit, FEW))
    if tally.wants:
        runtime.bell.ring("perform_effects")
    return tally


def _work_apart_or_alone(runtime: Runtime, limit: int) -> Tally:
    try:
        return _work_apart(runtime, limit)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - one event must never stop the others
        log.warning("batch_failed", error=type(error).__name__)
        return _work_alone(runtime, limit)


class _Apart(Exception):
    """One event of a batch failed: all of it was taken back, and each has to go by itself."""


def _work_together(runtime: Runtime, limit: int) -> Tally:
    """No savepoints; what the rules ask is read beforehand and what they write is inserted at
    the end, for all events at once."""
    if runtime.database.is_sqlite:
        raise _Apart
    tally = Tally()
    with runtime.database.transaction() as session:
        try:
            jobs, locked = _begin(runtime, session, limit, tally)
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


def _work_alone(runtime: Runtime, limit: int) -> Tally:
    """A transaction for each: what fails even before its rule, where nothing can be taken back in
    part, costs only itself."""
    tally = Tally()
    with runtime.database.transaction() as session:
        due = [event.id for event in inbox.claim(session, limit)]
    for event_id in due:
        try:
            _work_one(runtime, event_id, tally)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - mapped in one place, outcomes.judge
            _fail_one(runtime, event_id, error)
    tally.claimed = len(due)
    return tally


def _work_one(runtime: Runtime, event_id: int, tally: Tally) -> None:
    with runtime.database.transaction() as session:
        one = Tally()
        jobs, locked = _read(runtime, session, inbox.claim(session, 1, event_id))
        for job in jobs:
            _work(runtime, session, job, locked, one, _try)
        invoices.number_all(session, one.papers)
    tally.worked += one.worked
    tally.wants = tally.wants or one.wants


def _fail_one(runtime: Runtime, event_id: int, error: Exception) -> None:
    with runtime.database.transaction() as session:
        for event in inbox.claim(session, 1, event_id):
            event.attempts += 1
            with bound_contextvars(event=event.id, provider=event.provider):
                event_ends.fail(runtime, session, Job(event, b""), error)


def _begin(
    runtime: Runtime, session: Session, limit: int, tally: Tally
) -> tuple[list[Job], Mapping[int, Account]]:
    """Claim events, read them, find their accounts, and lock those that are free."""
    events = inbox.claim(session, limit)
    tally.claimed = len(events)
    return _read(runtime, session, events)


def _read(
    runtime: Runtime, session: Session, events: Sequence[Event]
) -> tuple[list[Job], Mapping[int, Account]]:
    bodies = payloads.read(session, events)
    jobs = [Job(event, bodies.get(event.id, b"")) for event in events]
    for job in jobs:
        event_work.read(runtime, session, job)
    with session.no_autoflush:
        event_work.assign(session, jobs)
        locked = accounts.lock_free(session, {j.account_id for j in jobs if j.account_id})
        payloads.hand_over(session, [job.event for job in jobs], locked)
        readings.hand_over(session, _read_for(jobs), locked)
    return jobs, locked


def _read_for(jobs: Sequence[Job]) -> list[tuple[int, int]]:
    return [
        (reading.sequence, job.account_id)
        for job in jobs
        if job.account_id is not None
        for reading in job.known.values()
    ]


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
        event_ends.fail(runtime, session, job, error)
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
        event_ends.fail(runtime, session, job, job.error)
        return
    try:
        with session.begin_nested():
            papers = _decide(runtime, session, job, locked)
            session.flush()
    except Exception as error:
        if not session.is_active:
            # What was flushed before the savepoint failed: nothing can be recorded any more.
            raise
        event_ends.fail(runtime, session, job, error)
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
        event_ends.ask(session, job)
        return papers
    if job.translation.ignored or not job.translation.facts:
        inbox.finish(job.event, "ignored", job.translation.ignored or "nothing for us in it")
    else:
        papers = event_work.apply(runtime, session, job, locked)
        inbox.finish(job.event, "processed")
    event_ends.record(runtime, session, job, job.event.status)
    return papers
