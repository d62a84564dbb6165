"""One Stripe account in the sandbox: finds, keeps and changes its objects and tells of it."""

from __future__ import annotations

from typing import Any

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_errors import no_such
from webhooks.sandbox.stripe_events import Events
from webhooks.sandbox.stripe_versions import kind
from webhooks.sandbox.world import World

OBJECTS = {
    "ch": "charge",
    "cs": "checkout.session",
    "cus": "customer",
    "du": "dispute",
    "evt": "event",
    "in": "invoice",
    "inpay": "invoice_payment",
    "pi": "payment_intent",
    "pm": "payment_method",
    "price": "price",
    "prod": "product",
    "re": "refund",
    "seti": "setup_intent",
    "sub": "subscription",
}
"""Types of objects by the prefix of their ids."""


class StripeAccount:
    """The objects of the account. Callers hold ``world.lock`` while they change several."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.store = world.store
        self.events = Events(world)

    def now(self) -> int:
        """The present in whole seconds, as Stripe writes instants."""
        return int(self.world.now().timestamp())

    def new(self, prefix: str, **fields: Any) -> Document:
        """A fresh object, not kept yet: id, type, creation, test mode, and ``fields``."""
        noun = OBJECTS[prefix.split("_", 1)[0]]
        return {
            "id": self.store.new_id(prefix),
            "object": noun,
            "created": self.now(),
            "livemode": False,
            **fields,
        }

    def get(self, noun: str, key: str | None) -> Document | None:
        """The object, or None."""
        return None if key is None else self.store.get(kind(noun), key)

    def fetch(self, noun: str, key: str, param: str = "id") -> Document:
        """The object. Raises ``resource_missing`` naming ``param``."""
        found = self.store.get(kind(noun), key)
        if found is None:
            raise no_such(noun, key, param)
        return found

    def find(self, noun: str, **equal: Any) -> list[Document]:
        """Objects whose fields equal what is given, oldest first."""
        return self.store.find(kind(noun), **equal)

    def by_id(self, key: str) -> Document | None:
        """The object of an id, whatever its type."""
        return self.get(OBJECTS.get(key.split("_", 1)[0], ""), key)

    def save(self, document: Document, *events: str) -> Document:
        """Keep an object and tell of it by ``events``; those that end in ``updated`` (and
        ``charge.refunded``) say what was there before."""
        before = self.get(document["object"], document["id"])
        self.store.put(kind(document["object"]), document["id"], document)
        for event in events:
            compared = event.endswith(".updated") or event == "charge.refunded"
            self.events.emit(event, document, before if compared else None)
        return document
