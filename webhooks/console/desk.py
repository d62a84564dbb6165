"""The adapter between HTTP and the pages of one address: recognise → check → decode → run → render.

Everything that is not open asks for a session; everything that changes something asks for the role,
for a call from a page of ours, and for the session's token in the form.
"""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import OperationalError
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response

from domain import operator_sessions, telemetry
from domain.errors import Refused, StoreUnavailable
from webhooks.api.inputs import Invalid
from webhooks.api.parts import Services
from webhooks.console import forms, recognition, refusals
from webhooks.console.page import Action, Ask, Done, Page, View, Visit
from webhooks.console.recognition import Forbidden
from webhooks.console.rendering import HEADERS, Renderer
from webhooks.hands import Hands
from webhooks.limits import ClientGone, TooLarge, read_body
from webhooks.sessions import Caller

Sent = list[tuple[str, str]]
_T = TypeVar("_T")
log = structlog.get_logger()


class Threads:
    """Where the pages run: few at a time, so that the intake never waits for them; what hashes
    passwords apart, since each takes 64 MB and most of a core."""

    def __init__(self, pages: int = 8, slow: int = 2) -> None:
        self.pages = Hands(pages, "pages")
        self.slow = Hands(slow, "passwords")


class Desk:
    """The page and the action of one address, as an ASGI application.

    An address with neither has nothing to show: not found.
    """

    def __init__(
        self,
        services: Services,
        renderer: Renderer,
        threads: Threads,
        path: str,
        page: Page | None = None,
        action: Action | None = None,
    ) -> None:
        self._services = services
        self._renderer = renderer
        self._threads = threads
        self._path = path
        self._action = action
        self._page = page or (_page_of_question(action) if action and action.ask else None)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        request = secrets.token_hex(8)
        visit = recognition.stranger(self._services, scope, headers)
        with structlog.contextvars.bound_contextvars(request=request):
            try:
                response = await self._answer(visit, scope, receive, headers, request)
            except ClientGone:
                return
            except Exception as error:  # noqa: BLE001 - mapped in one place, _trouble
                response = self._trouble(visit, error, request)
        response.headers.update({**HEADERS, "X-Request-Id": request})
        telemetry.REQUESTS.labels(self._path, str(response.status_code)).inc()
        await response(scope, receive, send)

    async def _answer(
        self, visit: Visit, scope: Any, receive: Any, headers: Headers, request: str
    ) -> Response:
        caller = recognition.caller_of(self._services, scope, headers)
        is_poll = "hx-request" in headers
        visit, notice = await self._run(
            partial(recognition.recognised, visit, caller, is_poll=is_poll)
        )
        try:
            if self._page is None and self._action is None:
                return self._error(visit, 404, visit.say("There is no such page."))
            if caller.is_safe and self._page is not None:
                return await self._show(self._page, visit, scope, headers, notice)
            if caller.method == "POST" and self._action is not None:
                sent = await _form(receive, headers)
                return await self._act(self._action, visit, caller, scope, sent)
            return self._error(visit, 405, visit.say("That cannot be done here."))
        except Exception as error:
            if isinstance(error, ClientGone):
                raise
            return self._trouble(visit, error, request)

    async def _show(
        self, page: Page, visit: Visit, scope: Any, headers: Headers, notice: str | None
    ) -> Response:
        is_poll = "hx-request" in headers
        if (away := recognition.sent_away(visit, page, is_poll=is_poll)) is not None:
            return away
        given = _given(page.inputs, scope, forms.pairs(scope["query_string"]))
        block = headers.get("hx-target", "") if is_poll else ""
        return await self._run(partial(self._shown, page, visit, given, notice, block))

    def _shown(
        self, page: Page, visit: Visit, given: dict[str, Any], notice: str | None, block: str
    ) -> Response:
        view = page.show(visit, **given)
        return _left(view) if isinstance(view, Done) else self._html(visit, view, notice, block)

    async def _act(
        self, action: Action, visit: Visit, caller: Caller, scope: Any, sent: Sent
    ) -> Response:
        if (away := recognition.sent_away(visit, action, is_poll=False)) is not None:
            return away
        recognition.require_meant(caller, visit, sent)
        hands = self._threads.slow if action.is_slow else self._threads.pages
        return await self._run(partial(self._acted, action, visit, scope, sent), hands)

    def _acted(self, action: Action, visit: Visit, scope: Any, sent: Sent) -> Response:
        try:
            done = action.act(visit, **_given(action.inputs, scope, sent))
        except (Refused, Invalid) as error:
            if action.ask is None:
                raise
            ask = action.ask(visit, **_given_path(action.inputs, scope))
            said = refusals.said(visit, error)
            return self._html(visit, _asked(ask, dict(sent), said, error.status))
        if isinstance(done, View):
            return self._html(visit, done)
        if done.said and visit.visitor is not None:
            with visit.database.transaction() as session:
                operator_sessions.leave_notice(session, visit.visitor.session_id, done.said)
        return _left(done)

    def _trouble(self, visit: Visit, error: Exception, request: str) -> Response:
        match error:
            case Invalid(code="path_invalid"):
                return self._error(visit, 404, visit.say("There is no such page."))
            case Refused() | Invalid():
                return self._error(visit, error.status, refusals.said(visit, error))
            case Forbidden():
                return self._error(visit, 403, str(error))
            case TooLarge():
                return self._error(visit, 413, visit.say("The form is too large."))
            case StoreUnavailable() | OperationalError():
                log.warning("store_unavailable", error=type(error).__name__)
                said = visit.say("The database cannot be reached just now. Try again in a moment.")
                return self._error(visit, 503, said)
        # The message of an unexpected error may quote a customer's data: the frames are enough.
        frames = "".join(traceback.format_tb(error.__traceback__)[-12:])
        log.error("page_failed", error=type(error).__name__, frames=frames)
        said = visit.say("Something went wrong here; it was logged as {request}.", request=request)
        return self._error(visit, 500, said)

    def _error(self, visit: Visit, status: int, said: str) -> Response:
        title = visit.say("Not found") if status == 404 else visit.say("That did not work")
        return self._html(visit, View("error.html", title, {"said": said}, status))

    def _html(
        self, visit: Visit, view: View, notice: str | None = None, block: str = ""
    ) -> Response:
        return HTMLResponse(self._renderer.html(visit, view, notice, block), view.status)

    async def _run(self, work: Callable[[], _T], hands: Hands | None = None) -> _T:
        return await (hands or self._threads.pages).run(work)


async def _form(receive: Any, headers: Headers) -> Sent:
    raw = await read_body(receive, headers.get("content-length"), forms.BODY_BYTES)
    return forms.fields(headers.get("content-type", ""), raw)


def _page_of_question(action: Action) -> Page:
    """The page that asks before an action."""

    def show(visit: Visit, **path: Any) -> View:
        return _asked(action.ask(visit, **path))  # type: ignore[misc]

    page = Page(action.path, show, action.roles, action.is_open)
    page.inputs.update({name: kind for name, kind in action.inputs.items() if name == "path"})
    return page


def _asked(
    ask: Ask, entered: Mapping[str, str] = MappingProxyType({}), wrong: str = "", status: int = 200
) -> View:
    """The question on a page; again with what was entered, when that was refused."""
    page = ask.page or View("ask.html", ask.title)
    told = {"ask": ask, "entered": entered, "wrong": wrong}
    return replace(page, values={**page.values, **told}, status=status)


def _given(inputs: dict[str, Any], scope: Any, sent: Sent) -> dict[str, Any]:
    fields = {name: forms.read(wanted, sent) for name, wanted in inputs.items() if name != "path"}
    return {**_given_path(inputs, scope), **fields}


def _given_path(inputs: dict[str, Any], scope: Any) -> dict[str, Any]:
    return {"path": forms.path(inputs["path"], scope["path_params"])} if "path" in inputs else {}


def _left(done: Done) -> Response:
    headers = {"Set-Cookie": done.cookie} if done.cookie else {}
    return RedirectResponse(done.to, 303, headers)
