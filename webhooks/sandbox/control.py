"""The control endpoints that both providers share: faults, deliveries, holding messages back."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from webhooks.sandbox.world import World


class Desk:
    """Answers under ``/sandbox``; bodies and answers are JSON."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def faults(self, request: Request) -> Response:
        """GET lists the faults that wait, POST adds one, DELETE takes one or all back."""
        faults = self.world.faults
        if request.method == "POST":
            return await self._add_fault(request)
        if request.method == "DELETE":
            return JSONResponse({"cleared": faults.clear(request.path_params.get("id"))})
        return JSONResponse({"items": faults.list()})

    async def deliveries(self, request: Request) -> Response:
        """What was sent, newest first; ``?provider=`` and ``?event_id=`` narrow it."""
        wanted = {k: v for k, v in request.query_params.items() if k in ("provider", "event_id")}
        log = await run_in_threadpool(self.world.store.find, "delivery", **wanted)
        return JSONResponse({"items": log[::-1]})

    async def hold(self, request: Request) -> Response:
        """Hold every webhook back; GET lists what is held."""
        if request.method == "POST":
            self.world.courier.hold()
        held = [
            {"event_id": each.event_id, "type": each.event_type, "provider": each.provider}
            for each in self.world.courier.held()
        ]
        return JSONResponse({"items": held})

    async def release(self, request: Request) -> Response:
        """Deliver held webhooks in the order of ``event_ids``, or all and hold no more."""
        wanted = await _object(request)
        courier = self.world.courier
        if "event_ids" not in wanted:
            courier.resume()
            return JSONResponse({"holding": False})
        try:
            statuses = await run_in_threadpool(courier.release, wanted["event_ids"])
        except KeyError as error:
            return JSONResponse({"error": f"no held message has the event id {error}"}, 404)
        return JSONResponse({"holding": True, "statuses": statuses})

    async def settle(self, request: Request) -> Response:
        """Wait until nothing is on the way, at most ``timeout`` seconds."""
        wanted = await _object(request)
        seconds = float(wanted.get("timeout", 10.0))
        settled = await run_in_threadpool(self.world.courier.settle, seconds)
        return JSONResponse({"settled": settled})

    async def endpoints(self, request: Request) -> Response:
        """Where webhooks go, by provider; PUT changes it."""
        if request.method == "PUT":
            self.world.courier.endpoints.update(await _object(request))
        return JSONResponse(self.world.courier.endpoints)

    async def _add_fault(self, request: Request) -> Response:
        try:
            added = self.world.faults.add(await _object(request))
        except msgspec.ValidationError as error:
            return JSONResponse({"error": f"no such fault: {error}"}, 400)
        return JSONResponse({"id": added}, 201)


async def _object(request: Request) -> dict[str, Any]:
    """The JSON object in a request; an empty body is an empty object."""
    raw = await request.body()
    decoded: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}
    return decoded


async def unreadable(_request: Request, error: Exception) -> Response:
    """The answer to a control call whose body is not a JSON object."""
    return JSONResponse({"error": f"the body must be a JSON object: {error}"}, 400)


def routes(world: World) -> list[Route]:
    """The endpoints, below ``/sandbox``."""
    desk = Desk(world)
    return [
        Route("/faults", desk.faults, methods=["GET", "POST", "DELETE"]),
        Route("/faults/{id}", desk.faults, methods=["DELETE"]),
        Route("/deliveries", desk.deliveries),
        Route("/hold", desk.hold, methods=["GET", "POST"]),
        Route("/release", desk.release, methods=["POST"]),
        Route("/settle", desk.settle, methods=["POST"]),
        Route("/endpoints", desk.endpoints, methods=["GET", "PUT"]),
    ]
