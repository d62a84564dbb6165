"""Signs deliveries as Stripe does (https://docs.stripe.com/webhooks#verify-manually)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime


def sign(secret: str | Sequence[str], body: bytes, at: datetime) -> str:
    """The ``Stripe-Signature`` header of ``body`` sent at ``at``.

    Several secrets give one ``v1`` each, as while a secret is rolled. ``v0`` is the dummy that
    test mode adds; it proves nothing.
    """
    secrets = [secret] if isinstance(secret, str) else list(secret)
    second = int(at.timestamp())
    signed = f"{second}.".encode() + body
    proofs = [f"v1={_digest(each, signed)}" for each in secrets]
    return ",".join([f"t={second}", *proofs, f"v0={hashlib.sha256(signed).hexdigest()}"])


def _digest(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
