"""PayPal as the sandbox plays it: the API below ``/paypal``, the desk below ``/sandbox/paypal``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from webhooks.sandbox import (
    paypal_authorizations,
    paypal_captures,
    paypal_control,
    paypal_disputes,
    paypal_notifications,
    paypal_orders,
    paypal_plans,
    paypal_sales,
    paypal_subscriptions,
    paypal_vault,
)
from webhooks.sandbox.paypal_calls import grant_token, new_debug_id
from webhooks.sandbox.paypal_errors import PayPalError, not_found
from webhooks.sandbox.paypal_shapes import Document
from webhooks.sandbox.paypal_signature import sign
from webhooks.sandbox.world import World

__all__ = ["control_routes", "failure", "routes", "sign"]

_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
_API = (
    paypal_orders,
    paypal_authorizations,
    paypal_captures,
    paypal_sales,
    paypal_vault,
    paypal_plans,
    paypal_subscriptions,
    paypal_disputes,
    paypal_notifications,
)


def routes(world: World) -> list[BaseRoute]:
    """The API, to be mounted at ``/paypal``."""

    async def token(request: Request) -> Response:
        return await grant_token(world, request)

    granted = Route("/v1/oauth2/token", token, methods=["POST"])
    known = [route for module in _API for route in module.routes(world)]
    return [granted, *known, Route("/{path:path}", _unknown, methods=_METHODS)]


def control_routes(world: World) -> list[BaseRoute]:
    """The desk and the buyer's page, to be mounted at ``/sandbox/paypal``."""
    return paypal_control.routes(world)


async def _unknown(_: Request) -> Response:
    debug_id = new_debug_id()
    return JSONResponse(not_found().body(debug_id), 404, {"Paypal-Debug-Id": debug_id})


def failure(status: int) -> Document:
    """The body with which PayPal reports that it fails (500), is asked too often (429) or does not
    take what it was sent (400)."""
    if status == 400:
        return PayPalError("INVALID_REQUEST", "INVALID_PARAMETER_VALUE").body(new_debug_id())
    name = "RATE_LIMIT_REACHED" if status == 429 else "INTERNAL_SERVER_ERROR"
    return PayPalError(name).body(new_debug_id())
