"""What people do about single events and effects: each with its line in the audit log."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.orm import Session

from domain import audit, effects, inbox
from domain.audit import Decider
from domain.effects import Effect
from domain.inbox import Event

MOST_LINES: Final = 200
"""How far back a repeated call is looked for among the lines about one thing."""


def retry_event(session: Session, event_id: int, by: Decider) -> Event:
    """Have an unfinished event worked on again, with what it wanted to be read. Raises ``Refused``
    as ``inbox.retry`` does."""
    event = inbox.retry(session, event_id, actor=by.actor, reason=by.reason)
    effects.retry_readings(session, [event_id])
    audit.record(session, by, "retry", "event", event_id, account_id=event.account_id)
    return event


def dismiss_event(session: Session, event_id: int, by: Decider) -> Event:
    """Give an event up. Raises ``Refused`` without a reason, and as ``inbox.dismiss`` does."""
    audit.needs_reason(by)
    event = inbox.dismiss(session, event_id, actor=by.actor, reason=by.reason)
    audit.record(session, by, "dismiss", "event", event_id, account_id=event.account_id)
    return event


def retry_effect(session: Session, effect_id: int, by: Decider) -> Effect:
    """Have a parked or waiting effect tried now. Raises ``Refused`` as ``effects.retry`` does."""
    effect = effects.retry(session, effect_id, actor=by.actor, reason=by.reason)
    details = {"kind": effect.kind, "target": effect.target}
    audit.record(session, by, "retry", "effect", effect_id, account_id=effect.account_id, **details)
    return effect


def record_once(
    session: Session,
    by: Decider,
    action: str,
    subject: tuple[str, str],
    account_id: int,
    **details: Any,
) -> bool:
    """Write the audit line of a call that may be repeated, ``subject`` being its kind and name;
    False when the same call wrote it before."""
    kind, name = subject
    lines = audit.page(session, MOST_LINES, action=action, subject_kind=kind, subject=name)
    if any(line.details == details for line in lines):
        return False
    audit.record(session, by, action, kind, name, account_id=account_id, **details)
    return True
