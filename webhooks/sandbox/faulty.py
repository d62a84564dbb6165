"""Makes the faults of API calls happen, in front of whichever provider is played behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webhooks.sandbox.faults import Faults
from webhooks.sandbox.state import Document

Shape = Callable[[int], Document]
"""Gives the body with which the provider reports a failure of this status (500, 429 or 400)."""

HANG_UP = "billhook.hang_up"
"""The ASGI extension of a server that can close a connection: a coroutine function."""


class Faulty:
    """An ASGI application in which the calls that ``faults`` names go wrong."""

    def __init__(self, app: ASGIApp, faults: Faults, provider: str, shape: Shape) -> None:
        self.app = app
        self.faults = faults
        self.provider = provider
        self.shape = shape

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call, or fail it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        about = self._about(scope)
        if slow := self.faults.take("slow", **about):
            await asyncio.sleep(slow.seconds)
        if refusal := self._refusal(about):
            await refusal(scope, receive, send)
        elif silence := self.faults.take("timeout_before", **about):
            await asyncio.sleep(silence.seconds)
            await _hang_up(scope, send)
        elif silence := self.faults.take("timeout", **about):
            await self.app(scope, receive, _swallow)
            await asyncio.sleep(silence.seconds)
            await _hang_up(scope, send)
        else:
            await self.app(scope, receive, send)

    def _about(self, scope: Scope) -> dict[str, str]:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return {"provider": self.provider, "path": path, "method": scope["method"]}

    def _refusal(self, about: dict[str, str]) -> Response | None:
        if self.faults.take("rate_limit", **about):
            return JSONResponse(self.shape(429), 429, headers={"Retry-After": "1"})
        if self.faults.take("error", **about):
            return JSONResponse(self.shape(500), 500)
        if self.faults.take("refuse", **about):
            return JSONResponse(self.shape(400), 400)
        return None


async def _swallow(message: Message) -> None:
    """The work is done; its answer is not passed on."""


async def _hang_up(scope: Scope, send: Send) -> None:
    """Close the connection without an answer.

    ASGI has no word for this, so ``SandboxServer`` lends a hand. Under another server an answer
    is begun and left unfinished, which makes the server cut the connection.
    """
    close = scope.get("extensions", {}).get(HANG_UP)
    if close is not None:
        await close()
        return
    headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
