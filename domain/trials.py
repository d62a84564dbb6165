"""Trials: dry runs of one event, which show what it would change and change nothing.

A trial is wanted here; a worker runs the event in a transaction that it rolls back, and keeps here
what it saw.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Index, delete, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import audit, clock, inbox
from domain.audit import Decider
from domain.database import Base, BigId
from domain.errors import Refused

LEASE: Final = timedelta(seconds=60)
KEPT: Final = timedelta(days=7)
JOB: Final = "run_trials"
_WANTED: Final = text("state = 'wanted'")


class Trial(Base):
    """One dry run: ``wanted``, then ``done`` with its ``result`` (see ``workers/trials.py``)."""

    __tablename__ = "trials"
    __table_args__ = (
        Index("ix_trials_due", "due_at", postgresql_where=_WANTED, sqlite_where=_WANTED),
        Index("ix_trials_event", "event_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int]
    state: Mapped[str]
    actor: Mapped[str]
    wanted_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """While a worker is at it, when another may take it over."""
    done_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]


def want(session: Session, event_id: int, by: Decider) -> Trial:
    """Ask for a dry run of an event. Raises ``Refused`` (404 when there is none, 409 for one in
    quarantine: nobody knows yet whether it is authentic)."""
    event = inbox.find(session, event_id)
    if event.status == "quarantined":
        said = f"Event {event_id} is in quarantine: it is not tried."
        raise Refused("event_quarantined", said, number=event_id)
    now = clock.now()
    session.execute(
        delete(Trial)
        .where(Trial.event_id == event_id, Trial.wanted_at < now - KEPT)
        .execution_options(synchronize_session=False)
    )
    trial = Trial(event_id=event_id, state="wanted", actor=by.actor, wanted_at=now, due_at=now)
    session.add(trial)
    session.flush()
    audit.record(session, by, "dry_run", "event", event_id, account_id=event.account_id)
    return trial


def find(session: Session, trial_id: int) -> Trial:
    """The trial of that number. Raises ``Refused`` (404)."""
    trial = session.get(Trial, trial_id)
    if trial is None:
        said = f"There is no dry run {trial_id}."
        raise Refused("trial_unknown", said, status=404, number=trial_id)
    return trial


def latest(session: Session, event_id: int) -> Trial | None:
    """The last dry run of an event."""
    statement = select(Trial).where(Trial.event_id == event_id).order_by(Trial.id.desc()).limit(1)
    return session.scalar(statement)


def claim(session: Session) -> Trial | None:
    """Take one that is due, for a minute."""
    statement = (
        select(Trial)
        .where(Trial.state == "wanted", Trial.due_at <= clock.now())
        .order_by(Trial.due_at, Trial.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    trial = session.scalar(statement)
    if trial is not None:
        trial.due_at = clock.now() + LEASE
    return trial


def finish(trial: Trial, result: dict[str, Any]) -> None:
    """Keep what was seen."""
    trial.state, trial.done_at, trial.result = "done", clock.now(), result
