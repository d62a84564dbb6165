"""What the business needs from outside, as contracts: providers, mail, the doorbell.

Implementations live in ``webhooks/providers`` and ``workers``; tests bring their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

from domain.facts import Decline, Method
from domain.money import Money


class Bell(Protocol):
    """Tells the workers that there is work. A ring may be lost, doubled or late."""

    def ring(self, job: str) -> None:
        """Ask for ``job`` (``process_events``, ``perform_effects``) to be run soon; never raises,
        never blocks."""


class ReadingRequest(msgspec.Struct, frozen=True):
    """An object to be read from a provider: ``kind`` is the provider's own word for it."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """An object as read from a provider; ``sequence`` was drawn before the call was sent.

    ``document`` is None when the provider says that there is no such object.
    """

    sequence: int
    document: dict[str, Any] | None


class CheckoutRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An order to be paid on the provider's page. ``key`` makes repeats harmless."""

    key: str
    order: str
    account: str
    total: Money
    description: str
    email: str | None
    customer: str | None
    """The provider's customer id where one is known."""
    locale: str
    return_url: str
    cancel_url: str
    expires_at: datetime
    save_method: bool = True


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """A page where the customer pays; ``id`` is the provider's."""

    id: str
    url: str
    customer: str | None = None


class MethodRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A page where the customer enters a new means of payment, without paying."""

    key: str
    account: str
    email: str | None
    customer: str | None
    locale: str
    currency: str
    return_url: str
    cancel_url: str


class ChargeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A saved method to be charged while the customer is away."""

    key: str
    order: str
    account: str
    total: Money
    description: str
    token: str
    customer: str | None


class ChargeOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a charge. ``payment`` is the provider's id, None if none was made."""

    status: Literal["succeeded", "pending", "failed"]
    payment: str | None = None
    amount: Money | None = None
    decline: Decline | None = None
    method: Method | None = None


class RefundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Money to be given back, whole or in part."""

    key: str
    payment: str
    amount: Money
    reason: str


class RefundOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a refund."""

    refund: str
    status: Literal["pending", "succeeded", "failed"]


class Gateway(Protocol):
    """Calls to one provider. Synchronous, used by workers only, safe to share between threads.

    Every method raises ``Transient`` (nothing was done, try later), ``Unknown`` (money may have
    moved, ask), ``Permanent`` (pointless to repeat) — and never a provider's own exception.
    """

    def read(self, request: ReadingRequest) -> dict[str, Any] | None:
        """Return the object as a plain document, or None if there is none."""

    def open_checkout(self, request: CheckoutRequest) -> Checkout:
        """Make a page where the order is paid; the same ``key`` gives the same page."""

    def expire_checkout(self, checkout: str) -> bool:
        """Close a checkout; False when it was already completed (money may be coming)."""

    def capture_checkout(self, checkout: str, key: str) -> ChargeOutcome:
        """Take the money of an approved checkout (providers that need it)."""

    def charge(self, request: ChargeRequest) -> ChargeOutcome:
        """Charge a saved method off-session; a decline is an outcome, not an error."""

    def find_charge(self, order: str, key: str) -> ChargeOutcome | None:
        """Ask what became of a charge for ``order`` whose outcome was not heard; None if the
        provider knows of none."""

    def refund(self, request: RefundRequest) -> RefundOutcome:
        """Give money back."""

    def open_method_entry(self, request: MethodRequest) -> Checkout:
        """Make a page where a new method is entered."""

    def complete_method_entry(self, checkout: str, key: str) -> Method | None:
        """Take over a method that was entered on a page, where the provider tells of it by no
        event; None while nothing was entered, or where an event tells."""

    def remove_method(self, token: str) -> None:
        """Forget a saved method; done when it is already gone."""

    def cancel_subscription(self, reference: str, key: str) -> None:
        """End a subscription that the provider runs itself, at once and for good; done when it is
        over already. Gives no money back."""

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> bool | None:
        """The provider's own opinion on a delivery; None where it gives none (or not now)."""

    def list_events(self, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """The provider's own list of what it sent between the two instants, oldest first; each
        an event document as it would have been delivered."""
