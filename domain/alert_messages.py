"""Which changes of alerts are told, to whom, and in which words; told once, and never as a storm.

A *sink* is somebody who wants to hear: its name is the target of the effect ``send_alert``, one
effect per sink and change, so that a sink that is away concerns nobody else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from domain import alert_words, clock, effects
from domain.alerts import Alert

EFFECT: Final = "send_alert"
AT_ONCE: Final = 5
"""So many changes of one rule are told singly within ``SPAN``; what is more is gathered."""
SPAN: Final = timedelta(minutes=5)
BATCH: Final = 500
SINK_FAILING: Final = "sink_failing"
log = structlog.get_logger()

_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink is told of one change, or of many that were gathered (``others``)."""

    alert: int
    change: str
    rule: str
    severity: str
    subject: str
    title: str
    what: str
    hurts: str
    since: datetime
    until: datetime | None
    runbook: str
    console: str | None
    others: int = 0
    """How many more alerts of the rule changed in the same way."""

    @property
    def headline(self) -> str:
        """The message in one line."""
        word = {"opened": self.severity.upper(), "resolved": "OVER"}[self.change]
        more = f" (and {self.others} more)" if self.others else ""
        return f"[Billhook] {word}: {self.title}{more}"

    @property
    def text(self) -> str:
        """The message in full, as plain text."""
        lines = [
            self.what,
            f"Since: {self.since:%Y-%m-%d %H:%M:%S} UTC",
            f"Over since: {self.until:%Y-%m-%d %H:%M:%S} UTC" if self.until else "",
            f"Whom it hurts: {self.hurts}",
            f"What to do: {self.runbook}",
            f"Look at it: {self.console}" if self.console else "",
        ]
        return "\n".join(filter(None, lines))


def compose(
    alert: Alert, change: str, *, docs: str, public_url: str | None, others: int = 0
) -> Message:
    """The message about an alert. ``docs`` is where the documentation can be read."""
    rule = alert_words.rule_of(alert)
    return Message(
        alert=alert.id,
        change=change,
        rule=alert.rule,
        severity=rule.severity,
        subject=_without_addresses(alert.subject),
        title=rule.title,
        what=_without_addresses(alert_words.sentence(alert)),
        hurts=_without_addresses(alert_words.whom(alert)),
        since=alert.opened_at,
        until=alert.resolved_at if change == "resolved" else None,
        runbook=alert_words.runbook(alert, docs),
        console=f"{public_url}/console/alerts/{alert.id}" if public_url else None,
        others=others,
    )


def tell(session: Session, sinks: Sequence[str]) -> int:
    """Want the messages about every change that is to be told now; returns how many effects.

    The transaction that marks a change as told also wants its messages: neither can be without the
    other.
    """
    pending: dict[tuple[str, str], list[Alert]] = defaultdict(list)
    for alert in session.scalars(_due()):
        pending[alert.rule, str(alert.pending)].append(alert)
    wanted = 0
    for (rule, change), changed in pending.items():
        room = AT_ONCE - _told_lately(session, rule)
        single, rest = changed[: max(0, room)], changed[max(0, room) :]
        groups = [[alert] for alert in single]
        # What is more waits, and is gathered into one message.
        if rest and rest[0].pending_at is not None and rest[0].pending_at <= clock.now() - SPAN:
            groups.append(rest)
        for group in groups:
            wanted += _want(session, sinks, group, change)
    return wanted


def _due() -> Select[Alert]:
    return (
        select(Alert)
        .where(Alert.pending.is_not(None), Alert.pending_at <= clock.now())
        .order_by(Alert.pending_at, Alert.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )


def _told_lately(session: Session, rule: str) -> int:
    since = clock.now() - SPAN
    lately = select(Alert.id).where(Alert.rule == rule, Alert.told_at > since).limit(AT_ONCE)
    return len(session.scalars(lately).all())


def _want(session: Session, sinks: Sequence[str], group: list[Alert], change: str) -> int:
    now = clock.now()
    for alert in group:
        alert.pending, alert.pending_at = None, None
        alert.told, alert.told_at = alert.told + 1, now
    first = group[0]
    payload = {"alert": first.id, "change": change, "others": len(group) - 1}
    cause = f"alert:{first.id}:{first.told}"
    listening = [sink for sink in sinks if not _is_about(first, sink)]
    log.info("alert_told", alert=first.id, rule=first.rule, change=change, sinks=len(listening))
    return sum(effects.want(session, EFFECT, s, cause, payload=payload) for s in listening)


def _is_about(alert: Alert, sink: str) -> bool:
    """Nobody can be told of his own deafness."""
    return alert.rule == SINK_FAILING and alert.subject == sink


def _without_addresses(text: str) -> str:
    """A customer's reference may be an e-mail address: those stay in the house."""
    return _EMAIL.sub("…@…", text)
