"""The web process: one Starlette application; ends with the list of its routes."""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from domain.errors import Refused, StoreUnavailable
from webhooks import api, browsers, console, health, metrics, problems
from webhooks.api.parts import Services
from webhooks.browsers import Guarded
from webhooks.intake import Intake
from webhooks.receive import RETRY_AFTER_S, Receiver
from webhooks.traffic_log import TrafficLog

SWITCH_S: Final = 0.0002
"""How long a thread keeps the interpreter when others want it; Python's default is 5 ms."""


class Application(Starlette):
    """Starlette, but what providers send goes to the receiver at once: what Starlette does for a
    call would cost it a sixth of its time, and the receiver needs nothing of it."""

    receiver: Receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] == "http" and self.receiver.serves(scope["path"]):
            await self.receiver(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(services: Services, queue_answers: Callable[[], bool] = lambda: True) -> Starlette:
    """Build the application. ``queue_answers`` tells whether the queue can be reached."""
    intake = Intake(services.database, services.bell)
    traffic = TrafficLog(services.database, services.providers)
    receiver = Receiver(services.providers, intake, traffic.counter)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        # What was loaded stays: a full collection that walks through it would hold up every call
        # for as long as a commit takes.
        gc.collect()
        gc.freeze()
        # Calls leave few cycles behind; looking for them that often took a tenth of the time.
        gc.set_threshold(20_000, 20, 50)
        # The loop wants the interpreter back at once from the threads that answer API and console.
        sys.setswitchinterval(SWITCH_S)
        traffic.start()
        yield
        await intake.close()
        receiver.close()
        traffic.close()

    app = Application(
        routes=_routes(services, receiver, queue_answers),
        exception_handlers={
            HTTPException: _http_problem,
            Refused: _refusal,
            StoreUnavailable: _unavailable,
            Exception: _fault,
        },
        lifespan=lifespan,
        middleware=[Middleware(Guarded, settings=services.settings)],
    )
    # A redirect to the address without its slash would go to whatever host the caller named.
    app.router.redirect_slashes = False
    app.receiver = receiver
    return app


async def _http_problem(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = problems.TITLES.get(error.status_code, "error").lower().replace(" ", "_")
    headers = dict(error.headers or {})
    return problems.response(error.status_code, code, error.detail, headers)


async def _refusal(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return problems.of_refusal(error)


async def _unavailable(_request: Request, _error: Exception) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return problems.response(
        503, "store_unavailable", "The store cannot be reached just now.", headers
    )


async def _fault(_request: Request, _error: Exception) -> Response:
    return browsers.guard(problems.response(500, "fault", problems.FAULT))


def _routes(services: Services, receiver: Any, queue_answers: Any) -> list[BaseRoute]:
    return [
        Route("/webhooks/{provider}", receiver, name="webhook"),
        *health.routes(services.database, queue_answers),
        metrics.route(services),
        *api.routes(services),
        *console.routes(services),
    ]
