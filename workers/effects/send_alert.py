"""Tell one sink of one change of an alert."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import alert_messages
from domain.alerts import Alert
from domain.effects import PLANNED, Effect
from domain.errors import Transient
from workers import sinks
from workers.perform_effects import Overtaken
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Send it. What was over before it could be told is not told any more."""
    settings, sink, payload = runtime.settings, effect.target, effect.payload
    if sink not in sinks.names(settings):
        raise Overtaken(f"{sink} is not configured any more")
    with runtime.database.transaction() as session:
        alert = session.get_one(Alert, payload["alert"])
        _require_worth(session, alert, effect)
    message = alert_messages.compose(
        alert,
        payload["change"],
        docs=settings.docs_url,
        public_url=settings.public_url,
        others=payload["others"],
    )
    sinks.send(settings, sink, message, effect.key)
    return {"sink": sink}


def _require_worth(session: Session, alert: Alert, effect: Effect) -> None:
    """Raises ``Overtaken`` for what nobody needs to hear, ``Transient`` for what must come after
    something that is still to be told."""
    if effect.payload["change"] == "opened":
        if effect.attempts > 1 and alert.state == "resolved":
            raise Overtaken("it was over before it could be told")
        return
    opening = _message_before(session, effect)
    if opening in PLANNED:
        raise Transient("its opening is still to be told")
    if opening in {"skipped", "parked"}:
        raise Overtaken("its opening was never told")


def _message_before(session: Session, effect: Effect) -> str | None:
    """What became of the message about the change before this one, if there was one."""
    about, _, number = effect.cause.rpartition(":")
    statement = select(Effect.status).where(
        Effect.cause == f"{about}:{int(number) - 1}",
        Effect.kind == effect.kind,
        Effect.target == effect.target,
    )
    return session.scalar(statement)
