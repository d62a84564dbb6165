"""Who is calling, and whether they may: bearer tokens of the API.

``SCHEMES`` lists the ways to prove who one is; each looks at the headers and says who it is, says
nothing (the proof is of another kind), or refuses. The first that knows the caller decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

import msgspec

from domain import tokens
from domain.database import Database

INCLUDED: Final = {
    "viewer": frozenset({"viewer"}),
    "operator": frozenset({"operator", "viewer"}),
    "app": frozenset({"app"}),
}
"""What each role may act as: an operator may read whatever a viewer reads."""
LONGEST_TOKEN: Final = 200
CHALLENGE: Final = 'Bearer realm="billhook"'


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling: a role and the name that the token was made under."""

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


def authenticate(database: Database, headers: Mapping[str, str]) -> Principal:
    """Tell who is calling. Raises ``NotSignedIn``. ``headers`` have lower-case names."""
    for scheme in SCHEMES:
        principal = scheme(database, headers)
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


def by_token(database: Database, headers: Mapping[str, str]) -> Principal | None:
    """The principal of a bearer token; None when none was sent. Raises ``NotSignedIn``."""
    scheme, _, secret = headers.get("authorization", "").strip().partition(" ")
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


Scheme = Callable[[Database, Mapping[str, str]], Principal | None]
SCHEMES: Final[tuple[Scheme, ...]] = (by_token,)
