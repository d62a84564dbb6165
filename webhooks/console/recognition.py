"""Who visits, and whether what the browser sends is meant: session, role, origin, form token."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response

from domain import operator_sessions
from domain.operators import LANGUAGES
from webhooks import sessions
from webhooks.api.parts import Services
from webhooks.api.resource import client_address
from webhooks.console import forms
from webhooks.console.page import ROOT, Action, Page, Visit, Visitor
from webhooks.console.speech import chosen_language, speech
from webhooks.sessions import Caller


class Forbidden(Exception):
    """The visitor may not do this; the message says why, in their language."""


def caller_of(services: Services, scope: Any, headers: Headers) -> Caller:
    """What the request says about where it comes from."""
    return Caller(
        settings=services.settings,
        headers=headers,
        method=scope["method"],
        scheme=scope["scheme"],
    )


def stranger(services: Services, scope: Any, headers: Headers) -> Visit:
    """A visit by nobody in particular, in the language that is asked for or that the browser
    likes."""
    query = scope["query_string"].decode("latin-1")
    wished = parse_qs(query).get("language", [""])[-1]
    accepted = chosen_language(headers.get("accept-language", ""))
    return Visit(
        services=services,
        speech=speech(wished if wished in LANGUAGES else accepted),
        path=scope["path"],
        query_string=query,
        source=client_address(scope),
        agent=headers.get("user-agent", ""),
        is_secure=caller_of(services, scope, headers).is_secure,
    )


def recognised(visit: Visit, caller: Caller, *, is_poll: bool) -> tuple[Visit, str | None]:
    """The visit by whoever's session the cookie names, and the notice for the next page.

    What a page asks for by itself (``is_poll``) neither keeps a session alive nor takes the notice.
    """
    secret = caller.session_secret()
    if secret is None:
        return visit, None
    with visit.database.transaction() as session:
        found = operator_sessions.find(session, secret)
        if found is None:
            return visit, None
        running, operator = found
        if not is_poll:
            operator_sessions.touch(running)
        takes_notice = caller.is_safe and not is_poll
        notice = operator_sessions.take_notice(running) if takes_notice else None
        visitor = Visitor(
            id=operator.id,
            name=operator.name,
            role=operator.role,
            theme=operator.theme,
            session_id=running.id,
            form_token=sessions.form_token(secret),
        )
        language = operator.language or visit.speech.language
    return replace(visit, visitor=visitor, speech=speech(language)), notice


def sent_away(visit: Visit, wanted: Page | Action, *, is_poll: bool) -> Response | None:
    """The way to the sign-in for somebody who needs it, else None.

    Raises ``Forbidden`` for the wrong role.
    """
    if wanted.is_open:
        return None
    if visit.visitor is None:
        address = f"{ROOT}/sign-in{_back(visit, wanted)}"
        if is_poll:
            # A redirect would be followed in silence, and its page put into this one.
            return Response(status_code=204, headers={"HX-Redirect": address})
        return RedirectResponse(address, 303)
    if visit.visitor.role not in wanted.roles:
        raise Forbidden(visit.say("This needs the role operator; yours is viewer."))
    return None


def _back(visit: Visit, wanted: Page | Action) -> str:
    """How the sign-in finds back to the page, or to the question that was answered too late."""
    if isinstance(wanted, Page):
        return f"?to={quote(visit.here(), safe='')}"
    return f"?to={quote(visit.path, safe='')}&undone=true" if wanted.ask else ""


def require_meant(caller: Caller, visit: Visit, sent: list[tuple[str, str]]) -> None:
    """Raise ``Forbidden`` for a form that some other page made the browser send."""
    token = dict(sent).get(forms.TOKEN_FIELD, "")
    secret = caller.session_secret()
    has_token = secret is not None and sessions.is_form_token(token, secret)
    if not (caller.is_same_origin() and (has_token or visit.visitor is None)):
        raise Forbidden(
            visit.say("This form is out of date or came from another site. Load its page again.")
        )
