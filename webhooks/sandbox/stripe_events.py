"""Stripe's events: their envelope, their two spellings on the wire, their way to the courier."""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from datetime import datetime

import msgspec

from webhooks.sandbox.delivery import Message
from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_signature import sign
from webhooks.sandbox.stripe_versions import NEWEST, difference, kind, render
from webhooks.sandbox.world import World

SPREAD = "spread"
COMPACT = "compact"
STYLES = (SPREAD, COMPACT)
"""How empty containers are printed; both occur on the wire, so only raw bytes can be verified."""

_EMPTY_AT_LINE_END = re.compile(r"^( *)(.*)(\[\]|\{\})(,?)$", re.MULTILINE)
_USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


class Caller(msgspec.Struct, frozen=True):
    """The API request that causes events; empty for what happens without one."""

    request_id: str | None = None
    idempotency_key: str | None = None


caller: ContextVar[Caller] = ContextVar("caller", default=Caller())  # noqa: B039 - it is frozen


class Events:
    """Makes events, keeps them for ``GET /v1/events``, and hands them to the courier."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def api_version(self) -> str:
        """The version in which the webhook endpoint is served."""
        return str(self.world.setting("stripe_api_version", NEWEST))

    @property
    def secrets(self) -> list[str]:
        """The endpoint's secrets; two while one is rolled."""
        first = self.world.credentials.stripe_webhook_secret
        return list(self.world.setting("stripe_webhook_secrets", [first]))

    def emit(self, event_type: str, document: Document, before: Document | None = None) -> str:
        """Tell that ``type`` happened to ``document``; returns the event's id."""
        version = self.api_version
        data: Document = {"object": render(document, version, self.world.store)}
        if before is not None:
            was = render(before, version, self.world.store)
            data["previous_attributes"] = difference(was, data["object"])
        return self._keep("event", self._envelope(event_type, version, data))

    def thin(self, event_type: str, related: Document | None, reason: Document | None) -> str:
        """Send a v2 event, which names an object and does not hold it
        (https://docs.stripe.com/event-destinations#thin-events)."""
        event: Document = {
            "id": self.world.store.new_id("evt_test"),
            "object": "v2.core.event",
            "type": event_type,
            "livemode": False,
            "created": self.world.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "related_object": related,
            "reason": reason,
        }
        return self._keep("v2.core.event", event)

    def twin(self, event_id: str) -> str | None:
        """Tell the same change once more as a second event, which happens at Stripe; its id."""
        event = self.world.store.get(kind("event"), event_id)
        if event is None:
            return None
        event["id"] = self.world.store.new_id("evt")
        return self._keep("event", event)

    def resend(self, event_id: str) -> bool:
        """Send an event again; False when there is none of that id."""
        for noun in ("event", "v2.core.event"):
            event = self.world.store.get(kind(noun), event_id)
            if event is not None:
                self._post(event)
                return True
        return False

    def _envelope(self, event_type: str, version: str, data: Document) -> Document:
        by = caller.get()
        return {
            "id": self.world.store.new_id("evt"),
            "object": "event",
            "api_version": version,
            "created": int(self.world.now().timestamp()),
            "data": data,
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": by.request_id, "idempotency_key": by.idempotency_key},
            "type": event_type,
        }

    def _keep(self, noun: str, event: Document) -> str:
        self.world.store.put(kind(noun), event["id"], event)
        self._post(event)
        return str(event["id"])

    def _post(self, event: Document) -> None:
        body = spell(event, str(self.world.setting("stripe_style", SPREAD)))

        def signed(at: datetime) -> dict[str, str]:
            return {"Stripe-Signature": sign(self.secrets, body, at), "User-Agent": _USER_AGENT}

        self.world.courier.post(Message("stripe", event["id"], event["type"], body, signed))


def spell(event: Document, style: str) -> bytes:
    """The bytes of an event: indented by two, empty containers ``spread`` or ``compact``."""
    text = json.dumps(event, indent=2, ensure_ascii=False)
    if style == SPREAD:
        text = _EMPTY_AT_LINE_END.sub(_spread, text)
    return text.encode()


def _spread(found: re.Match[str]) -> str:
    indent, before, empty, comma = found.groups()
    gap = "\n\n" if empty == "[]" else "\n"
    return f"{indent}{before}{empty[0]}{gap}{indent}{empty[1]}{comma}"
