"""Who did what, when, why and from where."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from domain import audit
from domain.audit import AuditEntry
from webhooks.api.paging import Cursor, RowId
from webhooks.console.page import Field, Page, Section, View, Visit
from webhooks.console.speech import mark

LIMIT: Final = 50
_CURSOR: Final[Cursor[int]] = Cursor("console audit", RowId)
_Short = Annotated[str, Meta(max_length=200)]


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What the list is narrowed to."""

    actor: _Short | None = None
    action: _Short | None = None
    subject_kind: _Short | None = None
    subject: _Short | None = None
    cursor: str | None = None


def show(visit: Visit, query: AuditQuery) -> View:
    """One page of the log, newest first."""
    before = _CURSOR.decode(query.cursor)
    with visit.database.transaction() as session:
        rows = audit.page(
            session,
            LIMIT + 1,
            before,
            actor=query.actor,
            action=query.action,
            subject_kind=query.subject_kind,
            subject=query.subject,
        )
    entries, following = _CURSOR.cut(rows, LIMIT, lambda entry: entry.id)
    values = {
        "entries": entries,
        "fields": _fields(visit, query),
        "details": _details,
        "is_first": before is None,
        "next": following and visit.here(cursor=following),
    }
    return View("audit.html", visit.say("Audit log"), values)


def _fields(visit: Visit, query: AuditQuery) -> list[Field]:
    say = visit.say
    return [
        Field("actor", say("Who"), value=query.actor),
        Field("action", say("Action"), value=query.action),
        Field("subject_kind", say("Kind of subject"), value=query.subject_kind),
        Field("subject", say("Subject"), "search", query.subject),
    ]


def _details(entry: AuditEntry) -> str:
    return ", ".join(f"{name}: {value}" for name, value in entry.details.items())


SECTION: Final = Section("/audit", mark("Audit log"))
PAGES: Final = (Page("/audit", show),)
