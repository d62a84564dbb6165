"""Provider-neutral statements in the past tense; what a provider's event is translated into.

Every id is the provider's own, as text, and is unique only together with the provider that said
it. A fact repeats nothing that could be derived; fields are None where the provider did not say.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from domain.money import Money

DeclineKind = Literal["hard", "soft"]
RefundStatus = Literal["pending", "succeeded", "failed"]
DisputeOutcome = Literal["won", "lost", "withdrawn"]
ManagedState = Literal["incomplete", "active", "past_due", "suspended", "ended"]


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A means of payment: ``kind`` is ``card`` or ``wallet``; ``token`` is what can be charged
    again (None when it was not saved), ``customer`` the provider's id of its owner."""

    kind: str
    brand: str | None = None
    last4: str | None = None
    expires: str | None = None
    """``YYYY-MM`` for cards."""
    token: str | None = None
    customer: str | None = None


class Decline(msgspec.Struct, frozen=True, kw_only=True):
    """Why a charge failed: the provider's code, and whether another try can help (BILLING 5)."""

    code: str
    kind: DeclineKind
    message: str | None = None


class Period(msgspec.Struct, frozen=True):
    """A paid span of time, ``[start, end)``, instants in UTC."""

    start: datetime
    end: datetime


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Root of all facts."""


class PaymentSucceeded(Fact, frozen=True, kw_only=True):
    """Money is there: ``payment`` moved ``amount`` to us."""

    payment: str
    amount: Money
    order: str | None = None
    account: str | None = None
    """The account's ref where the provider's metadata carry it."""
    customer: str | None = None
    subscription: str | None = None
    """The provider's subscription that this money pays for (provider-run subscriptions)."""
    period: Period | None = None
    method: Method | None = None
    at: datetime | None = None


class PaymentPending(Fact, frozen=True, kw_only=True):
    """The customer did their part and the money is on its way; it activates nothing."""

    payment: str
    amount: Money
    order: str | None = None
    account: str | None = None
    customer: str | None = None
    reason: str | None = None


class PaymentFailed(Fact, frozen=True, kw_only=True):
    """A try to pay failed. A later try of the same payment may still succeed."""

    payment: str
    decline: Decline
    amount: Money | None = None
    order: str | None = None
    account: str | None = None
    customer: str | None = None
    subscription: str | None = None


class CheckoutApproved(Fact, frozen=True, kw_only=True):
    """The customer approved a checkout whose money must now be captured by us."""

    checkout: str
    order: str | None = None


class CheckoutExpired(Fact, frozen=True, kw_only=True):
    """A checkout can no longer be paid."""

    checkout: str
    order: str | None = None


class MethodSaved(Fact, frozen=True, kw_only=True):
    """A means of payment can be charged again (``method.token`` is set)."""

    method: Method
    customer: str | None = None
    order: str | None = None
    account: str | None = None


class MethodRemoved(Fact, frozen=True, kw_only=True):
    """A saved means of payment can no longer be charged."""

    token: str
    customer: str | None = None


class RefundReported(Fact, frozen=True, kw_only=True):
    """One refund of a payment; ``amount`` positive. ``reversal`` when the provider or a bank
    took the money back without our asking."""

    refund: str
    payment: str
    amount: Money
    status: RefundStatus
    reversal: bool = False


class RefundTotalReported(Fact, frozen=True, kw_only=True):
    """How much of a payment was given back in all; totals are compared, not counted."""

    payment: str
    total: Money


class DisputeOpened(Fact, frozen=True, kw_only=True):
    """The payer contests a payment."""

    dispute: str
    payment: str
    amount: Money
    reason: str | None = None


class DisputeClosed(Fact, frozen=True, kw_only=True):
    """A dispute ended."""

    dispute: str
    payment: str
    amount: Money
    outcome: DisputeOutcome
    reason: str | None = None


class SubscriptionRead(Fact, frozen=True, kw_only=True):
    """The state of a provider-run subscription, as read from the provider.

    ``sequence`` was drawn before the reading: of two readings the one drawn later is believed.
    What is bought comes from metadata that the app put there (``plan``, ``interval``, ``agents``,
    ``conversations``), or from the ``order`` of ours that it was started with. ``period`` is a span
    that is settled, by money or because it is free; None while its money is still to come.
    """

    subscription: str
    state: ManagedState
    sequence: int
    order: str | None = None
    account: str | None = None
    customer: str | None = None
    plan: str | None = None
    interval: str | None = None
    agents: int | None = None
    conversations: int | None = None
    """Chatbot conversations per month; None: as many as the plan includes."""
    quantity: int | None = None
    """How many units the provider charges for: the agents, where ``agents`` does not say."""
    period: Period | None = None
    auto_renew: bool = True
    given_up: bool = False
    """The provider ended it, suspended it or stopped trying because it could not collect."""
    ended_at: datetime | None = None


class SubscriptionPaymentFailed(Fact, frozen=True, kw_only=True):
    """A provider could not collect the money of a subscription that it runs.

    It comes with a ``SubscriptionRead``, which says what became of the subscription.
    ``next_attempt_at`` None means that the provider will not try again (or did not say).
    """

    subscription: str
    decline: Decline
    attempt: int | None = None
    final: bool = False
    next_attempt_at: datetime | None = None


class CustomerRemoved(Fact, frozen=True, kw_only=True):
    """The provider's record of a customer is gone, and with it the methods saved there."""

    customer: str


class FraudWarned(Fact, frozen=True, kw_only=True):
    """A bank reported a payment as probably fraudulent; a person should look."""

    payment: str
    reason: str | None = None


class MandateChanged(Fact, frozen=True, kw_only=True):
    """The permission to charge a saved method changed; ``active`` False means it is gone."""

    token: str
    active: bool
