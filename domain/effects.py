"""Effects: what must happen outside the database, once (a charge, a mail, a reading).

An effect is a row, unique by ``(cause, kind, target)``. Its ``key`` is made of the three and is
also the idempotency key at the provider and the Message-ID of a mail. It is claimed with a lease,
performed outside any transaction, and recorded as done; after a crash it is due again when the
lease runs out, and the key makes the second try harmless.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import batch, clock
from domain.database import Base, BigId, insert_each_once
from domain.errors import Refused
from domain.inbox import Attempt

LEASE: Final = timedelta(seconds=20)
"""How long the effects of a worker that died wait for another. A living one extends its leases
for as long as it takes."""
PLANNED: Final = ("wanted", "running", "waiting")
"""States in which an effect will be tried when its time comes (``running``: the lease ended)."""
RETRIABLE: Final = ("parked", "waiting")
"""States in which a person may have an effect tried: what is done must not happen twice."""
READ_OBJECT: Final = "read_object"
_DUE: Final = text("status IN ('wanted', 'running', 'waiting')")
_FAILED: Final = text("fingerprint IS NOT NULL")


class Effect(Base):
    """``wanted → running → done``; on failures ``waiting``, then ``parked``; ``skipped`` when it
    was overtaken (nothing needs to happen any more).

    While it is ``running``, ``next_attempt_at`` is the end of the lease.
    """

    __tablename__ = "effects"
    __table_args__ = (
        UniqueConstraint("cause", "kind", "target"),
        Index("ix_effects_due", "next_attempt_at", "id", postgresql_where=_DUE, sqlite_where=_DUE),
        Index("ix_effects_event", "event_id"),
        Index("ix_effects_account", "account_id", "id"),
        Index("ix_effects_status", "status", "id"),
        Index(
            "ix_effects_fingerprint",
            "fingerprint",
            "id",
            postgresql_where=_FAILED,
            sqlite_where=_FAILED,
            postgresql_ops={"fingerprint": "text_pattern_ops"},
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    cause: Mapped[str]
    kind: Mapped[str]
    target: Mapped[str]
    status: Mapped[str] = mapped_column(default="wanted")
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    account_id: Mapped[int | None]
    event_id: Mapped[int | None]
    """The event that wanted it first."""
    next_attempt_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    done_at: Mapped[datetime | None]
    note: Mapped[str | None]
    fingerprint: Mapped[str | None]
    """What its failure has in common with others; None while it has not failed."""
    failed_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]

    @property
    def key(self) -> str:
        """The idempotency key: stable, at most 64 characters, safe in headers."""
        return key_of(self.cause, self.kind, self.target)


def key_of(cause: str, kind: str, target: str) -> str:
    """The key of an effect: readable kind, then a digest of all three parts."""
    digest = hashlib.sha256(f"{cause}\0{kind}\0{target}".encode()).hexdigest()
    return f"{kind}-{digest[:40]}"[:64]


def want(
    session: Session,
    kind: str,
    target: str,
    cause: str,
    *,
    payload: Mapping[str, Any] | None = None,
    account_id: int | None = None,
    event_id: int | None = None,
    at: datetime | None = None,
) -> bool:
    """Want an effect, from ``at`` on (default: now); False when it is wanted or done already.

    A repetition by another event leaves a line in that event's journal.
    """
    return _insert_wanted(
        session, [_wanted(kind, target, cause, payload, account_id, event_id, at)]
    )


def want_soon(
    session: Session,
    kind: str,
    target: str,
    cause: str,
    *,
    payload: Mapping[str, Any] | None = None,
    account_id: int | None = None,
    event_id: int | None = None,
    at: datetime | None = None,
) -> bool:
    """Want an effect as ``want`` does; in a batch together with all the others of it, and then
    nobody can say yet whether it is new (True)."""
    row = _wanted(kind, target, cause, payload, account_id, event_id, at)
    return batch.wait(session, _insert_wanted, row) or _insert_wanted(session, [row])


def _wanted(
    kind: str,
    target: str,
    cause: str,
    payload: Mapping[str, Any] | None,
    account_id: int | None,
    event_id: int | None,
    at: datetime | None,
) -> dict[str, Any]:
    now = clock.now()
    return {
        "cause": cause,
        "kind": kind,
        "target": target,
        "status": "wanted",
        "payload": dict(payload or {}),
        "account_id": account_id,
        "event_id": event_id,
        "next_attempt_at": at or now,
        "attempts": 0,
        "created_at": now,
    }


def _insert_wanted(session: Session, rows: list[dict[str, Any]]) -> bool:
    """Tells whether all were new."""
    known = insert_each_once(session, Effect, rows, ("cause", "kind", "target"))
    for row in known:
        if row["event_id"] is not None:
            named = row["kind"], row["target"], row["cause"]
            _note_repetition(session, *named, row["event_id"])
    return not known


def overtake(session: Session, account_id: int, kind: str, target: str, note: str) -> None:
    """Leave out what is planned of that kind for the account: it need not happen any more.

    What is being performed at this moment happens.
    """
    statement = select(Effect).where(
        Effect.account_id == account_id,
        Effect.kind == kind,
        Effect.target == target,
        Effect.status.in_(("wanted", "waiting")),
    )
    for effect in session.scalars(statement.with_for_update(skip_locked=True)):
        skip(effect, note)


def is_parked(session: Session, event_id: int, kind: str, target: str) -> bool:
    """Whether an effect that the event wanted was left to a person."""
    statement = select(Effect.id).where(
        Effect.event_id == event_id,
        Effect.kind == kind,
        Effect.target == target,
        Effect.status == "parked",
    )
    return session.scalar(statement) is not None


def claim(session: Session, limit: int, kinds: Collection[str] | None = None) -> list[Effect]:
    """Lock and lease up to ``limit`` due effects (of some kinds); they come back when the lease
    runs out."""
    now = clock.now()
    statement = (
        select(Effect)
        .where(Effect.status.in_(PLANNED), Effect.next_attempt_at <= now)
        .order_by(Effect.next_attempt_at, Effect.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if kinds is not None:
        statement = statement.where(Effect.kind.in_(kinds))
    claimed = list(session.scalars(statement))
    for effect in claimed:
        effect.status, effect.next_attempt_at = "running", now + LEASE
        effect.attempts += 1
    return claimed


def done(effect: Effect, result: Mapping[str, Any] | None = None, note: str | None = None) -> None:
    """It has happened."""
    effect.status, effect.note = "done", note
    effect.fingerprint = effect.failed_at = None
    effect.result = dict(result) if result is not None else None
    effect.next_attempt_at, effect.done_at = None, clock.now()


def skip(effect: Effect, note: str) -> None:
    """It need not happen any more."""
    effect.status, effect.note = "skipped", note
    effect.fingerprint = effect.failed_at = None
    effect.next_attempt_at, effect.done_at = None, clock.now()


def postpone(effect: Effect, delay: timedelta, note: str, fingerprint: str | None = None) -> None:
    """Plan another try; ``fingerprint`` when it failed, and does not merely wait."""
    effect.status, effect.note = "waiting", note
    effect.next_attempt_at = clock.now() + delay
    _mark_failed(effect, fingerprint)


def park(effect: Effect, note: str, fingerprint: str | None = None) -> None:
    """Leave it to a person."""
    effect.status, effect.note, effect.next_attempt_at = "parked", note, None
    _mark_failed(effect, fingerprint)


def retry(session: Session, effect_id: int, *, actor: str, reason: str) -> Effect:
    """Have a parked or waiting effect tried now, with the same key as before.

    Raises ``Refused`` (404) when there is none, and for one that is done, skipped or running: what
    has happened must not happen twice.
    """
    effect = session.get(Effect, effect_id, with_for_update=True)
    if effect is None:
        said = f"There is no effect {effect_id}."
        raise Refused("effect_unknown", said, status=404, number=effect_id)
    if effect.status not in RETRIABLE:
        raise Refused(
            "effect_not_retryable",
            f"Effect {effect_id} is {effect.status}; only one that waits or is parked can be tried "
            "again.",
            number=effect_id,
            state=effect.status,
        )
    effect.status, effect.next_attempt_at = "waiting", clock.now()
    note = Attempt(
        effect_id=effect.id,
        event_id=effect.event_id,
        at=clock.now(),
        outcome="retry asked for",
        error=reason or None,
        worker=actor,
    )
    session.add(note)
    return effect


def retry_readings(session: Session, event_ids: Collection[int]) -> None:
    """Have what the events wanted to be read from a provider, and was left to a person, tried
    again: whoever has the events worked on again wants that too."""
    statement = select(Effect).where(
        Effect.event_id.in_(event_ids), Effect.kind == READ_OBJECT, Effect.status == "parked"
    )
    for effect in session.scalars(statement.with_for_update(skip_locked=True)):
        effect.status, effect.next_attempt_at, effect.attempts = "waiting", clock.now(), 0


def _mark_failed(effect: Effect, fingerprint: str | None) -> None:
    effect.fingerprint = fingerprint
    effect.failed_at = clock.now() if fingerprint else None


def _note_repetition(session: Session, kind: str, target: str, cause: str, event_id: int) -> None:
    statement = select(Effect).where(
        Effect.cause == cause, Effect.kind == kind, Effect.target == target
    )
    effect = session.scalar(statement)
    if effect is not None and effect.event_id != event_id:
        session.add(
            Attempt(
                event_id=event_id,
                effect_id=effect.id,
                at=clock.now(),
                outcome="skipped",
                error=f"{kind} {target}: already {effect.status}",
            )
        )
