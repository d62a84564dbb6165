"""Rotation: wraps what hangs on an older master key anew, under the first, and forgets the older.

Only wrapped keys are touched, no content. A step is one transaction over some rows in the order of
their numbers, so it can be broken off anywhere and begun again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import clock, data_keys, payloads, readings
from domain.data_keys import DataKey, MasterKey
from domain.errors import Permanent, Refused
from domain.heartbeats import Heartbeat
from domain.inbox import Event
from domain.keyring import KeyRing
from domain.readings import StoredReading

BATCH: Final = 500
FRESH: Final = timedelta(minutes=1)
"""A process that was heard since then runs."""
KINDS: Final = ("accounts", "events", "readings")
"""What hangs on master keys, in the order in which it is wrapped anew."""
_TABLES: Final[dict[str, Any]] = {"accounts": DataKey, "events": Event, "readings": StoredReading}
_MASTERS: Final[dict[str, Any]] = {
    "accounts": DataKey.master,
    "events": Event.sealed_by,
    "readings": StoredReading.sealed_by,
}


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """How much hangs on a master key; ``place`` is ``first``, ``kept`` or ``missing``."""

    name: str
    place: str
    since: datetime | None
    accounts: int = 0
    events: int = 0
    readings: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a step did, and the number after which the next one goes on; None: it is the end."""

    wrapped: int
    unreadable: int
    after: int | None


def holdings(session: Session, ring: KeyRing | None) -> list[Holding]:
    """What hangs on which master key; reads all of the tables."""
    counts = {kind: _counted(session, kind) for kind in KINDS}
    since = dict(session.execute(select(MasterKey.name, MasterKey.since)).all())
    given = ring.names if ring is not None else ()
    names = [*given, *sorted((set(since) | set().union(*counts.values())) - set(given))]
    return [
        Holding(
            name=name,
            place="first" if name in given[:1] else "kept" if name in given else "missing",
            since=since.get(name),
            **{kind: counts[kind].get(name, 0) for kind in KINDS},
        )
        for name in names
    ]


def step(session: Session, ring: KeyRing, kind: str, after: int = 0, limit: int = BATCH) -> Step:
    """Wrap up to ``limit`` keys of a kind anew, of rows numbered above ``after``."""
    table, master = _TABLES[kind], _MASTERS[kind]
    statement = (
        select(table)
        .where(table.id > after, master.is_not(None), master != ring.first)
        .order_by(table.id)
        .limit(limit)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    rows = session.scalars(statement).all()
    unreadable = sum(not _wrapped(ring, row) for row in rows)
    end = rows[-1].id if len(rows) == limit else None
    return Step(wrapped=len(rows) - unreadable, unreadable=unreadable, after=end)


def retire(session: Session, ring: KeyRing) -> list[str]:
    """Forget the master keys on which nothing hangs any more; returns their names.

    Raises ``Refused`` while a process runs that started before the first key was put in front: it
    may seal with an older one.
    """
    first = session.get_one(MasterKey, ring.first)
    old = _running_since_before(session, first.since)
    if old:
        raise Refused(
            "restart_first",
            f"These run since before the key {ring.first!r} was put in front: {', '.join(old)}. "
            "Restart them, then rotate again.",
        )
    in_use = set().union(*(_counted(session, kind) for kind in KINDS))
    retired = [
        row
        for row in session.scalars(select(MasterKey).order_by(MasterKey.name))
        if row.name != ring.first and row.name not in in_use
    ]
    for row in retired:
        session.delete(row)
    return [row.name for row in retired]


def _running_since_before(session: Session, since: datetime) -> Sequence[str]:
    statement = select(Heartbeat.kind, Heartbeat.name).where(
        Heartbeat.at > clock.wall() - FRESH, Heartbeat.since < since
    )
    return [f"{kind} {name}" for kind, name in session.execute(statement)]


def _counted(session: Session, kind: str) -> dict[str, int]:
    master = _MASTERS[kind]
    statement = select(master, func.count()).where(master.is_not(None)).group_by(master)
    return dict(session.execute(statement).all())


def _wrapped(ring: KeyRing, row: DataKey | Event | StoredReading) -> bool:
    """Wrap a row's key anew; False when it does not open."""
    try:
        if isinstance(row, DataKey):
            row.wrapped = _anew(ring, row.master, row.wrapped, data_keys.about(row.account_id))
            row.master = ring.first
        else:
            row.sealed_key = _anew(ring, row.sealed_by, row.sealed_key, _about(row))
            row.sealed_by = ring.first
    except Permanent:
        return False
    return True


def _anew(ring: KeyRing, master: str | None, wrapped: bytes | None, about: bytes) -> bytes:
    key = ring.named(master or "").unwrap(wrapped or b"", about)
    return ring.newest.wrap(key, about)


def _about(row: Event | StoredReading) -> bytes:
    if isinstance(row, StoredReading):
        return readings.about(row.id)
    return payloads.about(row.provider, row.delivery_id, row.provider_event_id)
