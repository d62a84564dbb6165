"""Alerts: what a person should know about, open until it is over.

One open alert per ``(rule, subject)``; raising it again only counts it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import Index, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock
from domain.database import Base, BigId, insert_once

log = structlog.get_logger()

_UNRESOLVED: Final = text("state <> 'resolved'")


class Alert(Base):
    """One alert: ``open → acknowledged → resolved``."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_unresolved",
            "rule",
            "subject",
            unique=True,
            postgresql_where=_UNRESOLVED,
            sqlite_where=_UNRESOLVED,
        ),
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
    resolved_at: Mapped[datetime | None]


def raise_alert(session: Session, rule: str, subject: str, **details: Any) -> bool:
    """Open an alert, or count one more occurrence of the open one; True when it is new."""
    now = clock.now()
    seen = session.execute(
        update(Alert)
        .where(Alert.rule == rule, Alert.subject == subject, Alert.state != "resolved")
        .values(count=Alert.count + 1, last_seen_at=now)
        .execution_options(synchronize_session=False)
    )
    if seen.rowcount:  # type: ignore[attr-defined]
        return False
    values = {"state": "open", "count": 1, "opened_at": now, "last_seen_at": now}
    log.warning("alert_opened", rule=rule, subject=subject)
    return insert_once(session, Alert, rule=rule, subject=subject, details=details, **values)


def resolve(session: Session, rule: str, subject: str) -> None:
    """Close the open alert of that rule and subject, if there is one."""
    session.execute(
        update(Alert)
        .where(Alert.rule == rule, Alert.subject == subject, Alert.state != "resolved")
        .values(state="resolved", resolved_at=clock.now())
        .execution_options(synchronize_session=False)
    )
