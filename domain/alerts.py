"""Alerts: what a person should know about, open until it is over.

One unresolved alert per ``(rule, subject)``; raising it again only counts it. Every change between
open and resolved leaves a message to be told (``domain/alert_messages.py``). One that comes back
within ``CALM`` is the same alert again, and is told only when it has stayed for a while: what goes
up and down must not ring every time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Index, case, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import audit, clock
from domain.alert_rules import RULES
from domain.audit import Decider
from domain.database import Base, BigId, insert_once
from domain.errors import Refused

log = structlog.get_logger()

CALM: Final = timedelta(minutes=10)
"""An alert that was resolved for less than this and comes back is the same one again."""
DAMPED: Final = (timedelta(0), timedelta(minutes=2), timedelta(minutes=2), timedelta(minutes=10))
"""How long a change must last before it is told, by how often the alert came back."""
SEEN_TO_FOR: Final = timedelta(days=1)
"""An acknowledged happening is closed after this, unless it happened again."""

UNRESOLVED: Final = text("state <> 'resolved'")
_PENDING: Final = text("pending IS NOT NULL")


class Alert(Base):
    """One alert: ``open → acknowledged → resolved``, and ``open`` again when it soon comes back
    (``acknowledged`` if somebody had acknowledged it)."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_unresolved",
            "rule",
            "subject",
            unique=True,
            postgresql_where=UNRESOLVED,
            sqlite_where=UNRESOLVED,
        ),
        Index(
            "ix_alerts_pending",
            "pending_at",
            postgresql_where=_PENDING,
            sqlite_where=_PENDING,
        ),
        Index("ix_alerts_rule", "rule", "id"),
        Index("ix_alerts_state", "state", "id"),
        Index("ix_alerts_subject", "rule", "subject", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rule: Mapped[str]
    subject: Mapped[str]
    state: Mapped[str] = mapped_column(default="open")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    count: Mapped[int] = mapped_column(default=1)
    opened_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(default=clock.now)
    acknowledged_by: Mapped[str | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_reason: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    returns: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often it came back within ``CALM``."""
    pending: Mapped[str | None]
    """The change that is still to be told: ``opened`` or ``resolved``."""
    pending_at: Mapped[datetime | None]
    """From when on it may be told."""
    told: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many changes of it were told."""
    told_at: Mapped[datetime | None]


def raise_alert(session: Session, rule: str, subject: str, **details: Any) -> bool:
    """Open an alert, or count one more occurrence of the open one; True when it was not open.

    ``details`` fill the rule's sentences and hold no secrets and no personal data. Raises KeyError
    for a rule that ``domain/alert_rules.py`` does not have.
    """
    known = RULES[rule]
    now = clock.now()
    seen = session.execute(
        update(Alert)
        .where(Alert.rule == rule, Alert.subject == subject, Alert.state != "resolved")
        .values(count=Alert.count + 1, last_seen_at=now)
        .execution_options(synchronize_session=False)
    )
    if seen.rowcount:  # type: ignore[attr-defined]
        return False
    opened = _come_back(session, rule, subject, details) or insert_once(
        session,
        Alert,
        rule=rule,
        subject=subject,
        details=details,
        state="open",
        count=1,
        opened_at=now,
        last_seen_at=now,
        pending="opened",
        pending_at=now,
        returns=0,
        told=0,
    )
    if opened:
        log.warning("alert_opened", rule=rule, subject=subject, severity=known.severity)
    return opened


def observe(session: Session, rule: str, subject: str, **details: Any) -> bool:
    """Raise an alert of the watch, which looks again and again: an open one is not counted up but
    gets the ``details`` of now. True when it was not open."""
    changed = session.execute(
        update(Alert)
        .where(Alert.rule == rule, Alert.subject == subject, Alert.state != "resolved")
        .values(details=details, last_seen_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount:  # type: ignore[attr-defined]
        return False
    return raise_alert(session, rule, subject, **details)


def resolve(session: Session, rule: str, subject: str) -> bool:
    """Close the open alert of that rule and subject; False when there is none."""
    closed = session.execute(
        update(Alert)
        .where(Alert.rule == rule, Alert.subject == subject, Alert.state != "resolved")
        .values(state="resolved", resolved_at=clock.now(), **_to_tell("resolved", Alert.returns))
        .execution_options(synchronize_session=False)
    )
    if not closed.rowcount:  # type: ignore[attr-defined]
        return False
    log.info("alert_resolved", rule=rule, subject=subject)
    return True


def resolve_others(session: Session, rule: str, still: set[str]) -> int:
    """Close every open alert of a rule whose subject is not in ``still``; returns how many."""
    statement = select(Alert.subject).where(Alert.rule == rule, Alert.state != "resolved")
    over = [subject for subject in session.scalars(statement) if subject not in still]
    return sum(resolve(session, rule, subject) for subject in over)


def close_seen_to(session: Session) -> int:
    """Close happenings that were acknowledged a day ago and did not happen again."""
    happenings = [rule.name for rule in RULES.values() if rule.ends == "person"]
    limit = clock.now() - SEEN_TO_FOR
    statement = select(Alert.rule, Alert.subject).where(
        Alert.state == "acknowledged",
        Alert.rule.in_(happenings),
        Alert.acknowledged_at <= limit,
        Alert.last_seen_at <= limit,
    )
    return sum(resolve(session, rule, subject) for rule, subject in session.execute(statement))


def acknowledge(session: Session, alert_id: int, by: Decider) -> Alert:
    """Note that somebody looks after it, with an audit line; a second time changes nothing.

    Raises ``Refused``: 404 when there is no such alert, 409 when it is over, 422 for a reason that
    is too long.
    """
    alert = find(session, alert_id, lock=True)
    if by.reason.strip():
        audit.needs_reason(by)
    if alert.state == "resolved":
        said = f"Alert {alert_id} is over; there is nothing to look into."
        raise Refused("alert_resolved", said, number=alert_id)
    if alert.state == "open":
        alert.state = "acknowledged"
        alert.acknowledged_by, alert.acknowledged_at = by.actor, clock.now()
        alert.acknowledged_reason = by.reason.strip() or None
        audit.record(
            session, by, "acknowledge", "alert", alert.id, rule=alert.rule, about=alert.subject
        )
    return alert


def find(session: Session, alert_id: int, *, lock: bool = False) -> Alert:
    """The alert of that number. Raises ``Refused`` (404)."""
    alert = session.get(Alert, alert_id, with_for_update=lock or None)
    if alert is None:
        said = f"There is no alert {alert_id}."
        raise Refused("alert_unknown", said, status=404, number=alert_id)
    return alert


def is_open(session: Session, rule: str) -> bool:
    """Whether any alert of the rule is unresolved."""
    found = select(Alert.id).where(Alert.rule == rule, UNRESOLVED).limit(1)
    return session.scalar(found) is not None


def page(
    session: Session,
    limit: int,
    before: int | None = None,
    *,
    state: str | None = None,
    rule: str | None = None,
) -> list[Alert]:
    """Up to ``limit`` alerts, newest first, older than the alert ``before``.

    ``state`` is ``open``, ``acknowledged``, ``resolved``, or ``unresolved`` for both of the first.
    """
    statement = select(Alert)
    if before is not None:
        statement = statement.where(Alert.id < before)
    if state == "unresolved":
        statement = statement.where(UNRESOLVED)
    elif state is not None:
        statement = statement.where(Alert.state == state)
    if rule is not None:
        statement = statement.where(Alert.rule == rule)
    return list(session.scalars(statement.order_by(Alert.id.desc()).limit(limit)))


def _come_back(session: Session, rule: str, subject: str, details: dict[str, Any]) -> bool:
    """Open the alert again that was resolved a moment ago, if there is one."""
    now = clock.now()
    last = select(Alert.id).where(
        Alert.rule == rule, Alert.subject == subject, Alert.resolved_at > now - CALM
    )
    newest = session.scalar(last.order_by(Alert.id.desc()).limit(1))
    if newest is None:
        return False
    back = (
        update(Alert)
        .where(Alert.id == newest, Alert.state == "resolved")
        .values(
            state=case((Alert.acknowledged_by.is_(None), "open"), else_="acknowledged"),
            details=details,
            count=Alert.count + 1,
            last_seen_at=now,
            resolved_at=None,
            returns=Alert.returns + 1,
            **_to_tell("opened", Alert.returns + 1),
        )
        .execution_options(synchronize_session=False)
    )
    try:
        with session.begin_nested():
            return bool(session.execute(back).rowcount)  # type: ignore[attr-defined]
    except IntegrityError:
        # Another one was opened at this very moment: it is open, and that is what was wanted.
        return False


def _to_tell(change: str, returns: Any) -> dict[str, Any]:
    """The columns for a change that is to be told; one whose opposite was not told yet takes that
    back, and nobody need hear of either."""
    now = clock.now()
    unsaid = Alert.pending == ("opened" if change == "resolved" else "resolved")
    steps = [(returns == number, now + wait) for number, wait in enumerate(DAMPED[:-1])]
    return {
        "pending": case((unsaid, None), else_=change),
        "pending_at": case((unsaid, None), *steps, else_=now + DAMPED[-1]),
    }
