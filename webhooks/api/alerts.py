"""``/api/alerts``: what a person should know about, and who looks after it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from domain import alert_words, alerts
from domain.alerts import Alert
from webhooks.api.fields import Note
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply
from webhooks.api.paging import Cursor, PageQuery, RowId

RuleName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z_]{1,64}$(?!\n)",
        description="Only those of this rule: small letters and _.",
        examples=["parked_events"],
    ),
]


class AlertPath(msgspec.Struct, frozen=True, kw_only=True):
    """Which alert."""

    id: Annotated[int, Meta(ge=1, le=2**63 - 1, description="The alert's number.")]


class AlertsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which alerts are wanted."""

    state: Annotated[
        Literal["open", "acknowledged", "resolved", "unresolved"] | None,
        Meta(description="Only those in this state; `unresolved` is open or acknowledged."),
    ] = None
    rule: RuleName | None = None


class AcknowledgeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the one who looks after it has to say."""

    reason: Note | None = None


class AlertState(msgspec.Struct, frozen=True, kw_only=True):
    """One alert. `details` is what the sentences were made of."""

    id: int
    rule: str
    subject: Annotated[str, Meta(description="What it is about: a provider, a payment, …")]
    state: Literal["open", "acknowledged", "resolved"]
    severity: Literal["critical", "warning", "notice"]
    title: str
    what: Annotated[str, Meta(description="What is the matter, in one sentence.")]
    hurts: Annotated[str, Meta(description="Whom it hurts: accounts and money.")]
    ends: Annotated[str, Meta(description="When it closes by itself.")]
    runbook: Annotated[str, Meta(description="Where it says what to do.")]
    count: Annotated[int, Meta(description="How often it happened or came back.")]
    opened_at: datetime
    last_seen_at: datetime
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    acknowledged_reason: str | None
    resolved_at: datetime | None
    details: dict[str, Any]


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of alerts, newest first; `next` is the cursor of the page after it."""

    items: list[AlertState]
    next: str | None


_CURSOR: Final[Cursor[int]] = Cursor("alerts", RowId)


def get_alerts(call: Call, query: AlertsQuery) -> Reply:
    """Read one page."""
    before = _CURSOR.decode(query.cursor)
    with call.services.database.transaction() as session:
        rows = alerts.page(session, query.limit + 1, before, state=query.state, rule=query.rule)
    page, following = _CURSOR.cut(rows, query.limit, lambda alert: alert.id)
    return Reply(AlertPage(items=[_shown(call, alert) for alert in page], next=following))


def get_alert(call: Call, path: AlertPath) -> Reply:
    """Read one."""
    with call.services.database.transaction() as session:
        return Reply(_shown(call, alerts.find(session, path.id)))


def post_acknowledgement(call: Call, path: AlertPath, body: AcknowledgeBody) -> Reply:
    """Say that one looks after it."""
    with call.services.database.transaction() as session:
        alert = alerts.acknowledge(session, path.id, call.decider(body.reason or ""))
        session.flush()
        return Reply(_shown(call, alert))


def _shown(call: Call, alert: Alert) -> AlertState:
    rule = alert_words.rule_of(alert)
    own = {name: getattr(alert, name) for name in _COLUMNS}
    return AlertState(
        severity=rule.severity,
        title=rule.title,
        what=alert_words.sentence(alert),
        hurts=alert_words.whom(alert),
        ends=rule.ends_when,
        runbook=alert_words.runbook(alert, call.services.settings.docs_url),
        **own,
    )


_COLUMNS: Final = (
    "id",
    "rule",
    "subject",
    "state",
    "count",
    "opened_at",
    "last_seen_at",
    "acknowledged_by",
    "acknowledged_at",
    "acknowledged_reason",
    "resolved_at",
    "details",
)
_UNKNOWN: Final = Refusal(404, "alert_unknown", "There is no alert of that number.")
_EXAMPLE: Final[dict[str, Any]] = {
    "id": 12,
    "rule": "parked_events",
    "subject": "example",
    "state": "open",
    "severity": "critical",
    "title": "Events are parked",
    "what": "3 events of example are parked: nobody works on them until a person decides. The "
    "first of them came at 2026-03-02 09:58 UTC.",
    "hurts": "2 accounts; of 0 events nobody knows yet whose they are. Money that they speak "
    "of: 49.00 EUR.",
    "ends": "When no event of the provider is parked.",
    "runbook": "docs/runbook.md#parked_events",
    "count": 1,
    "opened_at": "2026-03-02T10:00:00Z",
    "last_seen_at": "2026-03-02T10:00:15Z",
    "acknowledged_by": None,
    "acknowledged_at": None,
    "acknowledged_reason": None,
    "resolved_at": None,
    "details": {
        "count": 3,
        "oldest": "2026-03-02 09:58 UTC",
        "accounts": 2,
        "unknown": 0,
        "money": "49.00 EUR",
    },
}
_ACKNOWLEDGED: Final[dict[str, Any]] = {
    **_EXAMPLE,
    "state": "acknowledged",
    "acknowledged_by": "operator:anna",
    "acknowledged_at": "2026-03-02T10:02:00Z",
    "acknowledged_reason": "I look into it",
}

OPERATIONS: Final = (
    Operation(
        name="getAlerts",
        method="GET",
        path="/api/alerts",
        tag="alerts",
        summary="List alerts",
        description="What a person should know about, newest first. An alert opens by itself and "
        "closes by itself when what it is about is over; the runbook has an entry per rule.",
        roles=frozenset({"viewer"}),
        handler=get_alerts,
        answers={200: Answer(AlertPage, "One page.", {"items": [_EXAMPLE], "next": None})},
        refusals=(Refusal(400, "cursor_invalid", "The cursor is not one of this list."),),
    ),
    Operation(
        name="getAlert",
        method="GET",
        path="/api/alerts/{id}",
        tag="alerts",
        summary="Read an alert",
        description="One alert, with its sentences and what they were made of.",
        roles=frozenset({"viewer"}),
        handler=get_alert,
        answers={200: Answer(AlertState, "The alert.", _EXAMPLE)},
        refusals=(_UNKNOWN,),
    ),
    Operation(
        name="postAlertAck",
        method="POST",
        path="/api/alerts/{id}/ack",
        tag="alerts",
        summary="Acknowledge an alert",
        description="Says that somebody looks after it; it stands in the audit log, with the "
        "reason when there is one. A second time changes nothing. An alert about one happening (a "
        "lost dispute, a payment that fitted nothing) closes itself a day after it was "
        "acknowledged; the others close when what they are about is over.",
        roles=frozenset({"operator"}),
        handler=post_acknowledgement,
        example={"reason": "I look into it"},
        answers={200: Answer(AlertState, "The alert, acknowledged.", _ACKNOWLEDGED)},
        refusals=(_UNKNOWN, Refusal(409, "alert_resolved", "The alert is over.")),
    ),
)
