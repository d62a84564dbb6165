"""Acme's signatures: ``acme-signature: <unix time>.<hex HMAC-SHA512 of "time:body">``."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final

import msgspec

from tests.contract.acme.settings import AcmeConfiguration
from webhooks.providers.provider import Delivery, Identity, Verdict

HEADER: Final = "acme-signature"
TOLERANCE_S: Final = 120


class _Head(msgspec.Struct):
    id: str
    type: str
    at: int | None = None


class AcmeVerifier:
    """Judges deliveries; needs nothing from outside."""

    def __init__(self, configuration: AcmeConfiguration) -> None:
        self._secrets = configuration.webhook_secrets

    def needs_network(self, delivery: Delivery) -> bool:
        """Never."""
        return False

    def verify(self, delivery: Delivery) -> Verdict:
        """Judge a delivery."""
        stamp, _, signature = delivery.headers.get(HEADER, "").partition(".")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12 and signature):
            return Verdict(status="forged", reason=f"{HEADER} is missing or malformed")
        signer = self._signer(stamp, delivery.body, signature)
        if signer is None:
            return Verdict(status="forged", reason="the signature fits no configured secret")
        if abs(delivery.received_at.timestamp() - int(stamp)) > TOLERANCE_S:
            return Verdict(status="forged", reason=f"signed more than {TOLERANCE_S} s away")
        return Verdict(status="authentic", signer=signer)

    def identify(self, body: bytes) -> Identity:
        """Read id and type."""
        try:
            head = msgspec.json.decode(body, type=_Head)
            at = None if head.at is None else datetime.fromtimestamp(head.at, UTC)
        except (msgspec.MsgspecError, ValueError, OverflowError, OSError, RecursionError):
            digest = hashlib.sha256(body).hexdigest()
            return Identity(event_id=f"malformed-{digest}", event_type="malformed", malformed=True)
        return Identity(event_id=head.id, event_type=head.type, created_at=at, livemode=False)

    def _signer(self, stamp: str, body: bytes, signature: str) -> str | None:
        for position, secret in enumerate(self._secrets, 1):
            expected = sign(secret, stamp, body).encode()
            if hmac.compare_digest(expected, signature.encode("utf-8", "replace")):
                return f"secret {position} of {len(self._secrets)}"
        return None


def sign(secret: str, stamp: str, body: bytes) -> str:
    """The signature of a body at a time, as hex."""
    return hmac.digest(secret.encode(), stamp.encode() + b":" + body, "sha512").hex()


def verifier(configuration: AcmeConfiguration) -> AcmeVerifier:
    """Make the verifier."""
    return AcmeVerifier(configuration)
