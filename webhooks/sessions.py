"""The browser's half of a session: its cookie, the token of its forms, and where a call comes from.

Nothing here reads the store. A session's secret is only in the cookie, signed with the setting
``BILLHOOK_SECRET_KEY``, so that a made-up one costs no query and a new key signs everybody out. The
token that every form carries is derived from it, so it needs no place of its own and ends with the
session.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

import msgspec

from domain.operator_sessions import LIFETIME
from domain.settings import Settings

COOKIE: Final = "billhook_session"
HOST_COOKIE: Final = f"__Host-{COOKIE}"
"""Its name over https: browsers take it from this very host only."""
LONGEST_VALUE: Final = 200
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
TOKEN_HEADER: Final = "x-csrf-token"  # noqa: S105 - a name


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says about where it comes from. ``headers`` have lower-case names."""

    settings: Settings
    headers: Mapping[str, str]
    method: str = "GET"
    scheme: str = "http"

    @property
    def is_secure(self) -> bool:
        """Whether the browser talks https, to us or to what stands in front of us."""
        return self.scheme == "https" or (self.settings.public_url or "").startswith("https:")

    @property
    def is_safe(self) -> bool:
        """Whether the method only reads."""
        return self.method in SAFE_METHODS

    def session_secret(self) -> str | None:
        """The secret of the session that the cookie names, when we signed it."""
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(self.headers.get("cookie", ""))
        except CookieError:
            return None
        found = cookies.get(self.cookie_name)
        if found is None or len(found.value) > LONGEST_VALUE or not found.value.isascii():
            return None
        secret = found.value.partition(".")[0]
        return secret if hmac.compare_digest(found.value, self.signed(secret)) else None

    def signed(self, secret: str) -> str:
        """A session's secret with its signature, as it stands in the cookie."""
        key = (self.settings.secret_key or "").encode()
        return f"{secret}.{hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()}"

    @property
    def cookie_name(self) -> str:
        """Over https the plain name is not believed: a neighbouring host may have set it."""
        return HOST_COOKIE if self.is_secure else COOKIE

    def is_same_origin(self) -> bool:
        """Whether the browser says that the call comes from a page of ours.

        Browsers send ``Origin`` with every call that is not safe, and most ``Sec-Fetch-Site``, too;
        a call with neither is not from a page.
        """
        site, origin = self.headers.get("sec-fetch-site"), self.headers.get("origin")
        if site is not None and site != "same-origin":
            return False
        return site is not None if origin is None else self._is_ours(origin)

    def _is_ours(self, origin: str) -> bool:
        ours = {
            self.headers.get("host", "").lower(),
            urlsplit(self.settings.public_url or "").netloc.lower(),
        }
        return urlsplit(origin).netloc.lower() in ours - {""}


def form_token(secret: str) -> str:
    """The token that proves that a form was made in the session of that secret."""
    return hmac.new(secret.encode(), b"billhook form", hashlib.sha256).hexdigest()


def is_form_token(token: str, secret: str) -> bool:
    """Whether a token is the session's, told in the same time whatever is wrong with it."""
    return hmac.compare_digest(token.encode(), form_token(secret).encode())


def given(caller: Caller, secret: str) -> str:
    """The ``Set-Cookie`` that gives the browser a session.

    Lax, so that a link in an alert's message leads to its page; nothing is changed by a GET.
    """
    age = int(LIFETIME.total_seconds())
    return f"{caller.cookie_name}={caller.signed(secret)}; Max-Age={age}; {_attributes(caller)}"


def taken(caller: Caller) -> str:
    """The ``Set-Cookie`` that takes it away."""
    return f"{caller.cookie_name}=; Max-Age=0; {_attributes(caller)}"


def _attributes(caller: Caller) -> str:
    return "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if caller.is_secure else "")
