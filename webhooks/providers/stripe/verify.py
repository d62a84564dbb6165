"""Judges Stripe's deliveries by their signature, and reads what they say of themselves.

Runs in the web process for every delivery: no SDK, one HMAC, one partial decode. The scheme is
https://docs.stripe.com/webhooks#verify-manually
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final

import msgspec

from webhooks.providers.provider import Delivery, Identity, Verdict
from webhooks.providers.stripe.settings import StripeConfiguration

SIGNATURE_HEADER: Final = "stripe-signature"
TOLERANCE: Final = 300.0
"""Seconds that a timestamp may lie in the past (as Stripe's libraries have it) or in the future
(which they do not check)."""
MAX_NAME: Final = 255
"""Characters of an event's id (Stripe's own limit for ids) and type."""

_HEX_DIGITS: Final = hashlib.sha256().digest_size * 2
_MAX_STAMP_DIGITS: Final = 12


class StripeVerifier:
    """Judges deliveries by the secrets of the endpoint; safe to share between threads."""

    def __init__(self, configuration: StripeConfiguration) -> None:
        secrets = configuration.webhook_secrets
        self._keys = tuple(
            (f"secret {position} of {len(secrets)}", secret.encode())
            for position, secret in enumerate(secrets, start=1)
        )

    def needs_network(self, delivery: Delivery) -> bool:  # noqa: ARG002 - part of the contract
        """Never: the secrets are at hand."""
        return False

    def verify(self, delivery: Delivery) -> Verdict:
        """Judge a delivery: any ``v1`` that fits any secret, at a time near to its arrival."""
        header = delivery.headers.get(SIGNATURE_HEADER)
        if not header:
            return _forged("the Stripe-Signature header is missing")
        stamp, signatures = _parse(header)
        if stamp is None:
            return _forged("the Stripe-Signature header has no timestamp t=<seconds>")
        if not signatures:
            return _forged("the Stripe-Signature header has no v1 signature")
        signer = self._signer(stamp.encode() + b"." + delivery.body, signatures)
        if signer is None:
            return _forged("no v1 signature fits the body and a configured secret")
        return _in_time(int(stamp), delivery.received_at, signer)

    def identify(self, body: bytes) -> Identity:
        """Read id and type of a v1 event or a v2 notification. Never raises."""
        try:
            head = _HEAD.decode(body)
            # The partial decode skips most of the text without looking at its encoding.
            body.isascii() or body.decode()
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return _malformed(body)
        if not (_storable(head.id) and _storable(head.type)):
            return _malformed(body)
        return Identity(
            event_id=head.id,
            event_type=head.type,
            created_at=_instant(head.created),
            livemode={b"true": True, b"false": False}.get(bytes(head.livemode)),
        )

    def _signer(self, message: bytes, signatures: list[bytes]) -> str | None:
        for signer, key in self._keys:
            expected = hmac.digest(key, message, "sha256").hex().encode()
            for signature in signatures:
                if hmac.compare_digest(expected, signature):
                    return signer
        return None


class _Head(msgspec.Struct, gc=False):
    """What is read of a body; the rest is skipped. Raw, so that an odd value spoils nothing."""

    id: str
    type: str
    created: msgspec.Raw = msgspec.Raw()
    livemode: msgspec.Raw = msgspec.Raw()


_HEAD: Final = msgspec.json.Decoder(_Head)


def verifier(configuration: StripeConfiguration) -> StripeVerifier:
    """Make the verifier of a configured Stripe."""
    return StripeVerifier(configuration)


def _parse(header: str) -> tuple[str | None, list[bytes]]:
    """The timestamp as it was signed, and the v1 signatures that have the right length.

    Everything else is passed over, as Stripe's libraries do: ``v0`` is a dummy of test mode, and
    other schemes may come.
    """
    stamp: str | None = None
    signatures: list[bytes] = []
    for item in header.split(","):
        name, _, value = item.strip().partition("=")
        if name == "v1" and len(value) == _HEX_DIGITS:
            # A header may hold any byte; compare_digest takes text of ASCII only.
            signatures.append(value.encode("utf-8", "replace"))
        elif name == "t" and stamp is None and _is_stamp(value):
            stamp = value
    return stamp, signatures


def _is_stamp(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= _MAX_STAMP_DIGITS


def _in_time(stamp: int, received_at: datetime, signer: str) -> Verdict:
    age = received_at.timestamp() - stamp
    if age > TOLERANCE:
        return _forged(f"signed {age:.0f} s before it arrived; {TOLERANCE:.0f} s are allowed")
    if age < -TOLERANCE:
        return _forged(f"signed {-age:.0f} s in the future; {TOLERANCE:.0f} s are allowed")
    return Verdict(status="authentic", signer=signer)


def _forged(reason: str) -> Verdict:
    return Verdict(status="forged", reason=reason)


def _storable(name: str) -> bool:
    """Whether a database text column can hold it (PostgreSQL takes no NUL)."""
    return 0 < len(name) <= MAX_NAME and name.isprintable()


def _malformed(body: bytes) -> Identity:
    digest = hashlib.sha256(body).hexdigest()
    return Identity(event_id=f"malformed-{digest[:32]}", event_type="malformed", malformed=True)


def _instant(created: msgspec.Raw) -> datetime | None:
    """Unix seconds (v1) or ISO 8601 with up to nanoseconds (v2); None for anything else."""
    try:
        value = msgspec.json.decode(created)
        if type(value) is int:
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            read = datetime.fromisoformat(value)
            return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (msgspec.MsgspecError, ValueError, OverflowError, OSError):
        return None
    return None
