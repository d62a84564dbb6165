"""An account as the app sees it: status, subscription, money, what comes next."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from domain import (
    clock,
    credit,
    expiry,
    masking,
    methods,
    orders,
    quotes,
    subscriptions,
    timetable,
    vat_numbers,
)
from domain.accounts import Account
from domain.catalogue import Catalogue
from domain.money import Money, zero
from domain.subscriptions import OURS, Subscription


class BillingState(msgspec.Struct, frozen=True, kw_only=True):
    """The buyer on invoices, as it was told last."""

    name: str | None = None
    street: str | None = None
    city: str | None = None
    postal_code: str | None = None
    country: str | None = None
    vat_number: str | None = None
    email: str | None = None


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Why and since when an account has no access."""

    reason: Annotated[
        str,
        Meta(description="`subscription_expired`, `refunded`, `dispute_lost` or an operator's."),
    ]
    at: datetime


class SubscriptionState(msgspec.Struct, frozen=True, kw_only=True):
    """What the account has. The period is `[period_start, period_end)`."""

    plan: str
    interval: str
    agents: int
    conversations: int
    period_start: datetime
    period_end: datetime
    auto_renew: bool
    auto_renew_off_reason: str | None
    state: Annotated[
        str,
        Meta(
            description="`active`; `past_due`: over, its renewal is being retried; `expired`: "
            "over; `ended`: refunded, disputed or cancelled before its time."
        ),
    ]
    managed_by: Annotated[
        str, Meta(description="`us`, or the provider that runs the subscription by itself.")
    ]


class SavedMethod(msgspec.Struct, frozen=True, kw_only=True):
    """The means of payment that renewals are charged to."""

    label: Annotated[str, Meta(description="For people: `visa ····4242`.")]
    kind: str
    brand: str | None
    last4: str | None
    expires: Annotated[str | None, Meta(description="`YYYY-MM` for cards.")]


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order that waits to be paid."""

    id: str
    state: str
    total: Money
    due: Money
    checkout_url: str | None
    expires_at: datetime


class NextCharge(msgspec.Struct, frozen=True, kw_only=True):
    """The next try to renew, at today's prices, with VAT, less the credit held."""

    at: datetime
    amount: Money


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """A warning for the app's dashboard: the subscription ends and will not renew by itself."""

    kind: str
    ends_at: datetime
    days_left: int


class VatState(msgspec.Struct, frozen=True, kw_only=True):
    """The VAT number and what is known of it.

    `checking` until VIES answered `valid` or `invalid`; `unavailable`: it could not be asked yet;
    `malformed`: not a number of that country; `unchecked`: nothing to ask VIES about, because the
    country is the seller's, outside the EU, or not told."""

    number: str | None
    status: str | None
    checked_at: Annotated[datetime | None, Meta(description="When VIES answered last.")]


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """One account, complete."""

    ref: str
    email: str
    locale: str
    currency: str
    billing: BillingState
    status: Annotated[str, Meta(description="`active` or `blocked`.")]
    blocked: Block | None
    subscription: SubscriptionState | None
    credit: Annotated[Money, Meta(description="Held in the account's currency; used first.")]
    credit_other: Annotated[
        list[Money],
        Meta(description="Held in other currencies (from payments that came in them)."),
    ]
    payment_method: SavedMethod | None
    open_order: OpenOrder | None
    next_charge: NextCharge | None
    warnings: list[Ending]
    vat: VatState


def state_of(session: Session, catalogue: Catalogue, account: Account) -> AccountState:
    """Put the state of an account together, as of now."""
    subscription = subscriptions.of(session, account.id)
    held = {money.currency: money for money in credit.balances(session, account.id)}
    billing = msgspec.convert(account.billing, BillingState)
    return AccountState(
        ref=account.ref,
        email=account.email,
        locale=account.locale,
        currency=account.currency,
        billing=billing,
        status=account.status,
        blocked=_block(account),
        subscription=_subscription(subscription),
        credit=held.pop(account.currency, zero(account.currency)),
        credit_other=list(held.values()),
        payment_method=_method(session, account),
        open_order=_open_order(session, account),
        next_charge=_next_charge(session, catalogue, account, subscription),
        warnings=_warnings(catalogue, subscription),
        vat=_vat(session, account),
    )


def for_viewers(state: AccountState) -> AccountState:
    """The same with everything covered that tells who the customer is."""
    cover = masking.covered
    method = state.payment_method
    return msgspec.structs.replace(
        state,
        email=cover(state.email),
        billing=msgspec.convert(cover(msgspec.to_builtins(state.billing)), BillingState),
        payment_method=method and msgspec.convert(cover(msgspec.to_builtins(method)), SavedMethod),
        vat=msgspec.structs.replace(state.vat, number=cover(state.vat.number)),
    )


def _block(account: Account) -> Block | None:
    if account.blocked_reason is None or account.blocked_at is None:
        return None
    return Block(reason=account.blocked_reason, at=account.blocked_at)


def _subscription(subscription: Subscription | None) -> SubscriptionState | None:
    if subscription is None:
        return None
    names = (field.name for field in msgspec.structs.fields(SubscriptionState))
    return SubscriptionState(**{name: getattr(subscription, name) for name in names})


def _method(session: Session, account: Account) -> SavedMethod | None:
    method = methods.current(session, account.id)
    if method is None:
        return None
    names = (field.name for field in msgspec.structs.fields(SavedMethod))
    return SavedMethod(**{name: getattr(method, name) for name in names})


def _open_order(session: Session, account: Account) -> OpenOrder | None:
    order = orders.open_of(session, account.id)
    if order is None:
        return None
    return OpenOrder(
        id=order.id,
        state=order.state,
        total=Money(order.total, order.currency),
        due=order.money_due,
        checkout_url=order.checkout_url,
        expires_at=order.expires_at,
    )


def _next_charge(
    session: Session, catalogue: Catalogue, account: Account, subscription: Subscription | None
) -> NextCharge | None:
    # Who has no access is not charged for it.
    if subscription is None or not _renews(subscription) or account.status == "blocked":
        return None
    at = timetable.next_try(catalogue, subscription, clock.now())
    if at is None:
        return None
    order = orders.open_of(session, account.id)
    if order is not None and order.kind == "renewal":
        return NextCharge(at=at, amount=order.money_due)
    quote = quotes.of_renewal(session, catalogue, account, subscription)
    return NextCharge(at=at, amount=quote.due)


def _renews(subscription: Subscription) -> bool:
    ours = subscription.managed_by == OURS
    return ours and subscription.auto_renew and subscription.is_running


def _warnings(catalogue: Catalogue, subscription: Subscription | None) -> list[Ending]:
    """Auto-renew is off and the end is near (BILLING 6)."""
    if subscription is None or subscription.state != "active" or subscription.auto_renew:
        return []
    days = expiry.days_left(subscription, clock.now())
    if not 0 < days <= max(catalogue.expiry.warning_days):
        return []
    return [Ending(kind="subscription_ends", ends_at=subscription.period_end, days_left=days)]


def _vat(session: Session, account: Account) -> VatState:
    number = account.billing.get("vat_number")
    check = vat_numbers.of_account(session, account.id) if number else None
    if check is None:
        return VatState(number=number, status=number and vat_numbers.UNCHECKED, checked_at=None)
    return VatState(number=number, status=check.status, checked_at=check.checked_at)
