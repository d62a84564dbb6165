"""``/api/audit``: who did what, when and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import accounts, audit
from domain.accounts import Account
from domain.audit import AuditEntry
from webhooks.api.accounts import ACCOUNT_UNKNOWN
from webhooks.api.fields import Ref, Sought
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply
from webhooks.api.paging import Cursor, PageQuery, RowId

Subject = Annotated[
    str,
    Meta(
        pattern=r"^[a-z_]{1,32}:[^\s\x00-\x1f\x7f]{1,200}$(?!\n)",
        description="As `kind:name`.",
        examples=["event:4711"],
    ),
]


class AuditQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines are wanted."""

    actor: Annotated[Sought | None, Meta(description="Who, as `role:name`.")] = None
    action: Annotated[Sought | None, Meta(description="What was done: `block`, …")] = None
    subject: Annotated[Subject | None, Meta(description="To what, as `kind:name`.")] = None
    account: Annotated[Ref | None, Meta(description="The app's ref of an account.")] = None


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """One decision of a person."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: Annotated[str, Meta(description="As `kind:name`.")]
    account: str | None
    reason: str | None
    source: Annotated[str | None, Meta(description="The network address; null: the command line.")]
    details: dict[str, Any]


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the log, newest first; `next` is the cursor of the page after it."""

    items: list[AuditLine]
    next: str | None


_CURSOR: Final[Cursor[int]] = Cursor("audit", RowId)


def get_audit(call: Call, query: AuditQuery) -> Reply:
    """Read one page."""
    before = _CURSOR.decode(query.cursor)
    kind, _, subject = (query.subject or "").partition(":")
    with call.services.database.transaction() as session:
        rows = audit.page(
            session,
            query.limit + 1,
            before,
            actor=query.actor,
            action=query.action,
            subject_kind=kind or None,
            subject=subject or None,
            account_id=accounts.find(session, query.account).id if query.account else None,
        )
        page, following = _CURSOR.cut(rows, query.limit, lambda line: line.id)
        refs = _refs(session, page)
    return Reply(AuditPage(items=[_shown(line, refs) for line in page], next=following))


def _refs(session: Session, lines: Any) -> dict[int, str]:
    ids = {line.account_id for line in lines if line.account_id}
    statement = select(Account.id, Account.ref).where(Account.id.in_(ids))
    return dict(session.execute(statement).all())


def _shown(line: AuditEntry, refs: dict[int, str]) -> AuditLine:
    return AuditLine(
        id=line.id,
        at=line.at,
        actor=line.actor,
        action=line.action,
        subject=f"{line.subject_kind}:{line.subject}",
        account=refs.get(line.account_id or 0),
        reason=line.reason,
        source=line.source,
        details=line.details,
    )


_EXAMPLE: Final = {
    "items": [
        {
            "id": 31,
            "at": "2026-03-02T10:30:00Z",
            "actor": "operator:ana",
            "action": "dismiss",
            "subject": "event:4711",
            "account": "shop-4711",
            "reason": "a test of the provider's support",
            "source": "192.0.2.7",
            "details": {},
        }
    ],
    "next": None,
}

OPERATIONS: Final = (
    Operation(
        name="getAudit",
        method="GET",
        path="/api/audit",
        tag="audit",
        summary="Read the audit log",
        description="Every decision of a person, newest first: who, what, when, why, from where. "
        "Lines are never changed.",
        roles=frozenset({"viewer"}),
        handler=get_audit,
        answers={200: Answer(AuditPage, "One page.", _EXAMPLE)},
        refusals=(
            Refusal(400, "cursor_invalid", "The cursor is not one of this list."),
            ACCOUNT_UNKNOWN,
        ),
    ),
)
