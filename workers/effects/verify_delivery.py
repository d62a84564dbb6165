"""Judge a delivery in quarantine again; let it in, or dismiss it. It is never processed before."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import alerts, clock, inbox, payloads, transmissions
from domain.effects import Effect
from domain.errors import Permanent, Transient
from domain.inbox import Delivery as StoredDelivery
from domain.inbox import Event
from webhooks.providers import Provider
from webhooks.providers.provider import Delivery, Verdict
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Verify as of the delivery's arrival; ask the provider when we still cannot tell."""
    with runtime.database.transaction() as session:
        event = session.get_one(Event, effect.event_id)
        stored = session.get_one(StoredDelivery, event.delivery_id)
        body = payloads.body(session, event)
    if body is None:
        raise Permanent("its payload was dropped by age: nobody can tell any more")
    provider = runtime.providers[event.provider]
    delivery = Delivery(headers=dict(stored.headers), body=body, received_at=stored.received_at)
    verdict = _judge(provider, delivery)
    with runtime.database.transaction() as session:
        _settle(session, session.get_one(Event, event.id), provider, delivery, verdict)
    runtime.bell.ring("process_events")
    return {"verdict": verdict.status, "reason": verdict.reason}


def _judge(provider: Provider, delivery: Delivery) -> Verdict:
    verdict = provider.verifier.verify(delivery)
    if verdict.status != "unknown":
        return verdict
    opinion = provider.gateway.verify_webhook(delivery.headers, delivery.body)
    if opinion is None:
        raise Transient(f"cannot tell yet whether the delivery is authentic: {verdict.reason}")
    return Verdict(
        status="authentic" if opinion else "forged",
        reason="the provider was asked",
        signer="verify API",
        delivery_key=verdict.delivery_key,
    )


def _settle(
    session: Session, event: Event, provider: Provider, delivery: Delivery, verdict: Verdict
) -> None:
    if event.status != "quarantined":
        return
    if verdict.status == "forged":
        inbox.finish(event, "dismissed", f"forged: {verdict.reason}")
        alerts.raise_alert(session, "forged_delivery", event.provider, reason=verdict.reason)
    else:
        _let_in(session, event, provider, delivery, verdict)


def _let_in(
    session: Session, event: Event, provider: Provider, delivery: Delivery, verdict: Verdict
) -> None:
    identity = provider.verifier.identify(delivery.body)
    stored, key = session.get_one(StoredDelivery, event.delivery_id), verdict.delivery_key
    if key is not None and not transmissions.remember(session, stored, key):
        inbox.finish(event, "dismissed", "the same transmission was received before")
        return
    stored.delivery_key, stored.signer = verdict.delivery_key, verdict.signer
    stored.provider_event_id = identity.event_id
    known = session.scalar(
        select(Event.id).where(
            Event.provider == event.provider, Event.provider_event_id == identity.event_id
        )
    )
    if known is not None:
        inbox.finish(event, "dismissed", f"a duplicate of event {known}")
        return
    event.provider_event_id, event.type = identity.event_id, identity.event_type
    event.created_at, event.livemode = identity.created_at, identity.livemode
    event.status, event.next_attempt_at = "received", clock.now()
