"""Events: found by any filters, and one of them with everything that belongs to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from markupsafe import Markup
from msgspec import Meta

from domain import event_search, event_view, masking, trials
from domain.effects import RETRIABLE
from domain.event_search import Filter
from domain.event_view import EventView
from domain.inbox import DUE_STATES, FINISHED
from domain.trials import Trial
from webhooks.api.event_states import EventPath
from webhooks.api.events import facts_of
from webhooks.api.paging import Cursor, RowId
from webhooks.console import event_actions, notes, saying
from webhooks.console.page import ROOT, Field, Page, Section, View, Visit
from webhooks.console.speech import mark

LIMIT: Final = 50
STATUSES: Final = (*DUE_STATES, "quarantined", "parked", *FINISHED)
ORIGINS: Final = ("webhook", "backfill", "replay")
_CURSOR: Final[Cursor[int]] = Cursor("console events", RowId)
_Short = Annotated[str, Meta(max_length=300)]


class FilterForm(msgspec.Struct, frozen=True, kw_only=True):
    """The filters as they stand in an address; days are whole days in UTC, both included."""

    q: _Short | None = None
    status: _Short | None = None
    provider: _Short | None = None
    type: _Short | None = None
    account: _Short | None = None
    order: _Short | None = None
    error: _Short | None = None
    origin: _Short | None = None
    received_from: date | None = None
    received_to: date | None = None

    @property
    def wanted(self) -> Filter:
        """The same for the domain."""
        given = {name: getattr(self, name) for name in Filter.__struct_fields__}
        end = self.received_to
        given["received_from"] = _midnight(self.received_from)
        given["received_to"] = _midnight(end + timedelta(days=1)) if end else None
        return Filter(**given)

    @property
    def given(self) -> dict[str, str]:
        """The filters that are set, for an address."""
        values = ((name, getattr(self, name)) for name in FilterForm.__struct_fields__)
        return {name: str(value) for name, value in values if value is not None}


class EventsQuery(FilterForm, frozen=True, kw_only=True):
    """What the list is narrowed to, and which part of it."""

    cursor: str | None = None


def show_list(visit: Visit, query: EventsQuery) -> View:
    """One page of the events, newest first."""
    before = _CURSOR.decode(query.cursor)
    with visit.database.transaction() as session:
        found = event_search.page(session, query.wanted, LIMIT + 1, before)
    rows, following = _CURSOR.cut(found, LIMIT, lambda row: row.event.id)
    values = {
        "rows": rows,
        "fields": filter_fields(visit, query),
        "quick": [(status, visit.here(status=status, cursor=None)) for status in QUICK],
        "replay": _replay_address(visit, query),
        "is_first": before is None,
        "next": following and visit.here(cursor=following),
    }
    return View("events/list.html", visit.say("Events"), values, styles=("events.css",))


def show(visit: Visit, path: EventPath) -> View:
    """One event."""
    with visit.database.transaction() as session:
        seen = event_view.view(session, path.id, unmasked=visit.may_act)
        facts, note = facts_of(visit.services, session, seen)
        trial = trials.latest(session, path.id)
    shown_facts = facts if visit.may_act else masking.masked(facts)
    values = {
        "seen": seen,
        "event": seen.event,
        "sentences": saying.sentences(visit, shown_facts),
        "facts_note": note,
        "facts": pretty(shown_facts) if shown_facts else "",
        "payload": pretty(seen.payload) if seen.payload is not None else "",
        "erased_at": seen.erased_at,
        "dropped_at": seen.dropped_at,
        "unreadable": seen.unreadable,
        "pairs": _pairs(visit, seen),
        "effects": [_effect(visit, effect) for effect in seen.effects],
        "attempts": [_attempt(visit, attempt) for attempt in reversed(seen.attempts)],
        "asks": event_actions.asks(visit, seen.event),
        "trial": _trial(visit, trial),
        "may_try": visit.may_act and seen.event.status != "quarantined",
        "pretty": pretty,
    }
    title = visit.say("Event {number}", number=path.id)
    return View("events/event.html", title, values, styles=("events.css",))


def filter_fields(visit: Visit, query: FilterForm) -> list[Field]:
    """The filters as fields of a form."""
    say = visit.say
    every = ("", say("all"))
    providers = [(each.name, each.spec.title) for each in visit.services.providers]
    hint = say("Event, payment, order or account")
    return [
        Field("q", say("Search"), "search", query.q, attributes={"placeholder": hint}),
        Field("status", say("Status"), "choice", query.status, [every, *_terms(visit, STATUSES)]),
        Field("provider", say("Provider"), "choice", query.provider, [every, *providers]),
        Field("type", say("Type"), value=query.type),
        Field("account", say("Account"), value=query.account),
        Field("order", say("Order"), value=query.order),
        Field("error", say("Failure"), value=query.error),
        Field("origin", say("Origin"), "choice", query.origin, [every, *_terms(visit, ORIGINS)]),
        Field("received_from", say("Received from"), "date", query.received_from),
        Field("received_to", say("Received until"), "date", query.received_to),
    ]


def pretty(document: Any) -> str:
    """JSON for people; a text as it is."""
    if isinstance(document, str):
        return document
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


QUICK: Final = ("parked", "waiting", "unmatched", "quarantined")
"""The statuses that have a link of their own."""


def _replay_address(visit: Visit, query: EventsQuery) -> str | None:
    """Where what is found can be replayed; None for nobody in particular, and for a viewer."""
    if not visit.may_act or query.wanted.is_empty or query.status == "quarantined":
        return None
    return f"{ROOT}/replays/new?{urlencode(query.given)}"


def _pairs(visit: Visit, seen: EventView) -> list[tuple[str, Any]]:
    say, event, exact = visit.say, seen.event, visit.speech.exact
    upcoming = event.next_attempt_at
    return [
        (say("At the provider"), f"{visit.provider(event.provider)} {event.provider_event_id}"),
        (say("Type"), event.type),
        (say("Received"), exact(event.received_at)),
        (say("Happened"), exact(event.created_at) if event.created_at else None),
        (say("Origin"), visit.speech.term(event.origin)),
        (say("Tries"), visit.speech.number(event.attempts)),
        (say("Next try"), exact(upcoming) if upcoming else None),
        (say("Finished"), exact(event.finished_at) if event.finished_at else None),
        (say("Order"), event.order_id and _others("order", event.order_id)),
        (say("Payment"), event.payment and _others("q", event.payment)),
    ]


def _others(name: str, value: str) -> Markup:
    """A link to the events about the same."""
    address = f"{ROOT}/events?{urlencode({name: value})}"
    return Markup('<a href="{}">{}</a>').format(address, value)


def _effect(visit: Visit, effect: Any) -> dict[str, Any]:
    ask = None
    if visit.may_act and effect.status in RETRIABLE:
        ask = event_actions.ask_for_effect(visit, effect.id)
    payload = effect.payload if visit.may_act else masking.masked(effect.payload)
    return {"effect": effect, "ask": ask, "payload": pretty(payload)}


def _attempt(visit: Visit, attempt: Any) -> dict[str, Any]:
    error, outcome = attempt.error, visit.speech.term(attempt.outcome)
    text = f"{outcome}: {notes.said(visit.speech, error)}" if error else outcome
    tone = {"processed": "good", "done": "good", "parked": "bad", "waiting": "warn"}
    return {
        "at": attempt.at,
        "text": text,
        "kind": "effect" if attempt.effect_id else None,
        "tone": tone.get(attempt.outcome, "plain"),
        "by": attempt.worker,
        "href": None,
        "body": attempt.traceback,
    }


def _trial(visit: Visit, trial: Trial | None) -> dict[str, Any] | None:
    """The last dry run, for the template; None when there was none."""
    if trial is None:
        return None
    result = trial.result or {}
    shown = result if visit.may_act else masking.masked(result)
    return {
        "trial": trial,
        "is_done": trial.state == "done",
        "result": shown,
        "sentences": saying.sentences(visit, shown.get("facts", [])),
    }


def _terms(visit: Visit, names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, visit.speech.term(name)) for name in names]


def _midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


SECTION: Final = Section("/events", mark("Events"))
PAGES: Final = (Page("/events", show_list), Page("/events/{id}", show))
ACTIONS: Final = event_actions.ACTIONS
