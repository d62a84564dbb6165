"""Replays: chosen by filter, counted first, begun with care, watched while they run."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from domain import replay_filters, replays
from domain.audit import LONGEST_REASON
from domain.errors import Refused
from domain.replays import CANARY, MAX_ERRORS, RATE, Plan, Replay, Subjects
from webhooks.api.paging import Cursor, RowId
from webhooks.api.replay_states import ReplayPath
from webhooks.console import refusals
from webhooks.console.events import FilterForm, filter_fields
from webhooks.console.page import (
    OPERATOR,
    ROOT,
    Action,
    Ask,
    Done,
    Field,
    Page,
    Section,
    View,
    Visit,
)
from webhooks.console.speech import mark

LIMIT: Final = 50
ITEMS: Final = 50
_CURSOR: Final[Cursor[int]] = Cursor("console replays", RowId)
_ITEMS: Final[Cursor[int]] = Cursor("console replay items", RowId)
_Percent = Annotated[int, Meta(ge=0, le=100)]
ItemsState = Literal["waiting", "started", "passed", "failed", "skipped"]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of the list."""

    cursor: str | None = None


class NewQuery(FilterForm, frozen=True, kw_only=True):
    """What is to be replayed."""

    of: Subjects = "events"


class ReplayForm(NewQuery, frozen=True, kw_only=True):
    """What is to be replayed, how carefully, and why."""

    canary: Annotated[int, Meta(ge=0, le=1_000)] = CANARY
    max_errors: _Percent = MAX_ERRORS
    rate: Annotated[int, Meta(ge=1, le=1_000)] = RATE
    reason: Annotated[str, Meta(max_length=LONGEST_REASON)] = ""


class ItemsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which results are shown."""

    state: ItemsState | None = None
    cursor: str | None = None


class ReasonForm(msgspec.Struct, frozen=True, kw_only=True):
    """Why."""

    reason: Annotated[str, Meta(max_length=LONGEST_REASON)] = ""


def show_list(visit: Visit, query: ListQuery) -> View:
    """One page of the replays, newest first."""
    before = _CURSOR.decode(query.cursor)
    with visit.database.transaction() as session:
        found = replays.page(session, LIMIT + 1, before)
    rows, following = _CURSOR.cut(found, LIMIT, lambda replay: replay.id)
    values = {
        "rows": rows,
        "is_first": before is None,
        "next": following and visit.here(cursor=following),
    }
    return View("replays/list.html", visit.say("Replays"), values, styles=("events.css",))


def show_new(visit: Visit, query: NewQuery) -> View:
    """Choose, see what was chosen, and go on to the question why."""
    preview, refused = None, ""
    if not query.wanted.is_empty:
        with visit.database.transaction() as session:
            try:
                preview = replay_filters.preview(session, query.wanted, query.of)
            except Refused as error:
                refused = refusals.said(visit, error)
    values = {
        "fields": [_of_field(visit, query), *filter_fields(visit, query)],
        "preview": preview,
        "refused": refused,
        "ask": _ask(visit, query) if preview and preview.count and not preview.more else None,
        "of": query.of,
    }
    title = visit.say("New replay")
    return View("replays/new.html", title, values, styles=("events.css",))


def show(visit: Visit, path: ReplayPath, query: ItemsQuery) -> View:
    """One replay with its progress and its results."""
    after = _ITEMS.decode(query.cursor)
    with visit.database.transaction() as session:
        replay = replays.find(session, path.id)
        found = replays.items(session, path.id, ITEMS + 1, after, state=query.state)
    items, following = _ITEMS.cut(found, ITEMS, lambda item: item.position)
    values = {
        "replay": replay,
        "items": items,
        "is_running": replay.state in replays.AT_WORK or replay.under_way > 0,
        "asks": _asks(visit, replay),
        "filter": ", ".join(f"{name}: {value}" for name, value in replay.filter.items()),
        "states": [None, *ITEM_STATES],
        "chosen": query.state,
        "is_first": after is None,
        "next": following and visit.here(cursor=following),
    }
    title = visit.say("Replay {number}", number=replay.id)
    return View("replays/replay.html", title, values, styles=("events.css",))


def create(visit: Visit, form: ReplayForm) -> Done:
    """Begin."""
    plan = Plan(
        filter=form.wanted,
        of=form.of,
        canary=form.canary,
        max_errors=form.max_errors,
        rate=form.rate,
    )
    with visit.database.transaction() as session:
        number = replays.create(session, plan, visit.decider(form.reason)).id
    return Done(f"{ROOT}/replays/{number}", visit.say("The replay has begun."))


def cancel(visit: Visit, path: ReplayPath, form: ReasonForm) -> Done:
    """Begin no more of it."""
    with visit.database.transaction() as session:
        replays.cancel(session, path.id, visit.decider(form.reason))
    return Done(f"{ROOT}/replays/{path.id}", visit.say("The replay is cancelled."))


def resume(visit: Visit, path: ReplayPath, form: ReasonForm) -> Done:
    """Go on with it."""
    with visit.database.transaction() as session:
        replays.resume(session, path.id, visit.decider(form.reason))
    return Done(f"{ROOT}/replays/{path.id}", visit.say("The replay goes on."))


def ask_to_cancel(visit: Visit, path: ReplayPath) -> Ask:
    """Really stop?"""
    title = visit.say("Cancel replay {number}?", number=path.id)
    text = visit.say("What is under way comes to its end; nothing else is begun.")
    address = f"{ROOT}/replays/{path.id}/cancel"
    return Ask(address, title, visit.say("Cancel replay"), text, danger=True)


def ask_to_resume(visit: Visit, path: ReplayPath) -> Ask:
    """Really go on?"""
    title = visit.say("Resume replay {number}?", number=path.id)
    text = visit.say("It begins with a canary again, and the failures so far are forgiven.")
    return Ask(f"{ROOT}/replays/{path.id}/resume", title, visit.say("Resume"), text)


def _asks(visit: Visit, replay: Replay) -> list[Ask]:
    path = ReplayPath(id=replay.id)
    if not visit.may_act:
        return []
    if replay.state in replays.AT_WORK:
        return [ask_to_cancel(visit, path)]
    return [ask_to_resume(visit, path)] if replay.state in replays.STOPPED else []


def _ask(visit: Visit, query: NewQuery) -> Ask:
    """The question before a replay; the filter travels with it."""
    say = visit.say
    chosen = {**query.given, "of": query.of}
    fields = [
        *(Field(name, name, "hidden", value) for name, value in chosen.items()),
        Field("canary", say("Canary"), "number", CANARY, hint=say("So many go first, alone.")),
        Field(
            "max_errors",
            say("Stop at failures, in per cent"),
            "number",
            MAX_ERRORS,
            hint=say("It stops itself when more of them fail."),
        ),
        Field("rate", say("Begun a second"), "number", RATE),
    ]
    return Ask(f"{ROOT}/replays", say("Replay them?"), say("Begin the replay"), fields=fields)


def _of_field(visit: Visit, query: NewQuery) -> Field:
    kinds = [("events", visit.say("Events")), ("effects", visit.say("Failed effects"))]
    return Field("of", visit.say("What"), "choice", query.of, kinds)


ITEM_STATES: Final = ("waiting", "started", "passed", "failed", "skipped")
SECTION: Final = Section("/replays", mark("Replays"))
PAGES: Final = (
    Page("/replays/new", show_new, roles=OPERATOR),
    Page("/replays", show_list),
    Page("/replays/{id}", show),
)
ACTIONS: Final = (
    Action("/replays", create),
    Action("/replays/{id}/cancel", cancel, ask_to_cancel),
    Action("/replays/{id}/resume", resume, ask_to_resume),
)
