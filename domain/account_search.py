"""Accounts as operators look for them: by what they are, and by what is known of a customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from domain.accounts import Account, ProviderCustomer
from domain.subscriptions import Subscription

_LAST: Final = "\U0010ffff"


class AccountFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the list is narrowed to; None does not narrow.

    ``q`` is the beginning of a reference, a whole e-mail address, or a provider's customer id.
    """

    status: str | None = None
    reason: str | None = None
    state: str | None = None
    plan: str | None = None
    managed_by: str | None = None
    q: str | None = None


Found = tuple[Account, Subscription | None]


def page(
    session: Session, wanted: AccountFilter, limit: int, before: int | None = None
) -> Sequence[Found]:
    """Up to ``limit`` accounts with their subscriptions, newest first, older than ``before``."""
    statement = select(Account, Subscription).join(
        Subscription, Subscription.account_id == Account.id, isouter=not _needs_subscription(wanted)
    )
    statement = _narrowed(statement, wanted)
    if before is not None:
        statement = statement.where(Account.id < before)
    rows = session.execute(statement.order_by(Account.id.desc()).limit(limit))
    return [(account, subscription) for account, subscription in rows]


def _needs_subscription(wanted: AccountFilter) -> bool:
    return any((wanted.state, wanted.plan, wanted.managed_by))


def _narrowed(
    statement: Select[Account, Subscription], wanted: AccountFilter
) -> Select[Account, Subscription]:
    equal = {
        Account.status: wanted.status,
        Account.blocked_reason: wanted.reason,
        Subscription.state: wanted.state,
        Subscription.plan: wanted.plan,
        Subscription.managed_by: wanted.managed_by,
    }
    for column, value in equal.items():
        if value is not None:
            statement = statement.where(column == value)
    return statement.where(_named(wanted.q)) if wanted.q else statement


def _named(text: str) -> ColumnElement[bool]:
    customers = select(ProviderCustomer.account_id).where(ProviderCustomer.customer == text)
    # A range, so that the unique index serves the beginning of a reference in any collation; the
    # second condition keeps what only sorts between.
    begins = Account.ref.between(text, text + _LAST) & Account.ref.startswith(text, autoescape=True)
    return or_(begins, Account.email.in_({text, text.lower()}), Account.id.in_(customers))
