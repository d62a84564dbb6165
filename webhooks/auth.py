"""Who is calling, and whether they may: bearer tokens, or the session of an operator.

``SCHEMES`` lists the ways to prove who one is; each looks at the request and says who it is, says
nothing (the proof is of another kind), or refuses. The first that knows the caller decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import msgspec

from domain import operator_sessions, tokens
from domain.database import Database
from webhooks import sessions
from webhooks.sessions import Caller

INCLUDED: Final = {
    "viewer": frozenset({"viewer"}),
    "operator": frozenset({"operator", "viewer"}),
    "app": frozenset({"app"}),
}
"""What each role may act as: an operator may read whatever a viewer reads."""
LONGEST_TOKEN: Final = 200
CHALLENGE: Final = 'Bearer realm="billhook"'


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling: a role, and the name of the operator or the one the token was made under."""

    role: str
    name: str

    @property
    def actor(self) -> str:
        """How the history and the audit name the caller."""
        return f"{self.role}:{self.name}"


class NotSignedIn(Exception):
    """Nobody known is calling. ``challenge`` is the value of ``WWW-Authenticate`` (RFC 6750)."""

    def __init__(self, message: str, challenge: str = CHALLENGE) -> None:
        super().__init__(message)
        self.challenge = challenge


class NotAllowed(Exception):
    """The caller is known and lacks the role."""


def authenticate(database: Database, caller: Caller) -> Principal:
    """Tell who is calling. Raises ``NotSignedIn``, and ``NotAllowed`` for a call that some other
    site may have made a signed-in browser send."""
    for scheme in SCHEMES:
        principal = scheme(database, caller)
        if principal is not None:
            return principal
    raise NotSignedIn(
        "This call needs a token: send it as Authorization: Bearer …; "
        "billhook token create makes one."
    )


def authorise(principal: Principal, roles: Collection[str]) -> None:
    """Let the principal pass when it may act as one of ``roles``. Raises ``NotAllowed``."""
    if INCLUDED.get(principal.role, frozenset()).isdisjoint(roles):
        needed = " or ".join(sorted(roles))
        raise NotAllowed(
            f"This call needs a token of the role {needed}; the one sent has the role "
            f"{principal.role}. billhook token create --role {min(roles)} makes one."
        )


def by_token(database: Database, caller: Caller) -> Principal | None:
    """The principal of a bearer token; None when none was sent. Raises ``NotSignedIn``."""
    scheme, _, secret = caller.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer":
        return None
    secret = secret.strip()
    if 0 < len(secret) <= LONGEST_TOKEN:
        with database.transaction() as session:
            token = tokens.authenticate(session, secret)
        if token is not None:
            return Principal(role=token.role, name=token.name)
    raise NotSignedIn(
        "The token is unknown or was revoked; billhook token create makes a new one.",
        f'{CHALLENGE}, error="invalid_token"',
    )


def by_session(database: Database, caller: Caller) -> Principal | None:
    """The operator whose browser calls; None when there is no running session.

    Raises ``NotAllowed`` for a call that changes something and does not carry the session's token
    in ``X-CSRF-Token``, or comes from a page of another site.
    """
    secret = caller.session_secret()
    if secret is None:
        return None
    with database.transaction() as session:
        found = operator_sessions.find(session, secret)
        if found is None:
            return None
        operator_sessions.touch(found[0])
    if not (caller.is_safe or _is_meant(caller, secret)):
        raise NotAllowed(
            "A call of a browser's session that changes something must come from a page of this "
            "console and carry the session's token in X-CSRF-Token."
        )
    return Principal(role=found[1].role, name=found[1].name)


def _is_meant(caller: Caller, secret: str) -> bool:
    token = caller.headers.get(sessions.TOKEN_HEADER, "")
    return caller.is_same_origin() and sessions.is_form_token(token, secret)


Scheme = Callable[[Database, Caller], Principal | None]
SCHEMES: Final[tuple[Scheme, ...]] = (by_token, by_session)
