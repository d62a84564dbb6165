"""``/api/events``: find events, look at one, have it worked on again, give it up."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.orm import Session

from domain import event_search, event_view, interventions, masking
from domain.effects import Effect
from domain.event_search import Found
from domain.event_view import EventView
from domain.inbox import Event
from domain.money import Money
from webhooks import translation
from webhooks.api import event_docs as docs
from webhooks.api.event_states import (
    AttemptState,
    DeliveryState,
    EffectState,
    EventPage,
    EventPath,
    EventsQuery,
    EventState,
    EventSummary,
    ReasonBody,
)
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply
from webhooks.api.paging import Cursor, RowId
from webhooks.api.parts import Services

_CURSOR: Final[Cursor[int]] = Cursor("events", RowId)
OPERATOR: Final = "operator"


def get_events(call: Call, query: EventsQuery) -> Reply:
    """Read one page."""
    before = _CURSOR.decode(query.cursor)
    with call.services.database.transaction() as session:
        rows = event_search.page(session, query.wanted, query.limit + 1, before)
    page, following = _CURSOR.cut(rows, query.limit, lambda found: found.event.id)
    return Reply(EventPage(items=[summary(found) for found in page], next=following))


def get_event(call: Call, path: EventPath) -> Reply:
    """Read one with all that belongs to it."""
    unmasked = call.principal.role == OPERATOR
    with call.services.database.transaction() as session:
        view = event_view.view(session, path.id, unmasked=unmasked)
        facts, note = facts_of(call.services, session, view)
    return Reply(_state(view, facts, note, unmasked=unmasked))


def post_retry(call: Call, path: EventPath, body: ReasonBody) -> Reply:
    """Have it worked on again."""
    with call.services.database.transaction() as session:
        event = interventions.retry_event(session, path.id, call.decider(body.reason))
        answer = _after(session, event)
    call.services.bell.ring("process_events")
    call.services.bell.ring("perform_effects")
    return answer


def post_dismissal(call: Call, path: EventPath, body: ReasonBody) -> Reply:
    """Give it up."""
    with call.services.database.transaction() as session:
        return _after(
            session, interventions.dismiss_event(session, path.id, call.decider(body.reason))
        )


def summary(found: Found) -> EventSummary:
    """One event of a list."""
    return EventSummary(**_own(found.event, found.account))


def facts_of(
    services: Services, session: Session, view: EventView
) -> tuple[list[dict[str, Any]], str | None]:
    """What the event says in neutral terms, and why there is nothing, when there is nothing."""
    if view.event.status == "quarantined":
        return [], "in quarantine: nobody knows yet whether it is authentic"
    if view.body is None:
        return [], view.unreadable or "its payload was dropped by age"
    try:
        said, _ = translation.translate(services.providers, session, view.event, view.body)
    except Exception as error:  # noqa: BLE001 - an event that cannot be translated is shown, too
        return [], f"it cannot be translated: {type(error).__name__}: {error}"[:500]
    if said.needs:
        return [], f"to be read from the provider first: {', '.join(map(str, said.needs))}"
    return [docs.plain(fact) for fact in said.facts], said.ignored or None


def _after(session: Session, event: Event) -> Reply:
    session.flush()
    [found] = event_search.named(session, [event.id])
    return Reply(summary(found))


def _own(event: Event, account: str | None) -> dict[str, Any]:
    amount = None
    if event.amount is not None and event.currency is not None:
        amount = Money(event.amount, event.currency)
    return {
        **{name: getattr(event, name) for name in _COLUMNS},
        "account": account,
        "order": event.order_id,
        "amount": amount,
        "error": event.fingerprint,
    }


def _state(
    view: EventView, facts: list[dict[str, Any]], note: str | None, *, unmasked: bool
) -> EventState:
    return EventState(
        **_own(view.event, view.account),
        livemode=view.event.livemode,
        masked=not unmasked,
        payload=view.payload,
        payload_dropped_at=view.dropped_at,
        facts=facts if unmasked else masking.masked(facts),
        facts_note=note,
        deliveries=[DeliveryState.of(each) for each in view.deliveries],
        attempts_made=[AttemptState.of(each) for each in view.attempts],
        effects=[effect_state(each, unmasked=unmasked) for each in view.effects],
    )


def effect_state(effect: Effect, *, unmasked: bool) -> EffectState:
    """An effect as the caller may see it."""
    payload = effect.payload if unmasked else masking.masked(effect.payload)
    return EffectState.of(effect, payload)


_COLUMNS: Final = (
    "id",
    "provider",
    "provider_event_id",
    "type",
    "status",
    "origin",
    "payment",
    "received_at",
    "created_at",
    "next_attempt_at",
    "attempts",
    "finished_at",
    "note",
)
UNKNOWN: Final = Refusal(404, "event_unknown", "There is no event of that number.")

OPERATIONS: Final = (
    Operation(
        name="getEvents",
        method="GET",
        path="/api/events",
        tag="events",
        summary="Find events",
        description="Every event that a provider sent, the latest received first. Filters may be "
        "combined at will.",
        roles=frozenset({"viewer"}),
        handler=get_events,
        answers={200: Answer(EventPage, "One page.", docs.PAGE)},
        refusals=(Refusal(400, "cursor_invalid", "The cursor is not one of this list."),),
    ),
    Operation(
        name="getEvent",
        method="GET",
        path="/api/events/{id}",
        tag="events",
        summary="Look at an event",
        description="The event with its deliveries, payload, facts, attempts (with traceback) and "
        "effects. Personal data in it are covered, unless the token is an operator's.",
        roles=frozenset({"viewer"}),
        handler=get_event,
        answers={200: Answer(EventState, "The event.", docs.EVENT)},
        refusals=(UNKNOWN,),
    ),
    Operation(
        name="postEventRetry",
        method="POST",
        path="/api/events/{id}/retry",
        tag="events",
        summary="Have an event worked on again",
        description="An event that waits, or was left to a person, is worked on at once, from its "
        "first try on. One that is finished can be replayed instead.",
        roles=frozenset({"operator"}),
        handler=post_retry,
        example={"reason": "the account exists now"},
        answers={200: Answer(EventSummary, "The event, due now.", docs.SUMMARY)},
        refusals=(
            UNKNOWN,
            Refusal(409, "event_not_retryable", "It is finished or in quarantine."),
            Refusal(409, "payload_erased", "Its payload was erased on request of the customer."),
        ),
    ),
    Operation(
        name="postEventDismiss",
        method="POST",
        path="/api/events/{id}/dismiss",
        tag="events",
        summary="Give an event up",
        description="Nobody works on it any more.",
        roles=frozenset({"operator"}),
        handler=post_dismissal,
        example={"reason": "a test of the provider's support"},
        answers={200: Answer(EventSummary, "The event, dismissed.", docs.DISMISSED)},
        refusals=(
            UNKNOWN,
            Refusal(409, "event_finished", "It is finished already."),
            Refusal(422, "reason_missing", "The reason is empty or too long."),
        ),
    ),
)
