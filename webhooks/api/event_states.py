"""Events, deliveries, attempts and effects, as callers of the API see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from domain.effects import Effect
from domain.inbox import Attempt, Delivery
from domain.money import Money
from webhooks.api.event_filters import EventFilter, Origin, Status
from webhooks.api.fields import Number, Reason
from webhooks.api.paging import Limit, Onwards


class EventPath(msgspec.Struct, frozen=True, kw_only=True):
    """Which event."""

    id: Annotated[Number, Meta(description="The event's number here.")]


class ReasonBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: Reason


class EventsQuery(EventFilter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events are wanted, and which part of them."""

    limit: Limit = 50
    cursor: Onwards = None


class EventSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One event."""

    id: int
    provider: str
    provider_event_id: Annotated[str, Meta(description="Its id at the provider.")]
    type: str
    status: Status
    origin: Origin
    account: str | None
    order: str | None
    payment: Annotated[str | None, Meta(description="The payment's id at the provider.")]
    amount: Annotated[Money | None, Meta(description="How much money it speaks of.")]
    received_at: datetime
    created_at: Annotated[datetime | None, Meta(description="When the provider says it happened.")]
    next_attempt_at: datetime | None
    attempts: int
    finished_at: datetime | None
    note: Annotated[
        str | None, Meta(description="Why it was ignored, what it waits for, or how it failed.")
    ]
    error: Annotated[str | None, Meta(description="The fingerprint of its failure.")]


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of events; `next` is the cursor of the page after it."""

    items: list[EventSummary]
    next: str | None


class DeliveryState(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the provider that brought the event."""

    id: str
    received_at: datetime
    source: Annotated[str | None, Meta(description="The network address it came from.")]
    signer: Annotated[str | None, Meta(description="Which of our secrets it was signed with.")]
    headers: dict[str, Any]
    body_sha256: str

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryState:
        """As callers see it."""
        return cls(
            id=delivery.id,
            received_at=delivery.received_at,
            source=delivery.source,
            signer=delivery.signer,
            headers=delivery.headers,
            body_sha256=delivery.body_sha256.hex(),
        )


class AttemptState(msgspec.Struct, frozen=True, kw_only=True):
    """One try at the event or at one of its effects, or a person's decision about it."""

    at: datetime
    effect: Annotated[int | None, Meta(description="The effect's number; null: the event itself.")]
    outcome: str
    error: str | None
    traceback: str | None
    worker: Annotated[str | None, Meta(description="The process, or the person.")]

    @classmethod
    def of(cls, attempt: Attempt) -> AttemptState:
        """As callers see it."""
        return cls(
            at=attempt.at,
            effect=attempt.effect_id,
            outcome=attempt.outcome,
            error=attempt.error,
            traceback=attempt.traceback,
            worker=attempt.worker,
        )


class EffectState(msgspec.Struct, frozen=True, kw_only=True):
    """What must happen outside the database, once."""

    id: int
    kind: str
    target: str
    cause: str
    status: Annotated[
        str,
        Meta(description="`wanted`, `running`, `waiting`, then `done`, `skipped` or `parked`."),
    ]
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    done_at: datetime | None
    note: str | None
    error: Annotated[str | None, Meta(description="The fingerprint of its failure.")]
    payload: dict[str, Any]

    @classmethod
    def of(cls, effect: Effect, payload: dict[str, Any]) -> EffectState:
        """As callers see it."""
        names = set(cls.__struct_fields__) - {"error", "payload"}
        own = {name: getattr(effect, name) for name in names}
        return cls(**own, error=effect.fingerprint, payload=payload)


class EventState(EventSummary, frozen=True, kw_only=True):
    """One event with all that belongs to it."""

    livemode: bool | None
    masked: Annotated[bool, Meta(description="Whether personal data are covered.")]
    payload: Annotated[
        Any, Meta(description="As the provider sent it; null when it was dropped by age or erased.")
    ]
    payload_dropped_at: Annotated[
        datetime | None, Meta(description="When the payload was dropped by age.")
    ]
    facts: Annotated[
        list[dict[str, Any]], Meta(description="What it says, in terms that are no provider's.")
    ]
    facts_note: Annotated[str | None, Meta(description="Why there are no facts.")]
    deliveries: list[DeliveryState]
    attempts_made: Annotated[
        list[AttemptState], Meta(description="The latest 500, in the order of time.")
    ]
    effects: list[EffectState]
