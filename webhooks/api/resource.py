"""The adapter between HTTP and the operations of one path: authenticate → decode → run → answer.

Every request has an id (the caller's ``X-Request-Id`` when it is sane), which is in each log line
and in the answer. Whatever goes wrong becomes a problem document without internals.
"""

from __future__ import annotations

import re
import secrets
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import anyio
import msgspec
import structlog
from sqlalchemy.exc import OperationalError
from starlette.datastructures import Headers
from starlette.responses import Response

from domain import telemetry
from domain.errors import Refused, StoreUnavailable
from webhooks import auth, problems
from webhooks.api import inputs
from webhooks.api.inputs import Invalid
from webhooks.api.operation import Call, Operation, Reply
from webhooks.api.parts import Services
from webhooks.hands import Hands
from webhooks.limits import ClientGone, TooLarge, TooSlow, read_body
from webhooks.sessions import Caller

BODY_BYTES: Final = 256 * 1024
PATIENCE_S: Final = 8.0
"""How long an answer that is not complete yet is waited for."""
PAUSE_S: Final = 0.05
RETRY_AFTER_S: Final = 5
ALWAYS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_SANE_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_T = TypeVar("_T")
log = structlog.get_logger()


class Resource:
    """All operations of one path, as an ASGI application."""

    def __init__(self, services: Services, operations: Sequence[Operation], hands: Hands) -> None:
        self._services = services
        self._hands = hands
        self.path = operations[0].path
        self._operations = {operation.method: operation for operation in operations}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        sent = Headers(scope=scope)
        request = _request_id(sent.get("x-request-id", ""))
        with structlog.contextvars.bound_contextvars(request=request):
            try:
                response = await self._answer(scope, receive, sent)
            except ClientGone:
                return
            except Exception as error:  # noqa: BLE001 - mapped in one place, _problem
                response = _problem(error, request)
        response.headers.update({**ALWAYS, "X-Request-Id": request})
        telemetry.REQUESTS.labels(self.path, str(response.status_code)).inc()
        await response(scope, receive, send)

    async def _answer(self, scope: Any, receive: Any, sent: Headers) -> Response:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        operation = self._operations.get(method)
        if operation is None:
            return self._method_not_allowed(scope["method"])
        caller = self._caller(scope, sent)
        principal = await self._run(auth.authenticate, self._services.database, caller)
        auth.authorise(principal, operation.roles)
        given = await _inputs(operation, scope, receive, sent)
        call = Call(self._services, principal, client_address(scope))
        reply = await self._run(partial(operation.handler, call, **given))
        return _response(await self._settled(reply))

    def _caller(self, scope: Any, sent: Headers) -> Caller:
        return Caller(
            settings=self._services.settings,
            headers=sent,
            method=scope["method"],
            scheme=scope["scheme"],
        )

    async def _run(self, work: Callable[..., _T], *args: Any) -> _T:
        return await self._hands.run(work, *args)

    async def _settled(self, reply: Reply) -> Reply:
        deadline = anyio.current_time() + PATIENCE_S
        while reply.again is not None and anyio.current_time() < deadline:
            await anyio.sleep(PAUSE_S)
            try:
                reply = await self._run(reply.again)
            except StoreUnavailable:
                # What was asked for is committed: the first answer is true, if less complete.
                return reply
        return reply

    def _method_not_allowed(self, method: str) -> Response:
        allowed = ", ".join(sorted(self._operations))
        detail = f"{self.path} takes {allowed}, not {method}."
        return problems.response(405, "method_not_allowed", detail, {"Allow": allowed})


async def _inputs(
    operation: Operation, scope: Any, receive: Any, sent: Mapping[str, str]
) -> dict[str, Any]:
    readers: dict[str, Callable[[type[Any]], Any]] = {
        "path": lambda wanted: inputs.path(wanted, scope["path_params"]),
        "query": lambda wanted: inputs.query(wanted, scope["query_string"]),
        "headers": lambda wanted: inputs.headers(wanted, sent),
    }
    given = {
        name: readers[name](wanted) for name, wanted in operation.inputs.items() if name in readers
    }
    if wanted := operation.inputs.get("body"):
        raw = await read_body(receive, sent.get("content-length"), BODY_BYTES)
        given["body"] = inputs.body(wanted, sent.get("content-type", ""), raw)
    return given


def client_address(scope: Any) -> str | None:
    """The network address of the caller, as the server knows it."""
    client = scope.get("client")
    return str(client[0]) if client else None


def _request_id(sent: str) -> str:
    return sent if _SANE_ID.fullmatch(sent) else secrets.token_hex(8)


def _response(reply: Reply) -> Response:
    value = reply.value
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return Response(body, reply.status, dict(reply.headers), media_type=reply.media_type)


def _problem(error: Exception, request: str) -> Response:
    match error:
        case Refused():
            return problems.of_refusal(error)
        case Invalid():
            more: dict[str, Any] = {"errors": error.errors} if error.errors else {}
            return problems.response(error.status, error.code, str(error), **more)
        case auth.NotSignedIn():
            challenge = {"WWW-Authenticate": error.challenge}
            return problems.response(401, "not_signed_in", str(error), challenge)
        case auth.NotAllowed():
            return problems.response(403, "role_missing", str(error))
        case TooLarge():
            detail = f"The body may have {BODY_BYTES // 1024} kB at most."
            return problems.response(413, "body_too_large", detail)
        case TooSlow():
            detail = "The body did not arrive in time."
            return problems.response(400, "body_incomplete", detail)
        case StoreUnavailable() | OperationalError():
            return _unavailable(error)
    return _fault(error, request)


def _unavailable(error: Exception) -> Response:
    log.warning("store_unavailable", error=type(error).__name__)
    detail = f"The store cannot be reached just now; try again in {RETRY_AFTER_S} seconds."
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return problems.response(503, "store_unavailable", detail, headers)


def _fault(error: Exception, request: str) -> Response:
    # The message of an unexpected error may quote a customer's data: the frames are enough.
    frames = "".join(traceback.format_tb(error.__traceback__)[-12:])
    log.error("request_failed", error=type(error).__name__, frames=frames)
    detail = f"Something went wrong here; it was logged with the request id {request}."
    return problems.response(500, "fault", detail, request=request)
