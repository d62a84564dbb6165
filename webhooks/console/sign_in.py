"""Signing in and out."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
import structlog
from msgspec import Meta

from domain import audit, operator_sessions, sign_in
from domain.operators import LONGEST_PASSWORD
from domain.sign_in import TooManyTries
from webhooks import sessions
from webhooks.console.page import ROOT, VIEWER, Action, Done, Page, View, Visit
from webhooks.sessions import Caller

log = structlog.get_logger()


class SignInQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on afterwards."""

    to: str = ROOT
    undone: bool = False
    """Whether something was sent after the session had ended."""


class SignInForm(msgspec.Struct, frozen=True, kw_only=True):
    """Who is there."""

    name: Annotated[str, Meta(max_length=200)] = ""
    password: Annotated[str, Meta(max_length=LONGEST_PASSWORD)] = ""
    to: str = ROOT


def show(visit: Visit, query: SignInQuery) -> View | Done:
    """The form; whoever is signed in goes on."""
    if visit.visitor is not None:
        return Done(_inside(query.to))
    return _form(visit, SignInForm(to=query.to), undone=query.undone)


def enter(visit: Visit, form: SignInForm) -> Done | View:
    """Sign in."""
    source, agent = visit.source, visit.agent
    try:
        found = sign_in.sign_in(visit.database, form.name, form.password, source, agent)
    except TooManyTries as error:
        log.warning("sign_in_limited", source=source)
        wrong = visit.plural(
            "Too many attempts. Try again in {count} second.",
            "Too many attempts. Try again in {count} seconds.",
            error.seconds,
        )
        return _form(visit, form, wrong, error.status)
    if found is None:
        log.warning("sign_in_refused", source=source)
        return _form(visit, form, visit.say("The name or the password is wrong."), 422)
    return Done(_inside(form.to), cookie=sessions.given(_browser(visit), found[0]))


def leave(visit: Visit) -> Done:
    """Sign out here."""
    who = visit.operator
    with visit.database.transaction() as session:
        operator_sessions.end(session, who.id, only=who.session_id)
        audit.record(session, visit.decider(), "sign_out", "operator", who.name)
    return Done(f"{ROOT}/sign-in", cookie=sessions.taken(_browser(visit)))


def _form(
    visit: Visit, form: SignInForm, wrong: str = "", status: int = 200, *, undone: bool = False
) -> View:
    values = {"to": _inside(form.to), "name": form.name, "wrong": wrong, "undone": undone}
    return View("sign_in.html", visit.say("Sign in"), values, status)


def _inside(to: str) -> str:
    """An address of the console; anything else would let a link lead elsewhere after sign-in."""
    is_ours = to == ROOT or to.startswith((f"{ROOT}/", f"{ROOT}?"))
    return to if is_ours and "\\" not in to and to.isprintable() else ROOT


def _browser(visit: Visit) -> Caller:
    scheme = "https" if visit.is_secure else "http"
    return Caller(settings=visit.services.settings, headers={}, scheme=scheme)


PAGES: Final = (Page("/sign-in", show, is_open=True),)
ACTIONS: Final = (
    Action("/sign-in", enter, is_open=True, is_slow=True),
    Action("/sign-out", leave, roles=VIEWER),
)
