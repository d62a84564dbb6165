"""What stands in the audit log stays there: the database refuses anything else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from domain import audit
from domain.audit import AuditEntry, Decider
from domain.database import Database

BY = Decider(actor="operator:anna", reason="it was wrong", source="192.0.2.1")


@pytest.fixture
def line(database: Database) -> int:
    """The number of one line."""
    with database.transaction() as session:
        entry = audit.record(session, BY, "dismiss", "event", 1)
        session.flush()
        return entry.id


def change_one(session: Session, line: int) -> None:
    """As the program would, if it did."""
    session.get_one(AuditEntry, line).reason = "another"
    session.flush()


WAYS: dict[str, Callable[[Session, int], object]] = {
    "changed": lambda session, _: session.execute(update(AuditEntry).values(actor="operator:x")),
    "deleted": lambda session, line: session.execute(
        delete(AuditEntry).where(AuditEntry.id == line)
    ),
    "emptied": lambda session, _: session.execute(text("DELETE FROM audit")),
    "changed one by one": change_one,
}


@pytest.mark.parametrize("way", WAYS)
def test_no_line_of_the_audit_log_is_ever_changed_or_deleted(
    database: Database, line: int, way: str
) -> None:
    def tamper() -> None:
        with database.transaction() as session:
            WAYS[way](session, line)

    with pytest.raises(DBAPIError, match="the audit log is written once"):
        tamper()
    with database.transaction() as session:
        entry = session.get_one(AuditEntry, line)
        assert (entry.actor, entry.reason) == (BY.actor, BY.reason)


def test_a_line_is_added_all_the_same(database: Database, line: int) -> None:
    with database.transaction() as session:
        audit.record(session, BY, "retry", "event", 2)
    with database.transaction() as session:
        assert len(audit.page(session, 10)) == 2
