"""One call of PayPal's API from the wire to the answer: token, request id, errors.

A handler is a plain function that works in one step; everything that waits is here, around it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl
from weakref import WeakKeyDictionary

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from webhooks.sandbox.paypal_errors import PayPalError
from webhooks.sandbox.paypal_shapes import Document, public
from webhooks.sandbox.world import World

TOKEN_SECONDS: Final = 32_400
PACE: Final = "paypal_pace"
"""Setting: seconds that a call with a request id takes, during which a second one is refused."""

_working: WeakKeyDictionary[World, set[str]] = WeakKeyDictionary()
"""Request ids under way, by world."""


@dataclass(frozen=True)
class Call:
    """What a handler is given.

    ``where`` is the address under the API's base, ``raw`` the body byte for byte, ``document``
    what it says: an object (empty without a body), of a PATCH a list.
    """

    world: World
    where: str
    raw: bytes
    document: Any
    path: Mapping[str, Any]
    query: Mapping[str, str]
    prefer_full: bool
    request_id: str | None

    @property
    def api(self) -> str:
        """The base of the API's addresses."""
        return api_of(self.world)

    @property
    def id(self) -> str:
        """The id in the path."""
        return str(self.path["id"])


@dataclass(frozen=True)
class Answer:
    """What a handler gives back; None as document is an empty body."""

    document: Document | None = None
    status: int = 200


Handler = Callable[[Call], Answer]


def api_of(world: World) -> str:
    """The base URL of the played API."""
    return f"{world.base_url}/paypal"


def new_debug_id() -> str:
    """What PayPal's support asks for; in a header of every answer."""
    return secrets.token_hex(7)[:13]


def endpoint(world: World, method: str, path: str, handler: Handler) -> Route:
    """A route of the API that asks for a token and honours PayPal-Request-Id on POST."""

    async def respond(request: Request) -> Response:
        debug_id = new_debug_id()
        try:
            _authenticate(world, request)
            answer = await _perform(world, request, handler)
        except PayPalError as error:
            answer = Answer(error.body(debug_id), error.status)
        return _response(answer, debug_id)

    return Route(path, respond, methods=[method])


async def grant_token(world: World, request: Request) -> Response:
    """POST /v1/oauth2/token: the client id and secret for a bearer token.

    https://developer.paypal.com/api/rest/authentication/
    """
    form = dict(parse_qsl((await request.body()).decode(errors="replace")))
    if not _knows_client(world, request.headers.get("authorization", "")):
        return _oauth_error(401, "invalid_client", "Client Authentication failed")
    if form.get("grant_type") != "client_credentials":
        return _oauth_error(400, "unsupported_grant_type", "unsupported grant_type")
    return JSONResponse(
        {
            "scope": "https://uri.paypal.com/services/payments/payment https://uri.paypal.com/"
            "services/vault/payment-tokens/readwrite",
            "access_token": _token(world),
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": TOKEN_SECONDS,
            "nonce": secrets.token_hex(8),
        }
    )


def revoke_tokens(world: World) -> None:
    """Make every token granted so far worthless, as when it is revoked or the keys are rolled."""
    world.set("paypal_token_generation", world.setting("paypal_token_generation", 0) + 1)


async def _perform(world: World, request: Request, handler: Handler) -> Answer:
    call = await _read(world, request)
    key = _key(request, call)
    with _alone(world, key):
        await asyncio.sleep(world.setting(PACE, 0.0) if key else 0.0)
        return _once(world, key, call, handler)


def _once(world: World, key: str | None, call: Call, handler: Handler) -> Answer:
    """Work, or repeat the answer of the same request id; refusals are not kept, so that a call
    refused because the payer had not approved can be made again."""
    fingerprint = hashlib.sha256(call.raw).hexdigest()
    with world.lock:
        kept = world.store.get("paypal_answer", key) if key else None
        if kept is not None:
            if kept["fingerprint"] != fingerprint:
                raise PayPalError("UNPROCESSABLE_ENTITY", "DUPLICATE_REQUEST_ID")
            return Answer(kept["document"], 200 if kept["status"] == 201 else kept["status"])
        answer = handler(call)
        if key:
            kept = {"fingerprint": fingerprint, "status": answer.status}
            world.store.put("paypal_answer", key, {**kept, "document": public(answer.document)})
        return answer


def _key(request: Request, call: Call) -> str | None:
    if request.method != "POST" or call.request_id is None:
        return None
    return f"{request.url.path} {call.request_id}"


@contextmanager
def _alone(world: World, key: str | None) -> Iterator[None]:
    """Two calls at once with one request id: the second is refused.

    https://developer.paypal.com/api/rest/reference/idempotency/
    """
    working = _working.setdefault(world, set())
    if key in working:
        raise PayPalError("RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS")
    if key is not None:
        working.add(key)
    try:
        yield
    finally:
        working.discard(key or "")


async def _read(world: World, request: Request) -> Call:
    raw = await request.body()
    return Call(
        world=world,
        where=request.scope["path"].removeprefix(request.scope.get("root_path", "")),
        raw=raw,
        document=_decode(request.method, raw),
        path=request.path_params,
        query=request.query_params,
        prefer_full="return=representation" in request.headers.get("prefer", ""),
        request_id=request.headers.get("paypal-request-id"),
    )


def _decode(method: str, raw: bytes) -> Any:
    if not raw.strip():
        return {}
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise PayPalError("INVALID_REQUEST", "MALFORMED_REQUEST_JSON") from None
    wanted = list if method == "PATCH" else dict
    if document is None or not isinstance(document, wanted):
        raise PayPalError("INVALID_REQUEST", "MALFORMED_REQUEST_JSON")
    return document


def _authenticate(world: World, request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic" and _knows_client(world, f"Basic {token}"):
        return
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), _token_bytes(world)):
        raise PayPalError("AUTHENTICATION_FAILURE")


def _token(world: World) -> str:
    """A token stays good until it is revoked. It cannot age by the world's clock, which demos
    move by months while a client counts its seconds by the wall clock."""
    generation = world.setting("paypal_token_generation", 0)
    secret = world.credentials.paypal_client_secret.encode()
    digest = hmac.digest(secret, f"token {generation}".encode(), "sha256")
    return "A21AA" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _token_bytes(world: World) -> bytes:
    return _token(world).encode()


def _knows_client(world: World, authorization: str) -> bool:
    pair = f"{world.credentials.paypal_client_id}:{world.credentials.paypal_client_secret}"
    wanted = "Basic " + base64.b64encode(pair.encode()).decode()
    return hmac.compare_digest(authorization.encode(), wanted.encode())


def _oauth_error(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)


def _response(answer: Answer, debug_id: str) -> Response:
    headers = {"Paypal-Debug-Id": debug_id}
    if answer.document is None:
        return Response(status_code=answer.status, headers=headers)
    return JSONResponse(public(answer.document), answer.status, headers)
