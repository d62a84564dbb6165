"""Accounts as operators look for them: by what they are, and by what is known of a customer.

No combination of filters walks through accounts that do not belong. What an account is and what its
subscription is stand in one index of the subscriptions (``domain.facets``), whose rows tell of the
account's block for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, select, union
from sqlalchemy.orm import Session

from domain import facets
from domain.accounts import Account, ProviderCustomer
from domain.subscriptions import FACETS, Subscription

_LAST: Final = "\U0010ffff"
_FACETS: Final = tuple(getattr(Subscription, name) for name in FACETS)
_ORDER: Final = (Subscription.account_id,)


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
Rows = Select[*tuple[Any, ...]]


def page(
    session: Session, wanted: AccountFilter, limit: int, before: int | None = None
) -> Sequence[Found]:
    """Up to ``limit`` accounts with their subscriptions that come after the account ``before``:
    the newest first, what a search (``q``) finds by reference."""
    statement = (_searched if wanted.q else _newest)(session, wanted, limit, before)
    ids = [] if statement is None else [row[0] for row in session.execute(statement)]
    if not ids:
        return []
    both = select(Account, Subscription).outerjoin(
        Subscription, Subscription.account_id == Account.id
    )
    rows = session.execute(both.where(Account.id.in_(ids)))
    found = {account.id: (account, subscription) for account, subscription in rows}
    return [found[number] for number in ids]


def _newest(session: Session, wanted: AccountFilter, limit: int, before: int | None) -> Rows | None:
    if _is_impossible(wanted):
        return None
    if not _needs_subscription(wanted):
        older = [Account.id < before] if before is not None else []
        listed = select(Account.id).where(*_own(wanted), *older)
        return facets.in_order(listed, (Account.id,), limit)
    span = [Subscription.account_id < before] if before is not None else []
    return facets.newest(session, _FACETS, _ORDER, _combinations(session, wanted), limit, span)


def _searched(
    session: Session, wanted: AccountFilter, limit: int, before: int | None
) -> Rows | None:
    """What each of the searches finds, by its own index, in the order of the references."""
    if _is_impossible(wanted) or (
        _needs_subscription(wanted) and not _combinations(session, wanted)
    ):
        return None
    last = session.get(Account, before) if before is not None else None
    further = [Account.ref > last.ref] if last is not None else []
    named = (_begins(wanted.q or ""), _mailed(wanted.q or ""), _customer(session, wanted.q or ""))
    each = union(
        *(_one_search(wanted, [condition, *further], limit) for condition in named)
    ).subquery()
    return select(each.c.id).order_by(each.c.ref).limit(limit)


def _one_search(
    wanted: AccountFilter, conditions: Sequence[ColumnElement[bool]], limit: int
) -> Rows:
    statement = select(Account.id, Account.ref).where(*conditions, *_own(wanted))
    if _needs_subscription(wanted):
        statement = statement.join(Subscription, Subscription.account_id == Account.id)
        given = _of_subscription(wanted)
        statement = statement.where(*(getattr(Subscription, k) == v for k, v in given.items()))
    return select(statement.order_by(Account.ref).limit(limit).subquery())


def _needs_subscription(wanted: AccountFilter) -> bool:
    return bool(_of_subscription(wanted))


def _is_impossible(wanted: AccountFilter) -> bool:
    """A blocked account has a reason, and no other has (``invariants``: block_explained)."""
    return wanted.reason is not None and wanted.status not in {None, "blocked"}


def _own(wanted: AccountFilter) -> list[ColumnElement[bool]]:
    """The conditions on the account itself. One on its reason tells its status."""
    if wanted.reason is not None:
        return [Account.blocked_reason == wanted.reason, Account.blocked_reason.is_not(None)]
    return [Account.status == wanted.status] if wanted.status is not None else []


def _of_subscription(wanted: AccountFilter) -> dict[str, str]:
    given = {"state": wanted.state, "plan": wanted.plan, "managed_by": wanted.managed_by}
    return {name: value for name, value in given.items() if value is not None}


def _combinations(session: Session, wanted: AccountFilter) -> list[dict[str, str]]:
    """Those of what subscriptions and their accounts are that exist and are wanted."""
    there = facets.existing(session, _FACETS, _of_subscription(wanted))
    return [each for each in there if _fits(wanted, each["account_blocked"])]


def _fits(wanted: AccountFilter, blocked: str) -> bool:
    if wanted.reason is not None:
        return blocked == wanted.reason != ""
    return wanted.status in {None, "blocked" if blocked else "active"}


def _begins(text: str) -> ColumnElement[bool]:
    # A range, so that the unique index serves the beginning of a reference in any collation; the
    # second condition keeps what only sorts between.
    between = Account.ref.between(text, text + _LAST)
    return between & Account.ref.startswith(text, autoescape=True)


def _mailed(text: str) -> ColumnElement[bool]:
    return Account.email.in_({text, text.lower()})


def _customer(session: Session, text: str) -> ColumnElement[bool]:
    # With each provider named, the primary key is the index.
    providers = [row["provider"] for row in facets.existing(session, (ProviderCustomer.provider,))]
    owners = select(ProviderCustomer.account_id).where(
        ProviderCustomer.provider.in_(providers), ProviderCustomer.customer == text
    )
    return Account.id.in_(session.scalars(owners).all())
