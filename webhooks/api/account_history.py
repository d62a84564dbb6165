"""``GET /api/accounts/{ref}/history``: everything that happened, one line each, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import accounts, history, masking
from domain.history import HistoryEntry
from webhooks.api.accounts import ACCOUNT_UNKNOWN, AccountPath
from webhooks.api.operation import VIEWER, Answer, Call, Operation, Refusal, Reply
from webhooks.api.paging import Cursor, PageQuery, RowId


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history; `details` is what the sentence was made of."""

    at: datetime
    kind: str
    sentence: str
    details: dict[str, Any]


class History(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the history, newest first; `next` is the cursor of the page after it."""

    items: list[Happening]
    next: str | None


_CURSOR: Final[Cursor[int]] = Cursor("history", RowId)


def get_history(call: Call, path: AccountPath, query: PageQuery) -> Reply:
    """Read one page."""
    before = _CURSOR.decode(query.cursor)
    with call.services.database.transaction() as session:
        account = accounts.find(session, path.ref)
        rows = history.page(session, account.id, query.limit + 1, before)
    page, following = _CURSOR.cut(rows, query.limit, lambda entry: entry.id)
    is_covered = call.principal.role == VIEWER
    items = [_happening(entry, is_covered=is_covered) for entry in page]
    return Reply(History(items=items, next=following))


def _happening(entry: HistoryEntry, *, is_covered: bool) -> Happening:
    details = masking.of_history(entry.details) if is_covered else entry.details
    sentence = history.sentence(entry, details)
    return Happening(at=entry.at, kind=entry.kind, sentence=sentence, details=details)


_EXAMPLE: Final = {
    "items": [
        {
            "at": "2026-03-02T10:00:00Z",
            "kind": "order_paid",
            "sentence": "order ord_1f0c9a6be0d24c7c8a5b3e21 paid by card: 2081.20 CZK",
            "details": {
                "order": "ord_1f0c9a6be0d24c7c8a5b3e21",
                "means": "card",
                "total": "2081.20 CZK",
            },
        }
    ],
    "next": None,
}

OPERATIONS: Final = (
    Operation(
        name="getHistory",
        method="GET",
        path="/api/accounts/{ref}/history",
        tag="accounts",
        summary="Read an account's history",
        description="Everything that happened to the account, one line each, newest first.",
        roles=frozenset({"app", "viewer"}),
        handler=get_history,
        answers={200: Answer(History, "One page of the history.", _EXAMPLE)},
        refusals=(
            ACCOUNT_UNKNOWN,
            Refusal(400, "cursor_invalid", "The cursor is not one of this list."),
        ),
    ),
)
