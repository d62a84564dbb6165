"""``/api/failures``: what fails, grouped by what the failures have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from domain import failures
from domain.failures import FailureGroup
from domain.money import Money
from webhooks.api.fields import Number
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply
from webhooks.api.paging import Cursor, PageQuery, RowId


class FailurePath(msgspec.Struct, frozen=True, kw_only=True):
    """Which group."""

    id: Annotated[Number, Meta(description="The group's number.")]


class FailuresQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which groups are wanted."""

    state: Annotated[
        Literal["open", "closed"] | None, Meta(description="Only open or only closed ones.")
    ] = None


class FailureState(msgspec.Struct, frozen=True, kw_only=True):
    """One group of equal failures. Counts are of members that are unfinished, and up to five
    seconds old."""

    id: int
    fingerprint: Annotated[str, Meta(description="As `error` of events, and in a replay's filter.")]
    kind: Annotated[Literal["event", "effect"], Meta(description="What failed.")]
    handler: Annotated[str, Meta(description="The type of the event or the kind of the effect.")]
    exception: str
    message: Annotated[str, Meta(description="What the error says, with # for each id.")]
    state: Literal["open", "closed"]
    count: int
    accounts: Annotated[int, Meta(description="How many accounts are concerned.")]
    money_at_risk: Annotated[
        list[Money], Meta(description="By currency; what several members speak of counts once.")
    ]
    first_seen: datetime
    last_seen: datetime
    closed_at: datetime | None
    reopened: Annotated[int, Meta(description="How often it came back.")]


class FailurePage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of groups, the last seen first; `next` is the cursor of the page after it."""

    items: list[FailureState]
    next: str | None


_CURSOR: Final[Cursor[int]] = Cursor("failures", RowId)


def get_failures(call: Call, query: FailuresQuery) -> Reply:
    """Read one page."""
    before = _CURSOR.decode(query.cursor)
    with call.services.database.transaction() as session:
        rows = failures.page(session, query.limit + 1, before, state=query.state)
    page, following = _CURSOR.cut(rows, query.limit, lambda group: group.id)
    return Reply(FailurePage(items=[_shown(group) for group in page], next=following))


def get_failure(call: Call, path: FailurePath) -> Reply:
    """Read one."""
    with call.services.database.transaction() as session:
        return Reply(_shown(failures.find(session, path.id)))


def _shown(group: FailureGroup) -> FailureState:
    renamed = {"count", "money_at_risk"}
    own = {n: getattr(group, n) for n in FailureState.__struct_fields__ if n not in renamed}
    money = [Money(amount, currency) for currency, amount in sorted(group.money.items())]
    return FailureState(**own, count=group.members, money_at_risk=money)


_EXAMPLE: Final[dict[str, Any]] = {
    "id": 3,
    "fingerprint": "payment.made: KeyError: 'plan'",
    "kind": "event",
    "handler": "payment.made",
    "exception": "KeyError",
    "message": "'plan'",
    "state": "open",
    "count": 12,
    "accounts": 9,
    "money_at_risk": [{"amount": 208120, "currency": "CZK"}],
    "first_seen": "2026-03-02T10:00:01Z",
    "last_seen": "2026-03-02T10:14:00Z",
    "closed_at": None,
    "reopened": 0,
}

OPERATIONS: Final = (
    Operation(
        name="getFailures",
        method="GET",
        path="/api/failures",
        tag="failures",
        summary="List what fails",
        description="Events and effects that failed and are not finished, grouped by handler, "
        "error and message. A group closes by itself when none of its members is unfinished any "
        "more, and opens again when the failure comes back. What only came too early is no "
        "failure until it is left to a person.",
        roles=frozenset({"viewer"}),
        handler=get_failures,
        answers={200: Answer(FailurePage, "One page.", {"items": [_EXAMPLE], "next": None})},
        refusals=(Refusal(400, "cursor_invalid", "The cursor is not one of this list."),),
    ),
    Operation(
        name="getFailure",
        method="GET",
        path="/api/failures/{id}",
        tag="failures",
        summary="Read a group of failures",
        description="One group. Its members are the events whose `error` is its fingerprint.",
        roles=frozenset({"viewer"}),
        handler=get_failure,
        answers={200: Answer(FailureState, "The group.", _EXAMPLE)},
        refusals=(Refusal(404, "failure_unknown", "There is no group of that number."),),
    ),
)
