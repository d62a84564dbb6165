"""The contract that a payment provider fulfils, and what passes through it.

A provider is one package with a module attribute ``PROVIDER: ProviderSpec``. The three parts are
named by dotted path and loaded when they are needed, so that the web process never loads the
provider's SDK. ``tests/contract/`` runs against every registered provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import msgspec

from domain.facts import Fact
from domain.money import Money
from domain.ports import Gateway, Reading, ReadingRequest

__all__ = [
    "Claim",
    "Delivery",
    "Envelope",
    "Expiring",
    "Gateway",
    "Identity",
    "ProviderSpec",
    "Reading",
    "ReadingRequest",
    "Translation",
    "Verdict",
    "Verifier",
]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call as received: header names in lower case, values as text; raw body."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What an authentic body says of itself, read without interpreting it.

    ``malformed`` is set (with a made-up event id from the body's hash) when the body is not a
    JSON object with an id and a type; it is stored all the same and parked.
    """

    event_id: str
    event_type: str
    created_at: datetime | None = None
    livemode: bool | None = None
    malformed: bool = False


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a delivery is authentic.

    ``unknown``: cannot be told yet (a certificate could not be had); the delivery is kept in
    quarantine. ``reason`` is for people and carries no secret. ``signer`` tells which of several
    secrets or webhook ids matched, as a position (``secret 2 of 2``), never the secret.
    ``delivery_key`` names the transmission where the provider has such an id: a second body under
    it is a forgery.
    """

    status: Literal["authentic", "forged", "unknown"]
    reason: str = ""
    signer: str = ""
    delivery_key: str | None = None


class Verifier(Protocol):
    """Judges deliveries. Light: loads no SDK; safe to share between threads."""

    def needs_network(self, delivery: Delivery) -> bool:
        """Whether ``verify`` would have to fetch something first (then it is run in a thread)."""

    def verify(self, delivery: Delivery) -> Verdict:
        """Judge a delivery. Never raises for anything a caller can send."""

    def identify(self, body: bytes) -> Identity:
        """Read id and type from an authentic body. Never raises."""


@runtime_checkable
class Expiring(Protocol):
    """A verifier whose trust ends at a moment that it knows, such as a certificate's. Optional."""

    def trusted_until(self) -> datetime | None:
        """Until when what verified last holds; None before anything was verified."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A stored event on its way to translation."""

    event_id: str
    event_type: str
    body: bytes
    received_at: datetime


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a body says of itself before anything proves it: to find the event by, and to tell how
    much hangs on it while it is stuck. No rule may read it."""

    order: str | None = None
    payment: str | None = None
    amount: Money | None = None


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """What an event says in neutral terms.

    Either ``facts`` (in the order in which they are to be applied), or ``needs``: objects that
    must be read from the provider before anything can be said (then ``facts`` is empty), or
    ``ignored``: a short reason why there is nothing for us in it (an unknown type, test mode, …).
    """

    facts: tuple[Fact, ...] = ()
    needs: tuple[ReadingRequest, ...] = ()
    ignored: str = ""
    claim: Claim | None = None
    """With ``needs``: what the body claims meanwhile."""


class Translator(Protocol):
    """Pure: no network, no database, no clock."""

    def __call__(
        self, envelope: Envelope, readings: Mapping[ReadingRequest, Reading]
    ) -> Translation:
        """Translate; raises ``domain.errors.Permanent`` when the body is of a known type but
        does not hold what that type must hold (it is parked with the message)."""


class Configuration(Protocol):
    """A provider's own settings; the rest of the process asks only these two things of them."""

    @property
    def livemode(self) -> bool:
        """Whether real money moves."""

    def secrets(self) -> tuple[str, ...]:
        """Values that must appear in no log, error or metric."""


class ProviderSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One provider, as the registry knows it. All parts are dotted paths ``module:attribute``.

    - ``configure``: ``(environ: Mapping[str, str], sandbox: str | None) -> Configuration | None``;
      None when none of its settings is present (the provider is off); raises
      ``domain.errors.Misconfigured`` naming the variable when some are present and others missing
      or wrong. ``sandbox`` is the base URL of ``BILLHOOK_SANDBOX``.
    - ``verifier``: ``(configuration) -> Verifier``
    - ``translator``: ``(configuration) -> Translator``
    - ``gateway``: ``(configuration) -> Gateway`` — the only part that may load an SDK
    - ``sightings``: a mapping of each of ``domain.comparison.KINDS`` to its ``Look``; without it
      our books are not compared with the provider's
    """

    name: str
    title: str
    """For people: ``Stripe``."""
    prefix: str
    """Its settings begin with this: ``STRIPE_``."""
    methods: tuple[str, ...]
    """Values of ``method`` in an order that this provider serves: ``("card",)``."""
    configure: str
    verifier: str
    translator: str
    gateway: str
    event_types: tuple[str, ...]
    """The event types an operator should subscribe the endpoint to."""
    sightings: str | None = None
