"""Every way to claim to be somebody, true and false, and what each should be worth."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from domain import clock, operator_sessions, operators, tokens
from domain.database import insert_once
from domain.operator_sessions import IDLE, LIFETIME, OperatorSession
from domain.operators import Operator
from domain.settings import Settings
from webhooks.api.parts import Services
from webhooks.sessions import COOKIE, Caller, form_token

ORIGIN = "http://testserver"
OTHER_KEY = Settings(environ={}, secret_key="the key of another installation")


@dataclass
class Shown:
    """What a caller sends to be let in: headers, and the token in the forms."""

    headers: dict[str, str] = field(default_factory=dict)
    csrf: str = ""


class Locksmith:
    """Makes tokens and sessions of an installation, and spoils them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._made = 0

    def token(self, role: str) -> str:
        """A token of that role."""
        with self._services.database.transaction() as session:
            return tokens.create(session, role, f"tests as {role}")[1]

    def revoked(self, role: str) -> str:
        """A token that was taken back."""
        with self._services.database.transaction() as session:
            token, secret = tokens.create(session, role, "revoked")
            tokens.revoke(session, token.id)
        return secret

    def session(self, role: str, **changes: Any) -> str:
        """The secret of somebody's session; ``changes`` are made to its row."""
        self._made += 1
        with self._services.database.transaction() as session:
            name = f"{role} {self._made}"
            now = clock.wall()
            made = {"password_hash": "none", "password_changed_at": now, "created_at": now}
            assert insert_once(session, Operator, name=name, role=role, theme="auto", **made)
            who = operators.find(session, name)
            who.disabled_at = changes.pop("disabled_at", None)
            secret = operator_sessions.begin(session, who, "192.0.2.1", "tests")
            session.flush()
            if changes:
                row = OperatorSession.digest == operator_sessions.digest(secret)
                session.execute(update(OperatorSession).where(row).values(**changes))
        return secret

    def cookie(self, secret: str, settings: Settings | None = None) -> str:
        """The cookie of a session, signed with these settings' key."""
        caller = Caller(settings=settings or self._services.settings, headers={})
        return f"{COOKIE}={caller.signed(secret)}"


@dataclass(frozen=True)
class Key:
    """One claim: how it is made, and as what API and console should take it (None: as nobody).

    ``is_ours`` and ``has_token`` say whether a call that changes something proves to come from a
    page of ours, and to know the session's token.
    """

    name: str
    make: Callable[[Locksmith], Shown]
    api: str | None = None
    console: str | None = None
    is_ours: bool = False
    has_token: bool = False


def bearer(value: str) -> Callable[[Locksmith], Shown]:
    """An ``Authorization`` header."""
    return lambda _: Shown({"Authorization": value})


def token_of(role: str, form: str = "Bearer {}") -> Callable[[Locksmith], Shown]:
    """A good token, written in some form."""
    return lambda smith: Shown({"Authorization": form.format(smith.token(role))})


def browser(
    role: str,
    headers: dict[str, str] | None = None,
    csrf: str | None = None,
    settings: Settings | None = None,
    **changes: Any,
) -> Callable[[Locksmith], Shown]:
    """A browser with a session; ``csrf`` None means the right one."""

    def make(smith: Locksmith) -> Shown:
        secret = smith.session(role, **changes)
        sent = form_token(secret) if csrf is None else csrf
        cookie = {"Cookie": smith.cookie(secret, settings), "X-CSRF-Token": sent}
        return Shown({**cookie, **({"Origin": ORIGIN} if headers is None else headers)}, sent)

    return make


def _digest_as_token(smith: Locksmith) -> Shown:
    return Shown({"Authorization": f"Bearer {hashlib.sha256(smith.token('app').encode())}"})


def _unsigned(smith: Locksmith) -> Shown:
    secret = smith.session("operator")
    headers = {"Cookie": f"{COOKIE}={secret}", "Origin": ORIGIN}
    return Shown({**headers, "X-CSRF-Token": form_token(secret)}, form_token(secret))


def _digest_as_session(smith: Locksmith) -> Shown:
    secret = smith.session("operator")
    digest = operator_sessions.digest(secret).hex()
    return Shown({"Cookie": smith.cookie(digest), "Origin": ORIGIN}, form_token(digest))


def _neighbours_token(smith: Locksmith) -> Shown:
    other = form_token(smith.session("operator"))
    return browser("operator", csrf=other)(smith)


def _stolen_token_in_browser(smith: Locksmith) -> Shown:
    shown = browser("operator")(smith)
    shown.headers["Authorization"] = f"Bearer {smith.token('viewer')}"
    return shown


def _wrong_token_in_browser(smith: Locksmith) -> Shown:
    shown = browser("operator")(smith)
    shown.headers["Authorization"] = f"Bearer {smith.revoked('operator')}"
    return shown


def _ago(span: timedelta) -> Any:
    return clock.wall() - span - timedelta(minutes=2)


EVIL = "https://evil.example"
OWN = {"is_ours": True, "has_token": True}
KEYS = [
    Key("nobody", lambda _: Shown()),
    Key("nobody on our page", lambda _: Shown({"Origin": ORIGIN}), is_ours=True),
    Key("an empty token", bearer("Bearer ")),
    Key("a made-up token", bearer("Bearer bh_operator_" + "x" * 43)),
    Key("an endless token", bearer("Bearer " + "x" * 5_000)),
    Key("a token of odd letters", bearer("Bearer bh_app_' OR 1=1 --\t{}%00")),
    Key("a password", bearer("Basic YW5uYTphbm5h")),
    Key("a token of another scheme", token_of("operator", "Token {}")),
    Key("a token in capitals", lambda s: Shown({"Authorization": s.token("app").upper()})),
    Key("a token's digest", _digest_as_token),
    Key("a revoked token", lambda s: Shown({"Authorization": f"Bearer {s.revoked('operator')}"})),
    Key("the app", token_of("app"), api="app"),
    Key("a viewer's token", token_of("viewer", "bearer  {} "), api="viewer"),
    Key("an operator's token", token_of("operator"), api="operator"),
    Key("a viewer", browser("viewer"), api="viewer", console="viewer", **OWN),
    Key("an operator", browser("operator"), api="operator", console="operator", **OWN),
    Key("an idle session", browser("operator", last_seen_at=_ago(IDLE)), is_ours=True),
    Key("an old session", browser("operator", created_at=_ago(LIFETIME)), is_ours=True),
    Key("an ended session", browser("operator", ended_at=clock.wall()), is_ours=True),
    Key("a disabled operator", browser("operator", disabled_at=clock.wall()), is_ours=True),
    Key("a session of another key", browser("operator", settings=OTHER_KEY), is_ours=True),
    Key("an unsigned session", _unsigned, is_ours=True),
    Key("a session's digest", _digest_as_session, is_ours=True),
    Key(
        "a form without the token",
        browser("operator", csrf=""),
        api="operator",
        console="operator",
        is_ours=True,
    ),
    Key(
        "a form with a neighbour's token",
        _neighbours_token,
        api="operator",
        console="operator",
        is_ours=True,
    ),
    *(
        Key(name, browser("operator", headers), "operator", "operator", has_token=True)
        for name, headers in {
            "a form of another site": {"Origin": EVIL, "Referer": f"{EVIL}/console"},
            "a form of nowhere": {"Origin": "null"},
            "a form of a neighbouring host": {"Origin": "http://testserver.evil.example"},
            "a form that the browser calls foreign": {
                "Origin": ORIGIN,
                "Sec-Fetch-Site": "cross-site",
            },
            "a form without an origin": {"Referer": f"{ORIGIN}/console"},
        }.items()
    ),
    Key(
        "a viewer's token in an operator's browser",
        _stolen_token_in_browser,
        "viewer",
        "operator",
        **OWN,
    ),
    Key(
        "a revoked token in an operator's browser", _wrong_token_in_browser, None, "operator", **OWN
    ),
]
