"""What an operator may do about an event: have it tried again, give it up, see what it would do."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from domain import interventions, trials
from domain.audit import LONGEST_REASON
from domain.inbox import FINISHED, Event
from webhooks.api.event_states import EventPath
from webhooks.console.page import ROOT, Action, Ask, Done, Visit


class ReasonForm(msgspec.Struct, frozen=True, kw_only=True):
    """Why."""

    reason: Annotated[str, Meta(max_length=LONGEST_REASON)] = ""


class NoForm(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is asked."""


class EffectPath(msgspec.Struct, frozen=True, kw_only=True):
    """Which effect."""

    id: Annotated[int, Meta(ge=1, le=2**63 - 1)]


def retry(visit: Visit, path: EventPath, form: ReasonForm) -> Done:
    """Have it worked on again."""
    with visit.database.transaction() as session:
        interventions.retry_event(session, path.id, visit.decider(form.reason))
    visit.services.bell.ring("process_events")
    visit.services.bell.ring("perform_effects")
    return Done(f"{ROOT}/events/{path.id}", visit.say("The event is tried again."))


def dismiss(visit: Visit, path: EventPath, form: ReasonForm) -> Done:
    """Give it up."""
    with visit.database.transaction() as session:
        interventions.dismiss_event(session, path.id, visit.decider(form.reason))
    return Done(f"{ROOT}/events/{path.id}", visit.say("The event is dismissed."))


def try_dry(visit: Visit, path: EventPath, form: NoForm) -> Done:  # noqa: ARG001 - as actions are
    """Ask for a dry run."""
    with visit.database.transaction() as session:
        trials.want(session, path.id, visit.decider())
    visit.services.bell.ring(trials.JOB)
    return Done(f"{ROOT}/events/{path.id}#trial")


def retry_effect(visit: Visit, path: EffectPath, form: ReasonForm) -> Done:
    """Have an effect tried now."""
    with visit.database.transaction() as session:
        effect = interventions.retry_effect(session, path.id, visit.decider(form.reason))
        event = effect.event_id
    visit.services.bell.ring("perform_effects")
    place = f"{ROOT}/events/{event}" if event else f"{ROOT}/failures"
    return Done(place, visit.say("The effect is tried again."))


def asks(visit: Visit, event: Event) -> list[Ask]:
    """What may be done about the event as it is; nothing for a viewer."""
    if not visit.may_act or event.status in FINISHED:
        return []
    path = EventPath(id=event.id)
    if event.status == "quarantined":
        return [ask_to_dismiss(visit, path)]
    return [ask_to_retry(visit, path), ask_to_dismiss(visit, path)]


def ask_to_retry(visit: Visit, path: EventPath) -> Ask:
    """Try it again?"""
    title = visit.say("Try event {number} again?", number=path.id)
    text = visit.say("It is worked on at once, from its first try on.")
    return Ask(f"{ROOT}/events/{path.id}/retry", title, visit.say("Try again"), text)


def ask_to_dismiss(visit: Visit, path: EventPath) -> Ask:
    """Give it up?"""
    title = visit.say("Dismiss event {number}?", number=path.id)
    text = visit.say("It will not be worked on any more. A replay can still take it up.")
    address = f"{ROOT}/events/{path.id}/dismiss"
    return Ask(address, title, visit.say("Dismiss"), text, danger=True)


def ask_to_retry_effect(visit: Visit, path: EffectPath) -> Ask:
    """Try the effect again?"""
    return ask_for_effect(visit, path.id)


def ask_for_effect(visit: Visit, number: int) -> Ask:
    """The same, of an effect at hand."""
    title = visit.say("Try effect {number} again?", number=number)
    text = visit.say("It keeps its key: what has happened at the provider does not happen twice.")
    return Ask(f"{ROOT}/effects/{number}/retry", title, visit.say("Try again"), text)


ACTIONS: Final = (
    Action("/events/{id}/retry", retry, ask_to_retry),
    Action("/events/{id}/dismiss", dismiss, ask_to_dismiss),
    Action("/events/{id}/dry-run", try_dry),
    Action("/effects/{id}/retry", retry_effect, ask_to_retry_effect),
)
