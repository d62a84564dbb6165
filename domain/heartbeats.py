"""Which processes are alive: each says so every few seconds, and one that is silent is missed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.database import Base, insert_once

EVERY: Final = timedelta(seconds=5)
KEPT: Final = timedelta(days=1)
"""How long the last word of a process that was killed is kept."""


class Heartbeat(Base):
    """The last word of one process. ``kind`` is ``web``, ``worker`` or ``clock``; instants are of
    the machine's clock, never of a moved one."""

    __tablename__ = "heartbeats"

    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    at: Mapped[datetime]


def beat(session: Session, kind: str, name: str, now: datetime) -> None:
    """Say that the process is alive at ``now``."""
    changed = session.execute(
        update(Heartbeat)
        .where(Heartbeat.kind == kind, Heartbeat.name == name)
        .values(at=now)
        .execution_options(synchronize_session=False)
    )
    if not changed.rowcount:  # type: ignore[attr-defined]
        insert_once(session, Heartbeat, kind=kind, name=name, since=now, at=now)


def leave(session: Session, kind: str, name: str) -> None:
    """The process ends on purpose."""
    session.execute(delete(Heartbeat).where(Heartbeat.kind == kind, Heartbeat.name == name))


def last_seen(session: Session, kind: str) -> datetime | None:
    """When a process of that kind was last seen alive."""
    return session.scalar(select(func.max(Heartbeat.at)).where(Heartbeat.kind == kind))


def longest_up(session: Session, kind: str, fresh: datetime) -> datetime | None:
    """Since when a process of that kind runs that was seen after ``fresh``."""
    return session.scalar(
        select(func.min(Heartbeat.since)).where(Heartbeat.kind == kind, Heartbeat.at > fresh)
    )


def alive(session: Session, fresh: datetime) -> dict[str, int]:
    """How many processes of each kind were seen after ``fresh``."""
    statement = (
        select(Heartbeat.kind, func.count()).where(Heartbeat.at > fresh).group_by(Heartbeat.kind)
    )
    return {kind: count for kind, count in session.execute(statement)}  # noqa: C416 - typed rows


def forget(session: Session, now: datetime) -> None:
    """Drop the last words of processes that ended long ago."""
    session.execute(delete(Heartbeat).where(Heartbeat.at < now - KEPT))
