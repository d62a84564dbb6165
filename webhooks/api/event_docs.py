"""What the published contract shows of events: examples."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from domain.facts import Fact

SUMMARY: Final[dict[str, Any]] = {
    "id": 4711,
    "provider": "example",
    "provider_event_id": "evt_9fX2",
    "type": "payment.made",
    "status": "received",
    "origin": "webhook",
    "account": "shop-4711",
    "order": "ord_1f0c9a6be0d24c7c8a5b3e21",
    "payment": "pay_3kQ9xT2b",
    "amount": {"amount": 208120, "currency": "CZK"},
    "received_at": "2026-03-02T10:00:00Z",
    "created_at": "2026-03-02T09:59:59Z",
    "next_attempt_at": "2026-03-02T10:15:00Z",
    "attempts": 0,
    "finished_at": None,
    "note": "KeyError: 'plan'",
    "error": "payment.made: KeyError: 'plan'",
}
DISMISSED: Final[dict[str, Any]] = {
    **SUMMARY,
    "status": "dismissed",
    "next_attempt_at": None,
    "finished_at": "2026-03-02T10:15:00Z",
    "note": "a test of the provider's support",
    "error": None,
}
PAGE: Final[dict[str, Any]] = {"items": [{**SUMMARY, "status": "parked"}], "next": None}
EFFECT: Final[dict[str, Any]] = {
    "id": 90210,
    "kind": "tell_app",
    "target": "subscription.started",
    "cause": "order:ord_1f0c9a6be0d24c7c8a5b3e21",
    "status": "waiting",
    "attempts": 7,
    "created_at": "2026-03-02T10:00:00Z",
    "next_attempt_at": "2026-03-02T10:15:00Z",
    "done_at": None,
    "note": "Transient: the app answered 503",
    "error": "tell_app: Transient: the app answered #",
    "payload": {"at_instant": "2026-03-02T10:00:00+00:00"},
}
EVENT: Final[dict[str, Any]] = {
    **SUMMARY,
    "status": "parked",
    "livemode": True,
    "masked": True,
    "payload": {"id": "evt_9fX2", "type": "payment.made", "email": "•••"},
    "facts": [
        {
            "type": "PaymentSucceeded",
            "payment": "pay_3kQ9xT2b",
            "amount": {"amount": 208120, "currency": "CZK"},
        }
    ],
    "facts_note": None,
    "payload_dropped_at": None,
    "deliveries": [
        {
            "id": "0b1d6a1f4b0e4f0f9a53c8e9a0a3c7d1",
            "received_at": "2026-03-02T10:00:00Z",
            "source": "192.0.2.7",
            "signer": "secret 1 of 1",
            "headers": {"content-type": "application/json"},
            "body_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }
    ],
    "attempts_made": [
        {
            "at": "2026-03-02T10:00:01Z",
            "effect": None,
            "outcome": "parked",
            "error": "KeyError: 'plan'",
            "traceback": "File …, line 1, in apply",
            "worker": "worker-1:7",
        }
    ],
    "effects": [EFFECT],
}


def plain(fact: Fact) -> dict[str, Any]:
    """A fact as JSON, with its kind under ``type``."""
    return msgspec.to_builtins(fact)  # type: ignore[no-any-return]
