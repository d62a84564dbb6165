"""The webhook endpoints: bounded raw bytes → is it authentic? → committed → acknowledged.

A bare ASGI application, because this path is the hot one: no request object, no middleware. The
answers are those of the contract and say only whether a call is authentic and durable; what an
event means is no concern of its sender.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import islice
from time import perf_counter
from typing import Any, Final

import structlog

from domain import clock, telemetry
from domain.errors import StoreUnavailable
from domain.traffic import Counter
from webhooks import problems
from webhooks.inbox_rows import Incoming, Receipt
from webhooks.intake import Intake
from webhooks.limits import (
    KEPT_HEADER_BYTES,
    KEPT_HEADERS,
    ClientGone,
    QuarantineRate,
    Room,
    TooLarge,
    TooSlow,
    UnverifiableRate,
    read_body,
)
from webhooks.providers import Provider, Registry
from webhooks.providers.provider import Delivery, Identity, Verdict, Verifier

PREFIX: Final = "/webhooks/"
NOT_KEPT: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that are never stored."""
JSON: Final = (b"content-type", b"application/json")
NOT_GUESSED: Final = (b"x-content-type-options", b"nosniff")
PROBLEM: Final = (b"content-type", problems.MEDIA_TYPE.encode())
RETRY_AFTER_S: Final = 5
VERIFY_THREADS: Final = 4
VERIFYING_BYTES: Final = 32 * 1024 * 1024
"""What calls that wait for a certificate may hold; above it a call is answered 503 at once."""

Answer = tuple[int, bytes, tuple[tuple[bytes, bytes], ...]]
log = structlog.get_logger()


class Receiver:
    """Answers ``POST /webhooks/{provider}``."""

    def __init__(self, providers: Registry, intake: Intake, traffic: Counter) -> None:
        self._paths = {f"{PREFIX}{provider.name}": provider for provider in providers}
        self._intake = intake
        self._traffic = traffic
        self._unverifiable = UnverifiableRate()
        self._quarantine = QuarantineRate()
        self._verifying = Room(VERIFYING_BYTES)
        self._threads = ThreadPoolExecutor(VERIFY_THREADS, thread_name_prefix="verify")

    def serves(self, path: str) -> bool:
        """Whether that is the path of a provider that is switched on."""
        return path in self._paths

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one call."""
        began = perf_counter()
        path: str = scope["path"]
        provider = self._paths.get(path)
        name = provider.name if provider else path.rpartition("/")[2]
        try:
            status, body, headers = await self._answer(provider, name, scope, receive)
        except ClientGone:
            return
        except Exception:
            log.exception("webhook_failed", provider=name[:64])
            status, body, headers = _problem(500, "fault", problems.FAULT)
        known = name if provider else "unknown"
        _counter(known, status).inc()
        if provider is not None:
            self._traffic.count(name, status)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        _stopwatch(known).observe(perf_counter() - began)

    async def _answer(
        self, provider: Provider | None, name: str, scope: Any, receive: Any
    ) -> Answer:
        if provider is None:
            detail = f"No provider {name[:64]!r} is switched on here."
            return _problem(404, "provider_off", detail)
        if scope["method"] != "POST":
            return _problem(405, "method_not_allowed", "Webhooks are sent with POST.", allow="POST")
        headers = _headers(scope)
        try:
            body = await read_body(receive, headers.get("content-length"))
            delivery = Delivery(headers=headers, body=body, received_at=clock.now())
            source = scope["client"][0] if scope.get("client") else ""
            return await self._receive(provider, delivery, source)
        except TooLarge:
            return _problem(413, "body_too_large", "A webhook body may have up to 1 MiB.")
        except TooSlow:
            return _problem(400, "body_incomplete", "The body did not arrive in time.")
        except StoreUnavailable as error:
            log.warning("store_unavailable", provider=provider.name, reason=str(error))
            return _unavailable()

    async def _receive(self, provider: Provider, delivery: Delivery, source: str) -> Answer:
        """Raises ``StoreUnavailable`` when it cannot be committed, or not be judged, now."""
        verifier = provider.verifier
        if verifier.needs_network(delivery):
            verdict = await self._judge(verifier, delivery, source)
        else:
            verdict = verifier.verify(delivery)
        if verdict is None or verdict.status == "forged":
            return self._refuse(provider, verdict, source)
        receipt = await self._intake.submit(_incoming(provider, delivery, verdict, source))
        if receipt.forged:
            detail = "Another body was received under this transmission id."
            return self._refuse(provider, Verdict(status="forged", reason=detail), source)
        return _acknowledge(verdict, receipt)

    async def _judge(self, verifier: Verifier, delivery: Delivery, source: str) -> Verdict | None:
        """The verdict, for which something is to be fetched; None when the source has used up its
        tries at making us fetch things.

        Raises ``StoreUnavailable`` when too many wait for a verdict already, here or in the
        quarantine.
        """
        if self._unverifiable.exhausted(source):
            return None
        verdict = await self._judge_apart(verifier, delivery)
        # What proves authentic costs nothing, however many came while the certificate was fetched.
        if verdict.status != "unknown":
            return verdict
        if not self._unverifiable.spend(source):
            return None
        if not self._quarantine.spend(delivery.body):
            raise StoreUnavailable("too much is in quarantine already")
        return verdict

    async def _judge_apart(self, verifier: Verifier, delivery: Delivery) -> Verdict:
        if not self._verifying.enter(delivery.body):
            raise StoreUnavailable("too many deliveries wait to be verified")
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, verifier.verify, delivery)
        finally:
            self._verifying.leave(delivery.body)

    def _refuse(self, provider: Provider, verdict: Verdict | None, source: str) -> Answer:
        if verdict is None or not self._unverifiable.spend(source):
            detail = "Too many requests from here could not be verified; slow down."
            return _problem(429, "too_many_unverifiable", detail, retry_after="60")
        log.info("delivery_refused", provider=provider.name, reason=verdict.reason)
        return _problem(400, "not_authentic", verdict.reason)

    def close(self) -> None:
        """End the verification threads."""
        self._threads.shutdown(wait=False)


@cache
def _counter(provider: str, status: int) -> Any:
    return telemetry.DELIVERIES.labels(provider, str(status))


@cache
def _stopwatch(provider: str) -> Any:
    return telemetry.ANSWER_SECONDS.labels(provider)


def _headers(scope: Any) -> dict[str, str]:
    # What comes with a call is stored as text, and PostgreSQL takes no NUL.
    return {
        name.decode("latin-1").lower(): value.decode("latin-1").replace("\0", "")
        for name, value in scope["headers"]
    }


def _incoming(provider: Provider, delivery: Delivery, verdict: Verdict, source: str) -> Incoming:
    authentic = verdict.status == "authentic"
    incoming = Incoming(
        provider=provider.name,
        identity=provider.verifier.identify(delivery.body),
        body=delivery.body,
        headers=_kept(delivery.headers),
        received_at=delivery.received_at,
        source=source or None,
        signer=verdict.signer or None,
        delivery_key=verdict.delivery_key if authentic else None,
    )
    if not authentic:
        _quarantine(incoming)
    elif incoming.identity.malformed:
        incoming.status, incoming.note = "parked", "the signature is right, but this is no event"
        incoming.fingerprint = f"{provider.name}: the body is no event"
    return incoming


def _kept(headers: Mapping[str, str]) -> Mapping[str, str]:
    """What is stored of the headers: no credentials, and no more than a provider would send."""
    if (
        len(headers) <= KEPT_HEADERS
        and NOT_KEPT.isdisjoint(headers)
        and max(map(len, headers.values()), default=0) <= KEPT_HEADER_BYTES
    ):
        return headers
    worth = (
        (name, text)
        for name, text in headers.items()
        if name not in NOT_KEPT and len(text) <= KEPT_HEADER_BYTES
    )
    return dict(islice(worth, KEPT_HEADERS))


def _quarantine(incoming: Incoming) -> None:
    # Nobody who is not known may take the place of an event id or a transmission id.
    made_up = f"unverified:{incoming.sha256.hex()[:40]}:{incoming.delivery_id[-12:]}"
    incoming.status = "quarantined"
    incoming.identity = Identity(event_id=made_up, event_type=incoming.identity.event_type)


def _acknowledge(verdict: Verdict, receipt: Receipt) -> Answer:
    if verdict.status == "unknown":
        return QUARANTINED
    return DUPLICATE if receipt.duplicate else RECEIVED


def _answered(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    return status, body, (*headers, NOT_GUESSED, (b"content-length", str(len(body)).encode()))


RECEIVED: Final = _answered(200, b'{"received":true,"duplicate":false}', JSON)
DUPLICATE: Final = _answered(200, b'{"received":true,"duplicate":true}', JSON)
QUARANTINED: Final = _answered(202, b'{"received":true,"quarantined":true}', JSON)


def _problem(status: int, code: str, detail: str, **headers: str) -> Answer:
    extra = ((name.replace("_", "-").encode(), text.encode()) for name, text in headers.items())
    return _answered(status, problems.document(status, code, detail), PROBLEM, *extra)


def _unavailable() -> Answer:
    detail = "The delivery could not be stored; send it again."
    return _problem(503, "store_unavailable", detail, retry_after=str(RETRY_AFTER_S))
