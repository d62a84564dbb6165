"""What the tests of Stripe share: our own samples, a signed delivery, one call to translate."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.ports import Reading, ReadingRequest
from webhooks.providers.provider import Delivery, Envelope, Translation
from webhooks.providers.stripe.settings import StripeConfiguration
from webhooks.providers.stripe.translate import StripeTranslator

SAMPLES = Path(__file__).parents[2] / "samples" / "stripe"
ARRIVAL = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
STAMP = int(ARRIVAL.timestamp())
SECRET = "whsec_first"
SECOND = "whsec_second"
BODY = b'{"id":"evt_1","object":"event","type":"charge.succeeded","livemode":false}'

Document = dict[str, Any]


def configuration(*secrets: str, livemode: bool = False) -> StripeConfiguration:
    """Settings as they come out of the environment."""
    return StripeConfiguration(
        webhook_secrets=secrets or (SECRET,),
        api_key="sk_live_1" if livemode else "sk_test_1",
        api_base="https://api.stripe.com",
        livemode=livemode,
    )


def signature(body: bytes = BODY, *, secret: str = SECRET, stamp: int | str = STAMP) -> str:
    """The v1 signature of a body."""
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def delivery(header: str | None, body: bytes = BODY) -> Delivery:
    """A delivery with this Stripe-Signature."""
    headers = {} if header is None else {"stripe-signature": header}
    return Delivery(headers=headers, body=body, received_at=ARRIVAL)


def sample(name: str) -> Document:
    """One of our own samples."""
    loaded: Document = json.loads((SAMPLES / f"{name}.json").read_bytes())
    return loaded


def changed(name: str, **fields: Any) -> Document:
    """A sample whose object has other values; a field that is ``...`` is missing."""
    event = sample(name)
    document = event["data"]["object"] | fields
    event["data"]["object"] = {k: v for k, v in document.items() if v is not ...}
    return event


def translate(
    event: str | Document, *readings: tuple[str, str, Document | None], livemode: bool = False
) -> Translation:
    """Translate a sample, or an event, with readings (kind, id, document); the sequence is 7."""
    document = sample(event) if isinstance(event, str) else event
    envelope = Envelope(
        event_id=document["id"],
        event_type=document["type"],
        body=json.dumps(document).encode(),
        received_at=ARRIVAL,
    )
    made = {
        ReadingRequest(kind, key): Reading(sequence=7, document=read)
        for kind, key, read in readings
    }
    return StripeTranslator(configuration(livemode=livemode))(envelope, made)


def asked(translation: Translation) -> list[str]:
    """What a translation needs to be read."""
    assert not translation.facts
    assert not translation.ignored
    return [str(request) for request in translation.needs]
