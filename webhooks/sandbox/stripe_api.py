"""One call of Stripe's API from the wire to the answer: key, idempotency, version, errors."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import StripeError, invalid
from webhooks.sandbox.stripe_events import Caller, caller
from webhooks.sandbox.stripe_forms import Params
from webhooks.sandbox.stripe_versions import ALLOWED_TYPES_SINCE
from webhooks.sandbox.stripe_views import present

Handler = Callable[..., Document]
"""``(account, params, *parts of the path) -> object``; raises ``StripeError``."""

_KEPT = "stripe.idempotency"
_KEPT_FOR = 24 * 3600
"""Seconds. Stripe keeps a key at least so long; who relies on more is found out here."""


class Call(msgspec.Struct, frozen=True):
    """What arrived."""

    method: str
    path: str
    parts: tuple[str, ...]
    form: str
    authorization: str
    idempotency_key: str | None
    version: str | None

    @property
    def fingerprint(self) -> str:
        """What must be the same when an idempotency key is used again."""
        return hashlib.sha256(f"{self.method} {self.path}\n{self.form}".encode()).hexdigest()


class Answer(msgspec.Struct):
    """What goes back; ``kept`` is false for what a repetition must not be answered with."""

    status: int
    body: bytes
    request_id: str
    kept: bool = True
    replayed: bool = False

    def response(self, call: Call, version: str) -> Response:
        """The answer as HTTP."""
        headers = {"Request-Id": self.request_id, "Stripe-Version": version}
        if call.idempotency_key is not None:
            headers["Idempotency-Key"] = call.idempotency_key
        if self.replayed:
            headers["Idempotent-Replayed"] = "true"
            headers["Original-Request"] = self.request_id
        if self.status == 409:
            headers["Stripe-Should-Retry"] = "true"
        return Response(self.body, self.status, headers, media_type="application/json")


class StripeApi:
    """Answers calls of one account. Calls run one after another: a change is never seen half."""

    def __init__(self, account: StripeAccount) -> None:
        self.account = account
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    async def respond(self, request: Request, handler: Handler) -> Response:
        """Answer an HTTP request through ``handler``."""
        call = await _read(request)
        answer = await run_in_threadpool(self.answer, call, handler)
        return answer.response(call, call.version or self.account.events.api_version)

    def answer(self, call: Call, handler: Handler) -> Answer:
        """Answer one call. A key that is in use by another call is refused with 409."""
        request_id = self.account.store.new_id("req")
        try:
            self._check_key(call)
            if call.idempotency_key is None or call.method != "POST":
                return self._perform(call, handler, request_id)
            return self._perform_once(call, handler, request_id, call.idempotency_key)
        except StripeError as error:
            return _refused(error, request_id, self._version(call), self.account)

    def _perform_once(
        self, call: Call, handler: Handler, request_id: str, idempotency_key: str
    ) -> Answer:
        with self._lock:
            if idempotency_key in self._under_way:
                raise _conflict(idempotency_key)
            self._under_way.add(idempotency_key)
        try:
            earlier = self.account.store.get(_KEPT, idempotency_key)
            if earlier is not None and self.account.now() < earlier["until"]:
                return _replay(earlier, call)
            answer = self._perform(call, handler, request_id)
            if answer.kept:
                self._keep(call, idempotency_key, answer)
            return answer
        finally:
            with self._lock:
                self._under_way.discard(idempotency_key)

    def _perform(self, call: Call, handler: Handler, request_id: str) -> Answer:
        token = caller.set(Caller(request_id, call.idempotency_key))
        version = self._version(call)
        try:
            with self.account.world.lock:
                params = Params.parse(call.form)
                _refuse_outdated(params, call, version)
                result = handler(self.account, params, *call.parts)
                shown = present(self.account, result, version, params.texts("expand"))
        except StripeError as error:
            return _refused(error, request_id, version, self.account)
        finally:
            caller.reset(token)
        return Answer(200, _json(shown), request_id)

    def _keep(self, call: Call, idempotency_key: str, answer: Answer) -> None:
        kept = {
            "fingerprint": call.fingerprint,
            "status": answer.status,
            "body": answer.body.decode(),
            "request_id": answer.request_id,
            "until": self.account.now() + _KEPT_FOR,
        }
        self.account.store.put(_KEPT, idempotency_key, kept)

    def _version(self, call: Call) -> str:
        return call.version or self.account.events.api_version

    def _check_key(self, call: Call) -> None:
        given = _api_key(call.authorization)
        wanted = self.account.world.credentials.stripe_api_key
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise StripeError(
                f"Invalid API Key provided: {given[:8]}****"
                if given
                else "You did not provide an API key.",
                status=401,
                kept=False,
            )


def _refuse_outdated(params: Params, call: Call, version: str) -> None:
    gone = "payment_method_types"
    if call.method == "POST" and gone in params and version[:10] >= ALLOWED_TYPES_SINCE:
        raise invalid(gone, f"Received unknown parameter: {gone}", "parameter_unknown")


async def _read(request: Request) -> Call:
    body = await request.body()
    posted = request.method == "POST"
    headers = request.headers
    return Call(
        method=request.method,
        path=request.url.path,
        parts=tuple(str(part) for part in request.path_params.values()),
        form=body.decode("utf-8", "replace") if posted else request.url.query,
        authorization=headers.get("authorization", ""),
        idempotency_key=headers.get("idempotency-key"),
        version=headers.get("stripe-version"),
    )


def _api_key(authorization: str) -> str:
    """The key in a Bearer or Basic (user name, empty password) header."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return value.strip() if scheme.lower() == "bearer" else ""


def _replay(earlier: Document, call: Call) -> Answer:
    if earlier["fingerprint"] != call.fingerprint:
        raise StripeError(
            "Keys for idempotent requests can only be used with the same parameters they were"
            " first used with. Try using a key other than"
            f" '{call.idempotency_key}' if you meant to execute a different request.",
            family="idempotency_error",
            kept=False,
        )
    body = earlier["body"].encode()
    return Answer(earlier["status"], body, earlier["request_id"], replayed=True)


def _conflict(idempotency_key: str) -> StripeError:
    return StripeError(
        "There is currently another in-progress request using this Idempotent Key"
        f" ({idempotency_key}). Please try again later.",
        status=409,
        family="idempotency_error",
        code="idempotency_key_in_use",
        kept=False,
    )


def _refused(error: StripeError, request_id: str, version: str, account: StripeAccount) -> Answer:
    body = error.body()
    for name in ("payment_intent", "setup_intent"):
        if isinstance(embedded := body["error"].get(name), dict):
            body["error"][name] = present(account, embedded, version, [])
    return Answer(error.status, _json(body), request_id, kept=error.kept)


def _json(document: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=2)
