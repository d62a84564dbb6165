"""What browsers are told with every answer, so that they do nothing with it that was not meant.

The console's pages and the manual say more about themselves (``console/rendering.py``,
``api/docs_page.py``); what they say stands. The webhook endpoints do not come by here: they are the
hot path, and no browser calls them.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from domain.settings import Settings
from webhooks.sessions import Caller

ALWAYS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer that does not say something else about the same."""
OF_PAPERS: Final = "frame-ancestors 'none'"
"""The policy of a PDF: browsers show one in a page of their own, which a stricter one breaks."""
ONLY_HTTPS: Final = "max-age=31536000"
"""For a year, this host alone: what else runs below the domain is not ours to decide."""


class Guarded:
    """The application, with these headers on what it answers."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass one call on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope)
            await send(message)

        await self._app(scope, receive, guarded)

    def _add(self, headers: MutableHeaders, scope: Any) -> None:
        if headers.get("content-type") == "application/pdf":
            headers.setdefault("Content-Security-Policy", OF_PAPERS)
        for name, value in ALWAYS.items():
            headers.setdefault(name, value)
        # Over http browsers must not believe it, and a demo on this machine has no certificate.
        caller = Caller(
            settings=self._settings, headers=Headers(scope=scope), scheme=scope["scheme"]
        )
        if caller.is_secure:
            headers["Strict-Transport-Security"] = ONLY_HTTPS


def guard(response: Response) -> Response:
    """The same headers on an answer that is sent past the application."""
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    return response
