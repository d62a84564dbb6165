"""One's own settings: language, colours, password, and where one is signed in."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from domain import audit, operator_sessions, operators, sign_in
from domain.errors import Refused
from domain.operators import LONGEST_PASSWORD, SHORTEST_PASSWORD, Operator
from webhooks.console.page import ROOT, VIEWER, Action, Done, Field, Page, View, Visit
from webhooks.console.speech import mark, speech

ME: Final = f"{ROOT}/me"
THEMES: Final = {
    "auto": mark("as the browser"),
    "light": mark("light"),
    "dark": mark("dark"),
}
_Password = Annotated[str, Meta(max_length=LONGEST_PASSWORD)]


class LooksForm(msgspec.Struct, frozen=True, kw_only=True):
    """How the console looks; no language means: as the browser asks."""

    language: Literal["en", "fr", "cs"] | None = None
    theme: Literal["auto", "light", "dark"] = "auto"


class PasswordForm(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the password."""

    current: _Password = ""
    new: _Password = ""
    again: _Password = ""


class SessionPath(msgspec.Struct, frozen=True):
    """Which session."""

    id: Annotated[int, Meta(ge=1, le=2**63 - 1)]


def show(visit: Visit) -> View:
    """Everything about oneself."""
    who = visit.operator
    with visit.database.transaction() as session:
        operator = operators.find(session, who.name)
        running = operator_sessions.running(session, who.id)
    values = {
        "operator": operator,
        "running": running,
        "looks": _looks(visit, operator),
        "passwords": _passwords(visit),
    }
    return View("me.html", visit.say("My account"), values)


def change_looks(visit: Visit, form: LooksForm) -> Done:
    """Keep language and colours."""
    with visit.database.transaction() as session:
        operator = operators.find(session, visit.operator.name)
        operator.language, operator.theme = form.language, form.theme
    words = speech(form.language) if form.language else visit.speech
    return Done(ME, words.say("Your settings are kept."))


def change_password(visit: Visit, form: PasswordForm) -> Done:
    """Change the password, and end every other session: whoever knew the old one is out."""
    who = visit.operator
    if form.new != form.again:
        said = visit.say("The new password was not repeated the same.")
        raise Refused("password_differs", said, status=422)
    if len(form.new) < SHORTEST_PASSWORD:
        said = visit.say("A password has at least {count} characters.", count=SHORTEST_PASSWORD)
        raise Refused("password_length", said, status=422)
    # Whoever found an open browser must not guess here what the sign-in would not let them.
    operator, _ = sign_in.take_try(visit.database, who.name, visit.source)
    if operator is None or not operators.password_fits(form.current, operator.password_hash):
        said = visit.say("The current password is wrong.")
        raise Refused("password_wrong", said, status=422)
    fresh = operators.hashed(form.new)
    with visit.database.transaction() as session:
        operators.keep_hash(session, visit.decider(), operators.find(session, who.name), fresh)
        operator_sessions.end(session, who.id, but=who.session_id)
    return Done(ME, visit.say("The password is changed; other sessions have ended."))


def end_session(visit: Visit, path: SessionPath) -> Done:
    """Sign out in one other browser."""
    who = visit.operator
    with visit.database.transaction() as session:
        if operator_sessions.end(session, who.id, only=path.id):
            audit.record(session, visit.decider(), "end_session", "operator", who.name)
    return Done(ME, visit.say("That session has ended."))


def end_others(visit: Visit) -> Done:
    """Sign out everywhere else."""
    who = visit.operator
    with visit.database.transaction() as session:
        ended = operator_sessions.end(session, who.id, but=who.session_id)
        audit.record(session, visit.decider(), "end_sessions", "operator", who.name, ended=ended)
    return Done(ME, visit.say("You are signed in here only."))


def _looks(visit: Visit, operator: Operator) -> list[Field]:
    say = visit.say
    names = {"en": "English", "fr": "Français", "cs": "Čeština"}
    languages = [("", say("as the browser")), *names.items()]
    themes = [(theme, say(name)) for theme, name in THEMES.items()]
    return [
        Field("language", say("Language"), "choice", operator.language, languages),
        Field("theme", say("Colours"), "choice", operator.theme, themes),
    ]


def _passwords(visit: Visit) -> list[Field]:
    say = visit.say
    hint = say("At least {count} characters; a sentence is fine.", count=SHORTEST_PASSWORD)
    current, new = {"autocomplete": "current-password"}, {"autocomplete": "new-password"}
    return [
        Field("current", say("Current password"), "password", required=True, attributes=current),
        Field("new", say("New password"), "password", None, (), hint, True, new),
        Field("again", say("New password again"), "password", required=True, attributes=new),
    ]


PAGES: Final = (Page("/me", show),)
ACTIONS: Final = (
    Action("/me/looks", change_looks, roles=VIEWER),
    Action("/me/password", change_password, roles=VIEWER, is_slow=True),
    Action("/me/sessions/{id}/end", end_session, roles=VIEWER),
    Action("/me/sessions/end", end_others, roles=VIEWER),
)
