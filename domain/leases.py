"""Leases: who runs a job that must run once at a time (the clock), and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.database import Base, insert_once


class Lease(Base):
    """A named lease; after ``until`` anybody may take it."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]


def take(session: Session, name: str, holder: str, now: datetime, length: timedelta) -> bool:
    """Take or renew a lease; False while somebody else holds it.

    ``now`` is the wall clock's, never a moved one: a lease guards against other processes.
    """
    values = {"holder": holder, "until": now + length}
    taken = session.execute(
        update(Lease)
        .where(Lease.name == name, or_(Lease.holder == holder, Lease.until <= now))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount:  # type: ignore[attr-defined]
        return True
    return insert_once(session, Lease, name=name, **values)


def drop(session: Session, name: str, holder: str) -> None:
    """Give a lease back, so that a standby need not wait for its end."""
    session.execute(
        update(Lease)
        .where(Lease.name == name, Lease.holder == holder)
        .values(until=datetime(1970, 1, 1, tzinfo=UTC))
        .execution_options(synchronize_session=False)
    )
