"""PayPal's SDK made fit for production: time limits, one connection per thread, one token for all,
and its failures in Billhook's terms.

The SDK knows no timeout, opens a connection per call, asks for a token in every thread at once and
re-serialises bodies; only its requests, its token and its hooks are used here.
https://developer.paypal.com/api/rest/responses/
"""

from __future__ import annotations

import copy
import json
import threading
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
from paypalcheckoutsdk.core import AccessToken, AccessTokenRequest, PayPalEnvironment
from paypalcheckoutsdk.core import PayPalHttpClient as SdkClient
from paypalhttp import HttpError
from paypalhttp.encoder import Encoder
from paypalhttp.serializers import FormEncoded, Json, Multipart, Text
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from domain.errors import Permanent, Transient, Unknown
from webhooks.providers.paypal.documents import Document, section, sections, text
from webhooks.providers.paypal.settings import PayPalSettings

TIMEOUT: Final = (3.05, 20.0)
"""Seconds to connect, and between two bytes of the answer."""

EARLY: Final = 300
"""A token is replaced this many seconds before PayPal forgets it, or at half of a shorter life."""

BUSY_ISSUES: Final = frozenset({"PREVIOUS_REQUEST_IN_PROGRESS"})
"""The same PayPal-Request-Id is being worked on: its outcome is still to come."""


class Refusal(Exception):
    """PayPal understood the call and said no. ``issue`` is its code, ``debug_id`` what its support
    asks for; values that we sent are left out, because some are personal."""

    def __init__(self, status: int, document: Document) -> None:
        detail = next(iter(sections(document, "details")), {})
        self.status = status
        self.issue = text(detail, "issue") or text(document, "name") or f"HTTP_{status}"
        self.description = text(detail, "description") or text(document, "message") or ""
        self.debug_id = text(document, "debug_id") or "-"
        super().__init__(
            f"PayPal refused with {status} {self.issue}: {self.description} "
            f"(debug id {self.debug_id})"
        )


class Call:
    """A request for an endpoint that the SDK has no class for."""

    def __init__(
        self, verb: str, path: str, body: object = None, *, key: str | None = None
    ) -> None:
        self.verb = verb
        self.path = path
        self.headers = {"Content-Type": "application/json"}
        self.body = body
        if key is not None:
            self.headers["PayPal-Request-Id"] = key


class RawJson(Json):  # type: ignore[misc]
    """Lets bytes through as they are: a webhook event written anew is another event to PayPal."""

    def encode(self, request: Any) -> Any:
        """The body of a request, as text or bytes."""
        return request.body if isinstance(request.body, bytes) else super().encode(request)


class PayPalClient(SdkClient):  # type: ignore[misc]
    """Calls PayPal's API with a token that is fetched, shared and renewed. Thread-safe."""

    _access_token: Any

    def __init__(self, settings: PayPalSettings, timeout: tuple[float, float] = TIMEOUT) -> None:
        environment = PayPalEnvironment(
            settings.client_id, settings.client_secret, settings.api_base, settings.api_base
        )
        super().__init__(environment)
        self.encoder = Encoder([RawJson(), Text(), Multipart(), FormEncoded()])
        self._timeout = timeout
        self._lock = threading.RLock()
        self._local = threading.local()

    def call(self, request: Any, *, moves_money: bool = False) -> Document:
        """Perform a request and return the document of the answer, empty when there is none.

        Raises ``Refusal`` when PayPal said no, ``Transient`` when it could not be reached or is
        not willing now, and ``Unknown`` instead when ``moves_money`` and PayPal may have worked.
        """
        try:
            return self._call_twice(request)
        except (HttpError, requests.RequestException, ValueError) as error:
            raise _meaning(error, moves_money) from error

    def _call_twice(self, request: Any) -> Document:
        """A token may be revoked before its time: one 401 is answered with a new token."""
        try:
            return self.execute(request)
        except HttpError as error:
            if error.status_code != 401:
                raise
        self._access_token = None
        return self.execute(request)

    def execute(self, request: Any) -> Document:
        """One try of a request, as it is, with what the SDK adds to it."""
        prepared = copy.deepcopy(request)
        for inject in self._injectors:
            inject(prepared)
        headers = {"User-Agent": self.get_user_agent(), **prepared.headers}
        answer = self._session().request(
            prepared.verb,
            self.environment.base_url + prepared.path.removesuffix("?"),
            headers=headers,
            data=self._encoded(prepared),
            timeout=self._timeout,
            allow_redirects=False,
        )
        return self.parse_response(answer)

    def parse_response(self, response: requests.Response) -> Document:
        """The document of an answer. Raises ``HttpError``, or ValueError for a 2xx not in JSON."""
        if not 200 <= response.status_code <= 299:
            raise HttpError(response.text, response.status_code, response.headers)
        if not response.content.strip():
            return {}
        document = json.loads(response.content)
        if isinstance(document, dict):
            return document
        raise ValueError("PayPal's answer is no JSON object")

    def __call__(self, request: Any) -> None:
        """The SDK's hook before a request: adds the token."""
        if isinstance(request, AccessTokenRequest):
            super().__call__(request)
            return
        with self._lock:
            if self._access_token is None or self._access_token.is_expired():
                self._access_token = self._new_token()
            super().__call__(request)

    def _new_token(self) -> AccessToken:
        try:
            answer = self.execute(AccessTokenRequest(self.environment))
            life = int(answer["expires_in"])
            return AccessToken(
                answer["access_token"], max(life - EARLY, life // 2), answer["token_type"]
            )
        except HttpError as error:
            raise Transient(_no_token(error.status_code)) from error
        except (requests.RequestException, ValueError, KeyError) as error:
            # Nothing was sent but the wish for a token: no money can have moved.
            raise Transient(f"PayPal gave no access token: {type(error).__name__}") from error

    def _encoded(self, request: Any) -> Any:
        if getattr(request, "body", None) is None:
            return None
        lowered = copy.copy(request)
        lowered.headers = self.format_headers(request.headers)
        return self.encoder.serialize_request(lowered)

    def _session(self) -> requests.Session:
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return session


def permanent(refusal: Refusal) -> Permanent:
    """A refusal that trying again cannot change."""
    return Permanent(str(refusal))


def _meaning(error: Exception, moves_money: bool) -> Exception:
    """What a failed call means to Billhook; the one place that says so."""
    if isinstance(error, HttpError):
        return _answered(error, moves_money)
    if isinstance(error, requests.RequestException) and not _may_have_arrived(error):
        return Transient(f"PayPal cannot be reached: {type(error).__name__}")
    return _unheard(f"PayPal's answer was not heard: {type(error).__name__}", moves_money)


def _answered(error: HttpError, moves_money: bool) -> Exception:
    code = error.status_code
    if code == 429:
        return Transient("PayPal limits the rate of our calls (429)")
    if code in {401, 403}:
        return Transient(
            f"PayPal denies the call ({code}): PAYPAL_CLIENT_ID, PAYPAL_CLIENT_SECRET or the "
            "permissions of the application at PayPal are wrong"
        )
    refusal = Refusal(code, _error_document(error))
    if code >= 500 or code in {408, 409} or refusal.issue in BUSY_ISSUES:
        return _unheard(str(refusal), moves_money)
    return refusal if code >= 400 else Transient(f"PayPal answered with {code}")


def _unheard(reason: str, moves_money: bool) -> Transient:
    return Unknown(reason) if moves_money else Transient(reason)


def _may_have_arrived(error: requests.RequestException) -> bool:
    """Whether PayPal may have received the request: not when no connection was made."""
    if isinstance(error, requests.ConnectTimeout):
        return False
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return not isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _error_document(error: HttpError) -> Document:
    try:
        return section({"error": json.loads(error.message)}, "error")
    except ValueError:
        return {}


def _no_token(code: int) -> str:
    if code in {400, 401, 403}:
        return (
            f"PayPal gave no access token ({code}): PAYPAL_CLIENT_ID or PAYPAL_CLIENT_SECRET is "
            "wrong, or belongs to the other PAYPAL_MODE"
        )
    return f"PayPal gave no access token ({code})"
