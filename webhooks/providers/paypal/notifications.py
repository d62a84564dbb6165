"""What PayPal announced, asked from PayPal: its list of events and its opinion on a delivery.

https://developer.paypal.com/docs/api/webhooks/v1/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from domain import clock
from domain.errors import Permanent, Transient
from webhooks.providers.paypal.client import Call, PayPalClient, Refusal, permanent
from webhooks.providers.paypal.documents import Document, instant, link, section, sections, text

EVENTS_PATH: Final = "/v1/notifications/webhooks-events"
VERIFY_PATH: Final = "/v1/notifications/verify-webhook-signature"
PAGE_SIZE: Final = 100
CAPTURE_EVENTS: Final = (
    "PAYMENT.CAPTURE.COMPLETED",
    "PAYMENT.CAPTURE.PENDING",
    "PAYMENT.CAPTURE.DECLINED",
    "PAYMENT.CAPTURE.DENIED",
)

RECENT: Final = timedelta(days=4)
"""How far back a payment is looked for whose outcome was not heard."""

_NOT_DELIVERED: Final = ("status", "transmissions")
"""Members that the list adds to an event and a delivery does not have."""

_FIELDS: Final = {
    "auth_algo": "paypal-auth-algo",
    "cert_url": "paypal-cert-url",
    "transmission_id": "paypal-transmission-id",
    "transmission_sig": "paypal-transmission-sig",
    "transmission_time": "paypal-transmission-time",
}
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def events(
    client: PayPalClient,
    since: datetime,
    until: datetime,
    event_type: str | None = None,
    *,
    page_size: int = PAGE_SIZE,
) -> list[Document]:
    """Events created between the instants, oldest first, each as it would have been delivered.

    Raises ``Transient``, also for an answer that is no list, or ``Permanent`` when PayPal refuses
    to list them.
    """
    query = {
        "page_size": str(page_size),
        "start_time": _written(since),
        # Whole seconds: the last one is included.
        "end_time": _written(until + timedelta(seconds=1)),
        **({"event_type": event_type} if event_type else {}),
    }
    pages = _pages(client, f"{EVENTS_PATH}?{urlencode(query)}")
    found = [_as_delivered(event) for page in pages for event in _events(page)]
    # PayPal lists the newest first; where dates are odd or equal, its order decides.
    found.reverse()
    return sorted(found, key=_created)


def recent_captures(client: PayPalClient) -> list[Document]:
    """Events about captures of the last days, oldest first per type."""
    now = clock.now()
    found = [
        event
        for event_type in CAPTURE_EVENTS
        for event in events(client, now - RECENT, now, event_type)
    ]
    return [event for event in found if section(event, "resource")]


def verified(
    client: PayPalClient, webhook_ids: tuple[str, ...], headers: Mapping[str, str], body: bytes
) -> bool | None:
    """Whether PayPal says that it signed this delivery for one of our webhooks; None when it
    cannot be asked now. The body goes back byte for byte: written anew it would be another."""
    if not _is_document(body) or any(name not in headers for name in _FIELDS.values()):
        return False
    fields = {field: headers[name] for field, name in _FIELDS.items()}
    try:
        return any(_is_success(client, {**fields, "webhook_id": one}, body) for one in webhook_ids)
    except (Refusal, Transient):
        return None


def _is_success(client: PayPalClient, fields: Mapping[str, str], body: bytes) -> bool:
    head = msgspec.json.encode(fields)
    request = Call("POST", VERIFY_PATH, head[:-1] + b',"webhook_event":' + body + b"}")
    answer = client.call(request)
    return text(answer, "verification_status") == "SUCCESS"


def _is_document(body: bytes) -> bool:
    """Anything but a complete JSON object would break out of its place in our request."""
    try:
        return isinstance(msgspec.json.decode(body), dict)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False


def _pages(client: PayPalClient, path: str | None) -> list[Document]:
    pages: list[Document] = []
    seen: set[str] = set()
    while path is not None and path not in seen:
        seen.add(path)
        try:
            pages.append(client.call(Call("GET", path)))
        except Refusal as refusal:
            raise permanent(refusal) from refusal
        path = _next_path(pages[-1])
    return pages


def _next_path(page: Document) -> str | None:
    """The next page's path on our own base: a link's host is not followed."""
    address = link(page, "next")
    if address is None:
        return None
    parts = urlsplit(address)
    if not parts.path.endswith(EVENTS_PATH) or not parts.query:
        raise Permanent("PayPal's list of events links to something else")
    return f"{EVENTS_PATH}?{parts.query}"


def _events(page: Document) -> list[Document]:
    """The events of one page. Raises ``Transient`` for an answer that is none: what was not read
    must not be taken for read."""
    if not isinstance(page.get("events"), list) and page.get("count") != 0:
        raise Transient("PayPal's list of events cannot be read: it has no events")
    return sections(page, "events")


def _as_delivered(event: Document) -> Document:
    return {name: value for name, value in event.items() if name not in _NOT_DELIVERED}


def _created(event: Document) -> datetime:
    return instant(event.get("create_time")) or _EPOCH


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
