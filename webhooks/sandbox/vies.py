"""VIES as the sandbox plays it: the register of VAT numbers, with its errors in bodies of a 200.

How a number ends decides, as at the Commission's test service: 100 is valid, 200 is not, 201 to
601 are the errors. Every other number is valid, until a control endpoint says something else.
https://ec.europa.eu/taxation_customs/vies/#/technical-information
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from webhooks.sandbox.state import Document
from webhooks.sandbox.world import World

INVALID_INPUT: Final = "INVALID_INPUT"
ERRORS: Final = {
    "201": INVALID_INPUT,
    "202": "INVALID_REQUESTER_INFO",
    "300": "SERVICE_UNAVAILABLE",
    "301": "MS_UNAVAILABLE",
    "302": "TIMEOUT",
    "400": "VAT_BLOCKED",
    "401": "IP_BLOCKED",
    "500": "GLOBAL_MAX_CONCURRENT_REQ",
    "501": "GLOBAL_MAX_CONCURRENT_REQ_TIME",
    "600": "MS_MAX_CONCURRENT_REQ",
    "601": "MS_MAX_CONCURRENT_REQ_TIME",
}
"""The last three digits of a number, and the error that VIES reports for it."""
ANSWERS: Final = ("valid", "invalid", *ERRORS.values())


class Query(msgspec.Struct, rename="camel"):
    """What is asked; whoever names himself gets a consultation number."""

    country_code: str
    vat_number: str
    requester_member_state_code: str | None = None
    requester_number: str | None = None


class State(msgspec.Struct, forbid_unknown_fields=True):
    """Whether the register of a member state (``EL`` for Greece) can be asked."""

    country: str
    available: bool


class Number(msgspec.Struct, forbid_unknown_fields=True):
    """What is answered about a number (with its country's prefix) from now on."""

    number: str
    answer: str


class Register:
    """Answers under ``/vies`` and ``/sandbox/vies``."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def check(self, request: Request) -> Response:
        """Is this number valid?"""
        try:
            query = msgspec.json.decode(await request.body(), type=Query)
        except msgspec.DecodeError:
            return JSONResponse(_errors(INVALID_INPUT), 400)
        return await run_in_threadpool(self._check, query)

    async def states(self, request: Request) -> Response:
        """POST makes a member state's register available or not."""
        state = msgspec.json.decode(await request.body(), type=State)
        self.world.set(f"vies:state:{state.country}", state.available)
        return JSONResponse(msgspec.to_builtins(state))

    async def numbers(self, request: Request) -> Response:
        """POST decides what is answered about a number: ``valid``, ``invalid``, or an error."""
        number = msgspec.json.decode(await request.body(), type=Number)
        if number.answer not in ANSWERS:
            wrong = f"answer must be one of {', '.join(ANSWERS)}"
            return JSONResponse({"error": wrong}, 400)
        self.world.set(f"vies:number:{number.number}", number.answer)
        return JSONResponse(msgspec.to_builtins(number))

    def _check(self, query: Query) -> Response:
        answer = self._answer(query)
        if answer in ERRORS.values():
            return JSONResponse(_errors(answer), 400 if answer == INVALID_INPUT else 200)
        return JSONResponse(self._verdict(query, answer == "valid"))

    def _answer(self, query: Query) -> str:
        if not self.world.setting(f"vies:state:{query.country_code}", True):
            return "MS_UNAVAILABLE"
        number, ending = query.country_code + query.vat_number, query.vat_number[-3:]
        customary = ERRORS.get(ending, "invalid" if ending == "200" else "valid")
        answer: str = self.world.setting(f"vies:number:{number}", customary)
        return answer

    def _verdict(self, query: Query, valid: bool) -> Document:
        named = query.requester_member_state_code and query.requester_number
        return {
            "countryCode": query.country_code,
            "vatNumber": query.vat_number,
            "requestDate": self.world.now().isoformat(),
            "valid": valid,
            "requestIdentifier": self.world.store.new_id("WAPI") if named and valid else "",
            "name": "---",
            "address": "---",
        }


def routes(world: World) -> list[BaseRoute]:
    """The endpoint, below ``/vies``."""
    return [Route("/check-vat-number", Register(world).check, methods=["POST"])]


def control_routes(world: World) -> list[BaseRoute]:
    """The control endpoints, below ``/sandbox/vies``."""
    desk = Register(world)
    return [
        Route("/states", desk.states, methods=["POST"]),
        Route("/numbers", desk.numbers, methods=["POST"]),
    ]


def failure(status: int) -> Document:
    """The body of a failure that a fault makes."""
    return _errors("GLOBAL_MAX_CONCURRENT_REQ" if status == 429 else "SERVICE_UNAVAILABLE")


def _errors(code: str) -> dict[str, Any]:
    return {"actionSucceed": False, "errorWrappers": [{"error": code}]}
