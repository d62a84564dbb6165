"""The operators' console: pages rendered here, usable without scripts, in three languages.

How to add a page
=================
A page is a module with ``SECTION`` (its entry in the navigation), ``PAGES`` and ``ACTIONS``, listed
in ``MODULES`` below, and templates. Parts are in ``page.py``; ``audit.py`` is a short example, and
``alerts.py`` one with actions.

**Reading.** ``Page("/events/{id}", show)``: ``show(visit, path, query) -> View`` is an ordinary
function that runs in a thread. ``path`` and ``query`` are msgspec structs, named so; leave out what
is not needed. Empty parameters count as left out; a wrong one becomes an error page. Open
``visit.database.transaction()`` once, read everything, and hand plain values to the template::

    def show(visit: Visit, path: EventPath) -> View:
        with visit.database.transaction() as session:
            event = inbox.find(session, path.id)        # Refused (404) becomes a page
        title = visit.say("Event {number}", number=event.id)
        return View("events/event.html", title, {"event": event})

Lists page by key: ``webhooks.api.paging.Cursor``, a query field ``cursor``, and
``ui.pager(next, is_first)``. ``visit.here(cursor=…)`` is this page with its query changed.

**Acting.** ``Action("/events/{id}/retry", retry, ask=ask_retry)``: a POST that has passed the
session, the role (operator unless ``roles`` says otherwise), the origin and the form's token::

    def retry(visit: Visit, path: EventPath, form: RetryForm) -> Done:
        with visit.database.transaction() as session:
            inbox.retry(session, path.id, by=visit.decider(form.reason))    # writes the audit line
        visit.services.bell.ring("process_events")
        return Done(f"{ROOT}/events/{path.id}", visit.say("The event is tried again."))

    def ask_retry(visit: Visit, path: EventPath) -> Ask:
        title = visit.say("Try event {number} again?", number=path.id)
        return Ask(f"{ROOT}/events/{path.id}/retry", title, visit.say("Try again"))

The ``Ask`` is shown in a dialog where scripts run and as a page elsewhere; it asks for the reason
(form field ``reason``) and for its ``fields``. Hand it to the page's template and write
``{{ ui.confirm(ask) }}`` where the button belongs; ask only when ``visit.may_act``. A question that
needs more than a sentence has a ``page`` of its own and a link to it (``account_erasure.py``). What
the action refuses (``Refused``) is shown above the question, with what was typed. ``Done``
redirects (303) and its sentence is shown there once. A form without a question:
``{{ ui.button(action, label) }}``.

**Templates** are under ``templates/<section>/``, begin with ``{% extends "base.html" %}`` and fill
``{% block main %}``. There without import: ``visit``, ``say``, ``plural``, ``speech``, ``root``,
``asset``, ``title``, and ``ui`` with the macros of ``templates/ui.html``:
``ui.header(title, lead)``, ``ui.badge(state)``, ``ui.money(m)``, ``ui.instant(at)``,
``ui.ago(at)``, ``ui.filters(fields)``,
``ui.field(field)``, ``ui.pager(next, is_first)``, ``ui.pairs(rows)``, ``ui.timeline(entries)``,
``ui.numbers(tiles)``, ``ui.code(text)``, ``ui.confirm(ask)``, ``ui.button(action, label)``,
``ui.empty(text)``. A table is ``<div class="table"><table>…</table></div>``; on a phone its rows
stack when the table has class ``stack`` and each ``td`` a ``data-label``. A link with class
``row-link`` makes its whole row clickable and reachable with j and k. No inline scripts or styles:
the page's policy forbids them. Own rules go into ``static/<section>.css``, own scripts into
``static/<section>.js``, named in the ``View``.

**Refreshing.** An element that renews itself is a block named as its id::

    {% block progress %}<section id="progress" hx-get="{{ visit.here() }}" hx-trigger="every 5s"
        hx-target="this" hx-swap="outerHTML">…</section>{% endblock %}

A request with ``HX-Request`` gets the block of the name in ``HX-Target`` alone, by the same
function. It does not keep the session alive; hidden pages do not ask.

**Words.** The code is English; ``say("…", name=value)`` and ``plural("{count} event",
"{count} events", n)`` are keys of ``words/<language>/<section>.toml`` (plurals are tables with
``one``, ``few``, ``other`` under the second text). Texts in tables of the code are marked with
``mark("…")`` and said later. Words of the store (states, kinds, rules) go through
``speech.term(…)``, keyed as they are in ``words/<language>/terms*.toml``; its notes (why an event
was ignored, how an effect failed) through ``noted(…)``, keyed as the code writes them in
``words/<language>/notes.toml``. A test finds texts without a translation and translations without a
text. Dates, numbers and money go through
``speech`` or ``ui``, never through format strings. Times are shown in UTC.

**Personal data** is not for viewers: ``visit.personal(value)`` hides it from them.

**Looking at it.** Tests in ``tests/console/`` have fixtures ``operator`` and ``viewer``: clients
that are signed in; ``operator.post(path, fields)`` sends a form as a page would.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from webhooks.api.parts import Services
from webhooks.console import (
    accounts,
    alerts,
    assets,
    audit,
    configuration,
    events,
    failures,
    invoices,
    me,
    overview,
    renewals,
    replays,
    sign_in,
)
from webhooks.console.desk import Desk, Threads
from webhooks.console.page import ROOT, Action, Page
from webhooks.console.rendering import Renderer


def routes(services: Services) -> list[BaseRoute]:
    """Every address of the console, and ``/`` which leads there."""
    threads, renderer = Threads(), Renderer([m.SECTION for m in MODULES if hasattr(m, "SECTION")])
    pages: dict[str, Page] = {page.path: page for page in _all("PAGES")}
    actions: dict[str, Action] = {action.path: action for action in _all("ACTIONS")}
    desks = [
        Route(
            f"{ROOT}{path}",
            Desk(services, renderer, threads, f"{ROOT}{path}", pages.get(path), actions.get(path)),
        )
        for path in {**pages, **actions}
    ]
    elsewhere = f"{ROOT}/{{rest:path}}"
    return [
        Route("/", _home, name="home"),
        assets.route(),
        *desks,
        Route(elsewhere, Desk(services, renderer, threads, elsewhere)),
    ]


async def _home(_request: Request) -> Response:
    return RedirectResponse(ROOT, 303)


def _all(name: str) -> list[Any]:
    return [each for module in MODULES for each in getattr(module, name, ())]


MODULES: Final[tuple[ModuleType, ...]] = (
    # In the order of the navigation.
    overview,
    events,
    failures,
    replays,
    accounts,
    renewals,
    invoices,
    alerts,
    audit,
    configuration,
    me,
    sign_in,
)
