"""Sessions of operators: a random secret in the browser, its digest here, so that each can be
ended from here at once.

They go by the wall clock: a demo that moves the time of business must sign nobody out.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Index, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock
from domain.database import Base, BigId
from domain.operators import Operator

IDLE: Final = timedelta(hours=8)
"""A session ends when nobody did anything in it for so long."""
LIFETIME: Final = timedelta(days=7)
"""And at the latest so long after the sign-in."""
TOUCH_EVERY: Final = timedelta(minutes=1)
"""How exactly it is kept when something was done last."""
LONGEST_AGENT: Final = 200


class OperatorSession(Base):
    """One browser that is signed in; only the SHA-256 of its secret is kept."""

    __tablename__ = "operator_sessions"
    __table_args__ = (Index("ix_operator_sessions_operator", "operator_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    operator_id: Mapped[int]
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    source: Mapped[str | None]
    """The network address that signed in."""
    agent: Mapped[str]
    """What the browser calls itself, shortened."""
    notice: Mapped[str | None]
    """A sentence for the next page that is shown in it."""


def begin(session: Session, operator: Operator, source: str | None, agent: str) -> str:
    """Start a session; returns its secret (256 random bits), which is never told again."""
    secret, now = secrets.token_urlsafe(32), clock.wall()
    session.add(
        OperatorSession(
            operator_id=operator.id,
            digest=digest(secret),
            created_at=now,
            last_seen_at=now,
            source=source,
            agent=agent[:LONGEST_AGENT],
        )
    )
    return secret


def find(session: Session, secret: str) -> tuple[OperatorSession, Operator] | None:
    """The running session of that secret and whose it is; None when it ended in any way."""
    now = clock.wall()
    row = session.execute(
        select(OperatorSession, Operator)
        .join(Operator, Operator.id == OperatorSession.operator_id)
        .where(OperatorSession.digest == digest(secret), *_running(now))
        .where(Operator.disabled_at.is_(None))
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def touch(found: OperatorSession) -> None:
    """Note that somebody did something in it."""
    now = clock.wall()
    if now - found.last_seen_at >= TOUCH_EVERY:
        found.last_seen_at = now


def running(session: Session, operator_id: int) -> Sequence[OperatorSession]:
    """The operator's sessions that have not ended, the one that was used last first."""
    return session.scalars(
        select(OperatorSession)
        .where(OperatorSession.operator_id == operator_id, *_running(clock.wall()))
        .order_by(OperatorSession.last_seen_at.desc(), OperatorSession.id.desc())
    ).all()


def end(session: Session, operator_id: int, only: int | None = None, but: int | None = None) -> int:
    """End an operator's sessions: all of them, ``only`` one, or all ``but`` one; returns how many
    ended with this."""
    statement = update(OperatorSession).where(
        OperatorSession.operator_id == operator_id, *_running(clock.wall())
    )
    if only is not None:
        statement = statement.where(OperatorSession.id == only)
    if but is not None:
        statement = statement.where(OperatorSession.id != but)
    ended = session.execute(
        statement.values(ended_at=clock.wall()).execution_options(synchronize_session=False)
    )
    return int(ended.rowcount)  # type: ignore[attr-defined]


def leave_notice(session: Session, session_id: int, notice: str) -> None:
    """Keep a sentence for the next page."""
    session.execute(
        update(OperatorSession)
        .where(OperatorSession.id == session_id)
        .values(notice=notice)
        .execution_options(synchronize_session=False)
    )


def take_notice(found: OperatorSession) -> str | None:
    """The sentence for this page; it is told once."""
    notice = found.notice
    if notice is not None:
        found.notice = None
    return notice


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def _running(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        OperatorSession.ended_at.is_(None),
        OperatorSession.last_seen_at > now - IDLE,
        OperatorSession.created_at > now - LIFETIME,
    )
