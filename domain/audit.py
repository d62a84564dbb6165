"""The audit log: who did what, to what, when, why and from where; written once, never changed.

Every decision of a person (an operator in the console, a token, the command line) leaves one line,
in the transaction of the decision itself, so that neither can be without the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Index, Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock, facets
from domain.database import Base, BigId
from domain.errors import Refused

LONGEST_REASON: Final = 500
FACETS: Final = ("actor", "action", "subject_kind")
"""The columns of few values that the list is narrowed by."""


class AuditEntry(Base):
    """One decision. ``actor`` is written ``role:name``; ``subject`` is of the kind that
    ``subject_kind`` names (``event``, ``account``, ``payment``, ``alert``, …)."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_facets", *FACETS, "id"),
        Index("ix_audit_action", *FACETS[1:], "id"),
        Index("ix_audit_subject", "subject", "id"),
        Index("ix_audit_account", "account_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    actor: Mapped[str]
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject: Mapped[str]
    account_id: Mapped[int | None]
    """The account that it concerned, for the account's own timeline."""
    reason: Mapped[str | None]
    source: Mapped[str | None]
    """The network address it came from; None for the command line."""
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Decider(msgspec.Struct, frozen=True, kw_only=True):
    """Who decides, why, and from where."""

    actor: str
    reason: str = ""
    source: str | None = None


def record(
    session: Session,
    by: Decider,
    action: str,
    subject_kind: str,
    subject: object,
    *,
    account_id: int | None = None,
    **details: Any,
) -> AuditEntry:
    """Write one line in the running transaction. ``action`` is a verb in the imperative
    (``dismiss``, ``block``); ``details`` hold no secrets and no personal data."""
    entry = AuditEntry(
        at=clock.now(),
        actor=by.actor,
        action=action,
        subject_kind=subject_kind,
        subject=str(subject),
        account_id=account_id,
        reason=by.reason.strip() or None,
        source=by.source,
        details=details,
    )
    session.add(entry)
    return entry


def needs_reason(by: Decider) -> None:
    """Refuse a decision without a reason, or with one that is too long to be read.

    Raises ``Refused`` (422).
    """
    length = len(by.reason.strip())
    if not 0 < length <= LONGEST_REASON:
        raise Refused(
            "reason_missing",
            f"reason: say in 1 to {LONGEST_REASON} characters why; it is kept in the audit log.",
            status=422,
            most=LONGEST_REASON,
        )


def page(
    session: Session,
    limit: int,
    before: int | None = None,
    **wanted: str | int | None,
) -> list[AuditEntry]:
    """Up to ``limit`` lines, newest first, older than the line ``before``.

    ``wanted`` narrows by column: ``actor``, ``action``, ``subject_kind``, ``subject``,
    ``account_id``; None does not narrow.
    """
    given = {name: value for name, value in wanted.items() if value is not None}
    older = [AuditEntry.id < before] if before is not None else []
    statement = _found(session, given, limit, older)
    if statement is None:
        return []
    rows = select(AuditEntry).where(AuditEntry.id.in_(session.scalars(statement).all()))
    return list(session.scalars(rows.order_by(AuditEntry.id.desc())))


def _found(
    session: Session, given: Mapping[str, Any], limit: int, older: list[ColumnElement[bool]]
) -> Select[Any] | None:
    """A query for the numbers of the lines of a page; None when there can be none."""
    order = (AuditEntry.id,)
    few = {name: str(given[name]) for name in FACETS if name in given}
    # Whose decisions are wanted stands first in one index and is missing from the other.
    columns = [getattr(AuditEntry, name) for name in FACETS["actor" not in few :]]
    there = facets.existing(session, columns, few) if few else []
    if few and not there:
        return None
    if few and len(few) == len(given):
        return facets.newest(session, columns, order, there, limit, older)
    equal = [getattr(AuditEntry, name) == value for name, value in given.items()]
    return facets.in_order(select(AuditEntry.id).where(*equal, *older), order, limit)
