"""Hands for tests of alerts: open one, close it, tell the sinks, and look at what came of it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import alert_messages, alerts
from domain.alerts import Alert
from domain.audit import Decider
from domain.database import Database
from domain.effects import Effect

RULE, SUBJECT = "parked_events", "acme"
ANNA = Decider(actor="operator:anna", source="192.0.2.7")


def opened(database: Database, subject: str = SUBJECT, rule: str = RULE) -> bool:
    with database.transaction() as session:
        return alerts.observe(session, rule, subject, count=3)


def closed(database: Database, subject: str = SUBJECT, rule: str = RULE) -> bool:
    with database.transaction() as session:
        return alerts.resolve(session, rule, subject)


def told(database: Database, *sinks: str) -> int:
    with database.transaction() as session:
        return alert_messages.tell(session, sinks or ("webhook",))


def messages(database: Database) -> list[tuple[str, str]]:
    """What is to be sent: sink and change, in order."""
    with database.transaction() as session:
        rows = session.scalars(
            select(Effect).where(Effect.kind == "send_alert").order_by(Effect.id)
        )
        return [(row.target, row.payload["change"]) for row in rows]


def rows(database: Database) -> list[Alert]:
    with database.transaction() as session:
        return list(session.scalars(select(Alert).order_by(Alert.id)))


def in_a_transaction(database: Database, work: Callable[[Session], object]) -> None:
    with database.transaction() as session:
        work(session)
