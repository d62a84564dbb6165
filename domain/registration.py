"""Accounts as the app makes and changes them (BILLING 1, 3)."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import (
    accounts,
    clock,
    countries,
    credit,
    orders,
    purchasing,
    revisions,
    subscriptions,
    vat_checks,
)
from domain.accounts import Account
from domain.catalogue import Catalogue
from domain.database import insert_once
from domain.errors import Refused
from domain.work import Work

FIELDS: Final = ("email", "locale", "currency", "billing")


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the app tells of an account; ``billing`` holds only what is known."""

    email: str
    locale: str
    currency: str
    billing: dict[str, str]


def register(
    session: Session, catalogue: Catalogue, ref: str, details: Details, actor: str
) -> tuple[Account, bool]:
    """Make the account, or give it new details; True when it was made here.

    Two calls at the same moment make one account. Raises ``Refused``.
    """
    if "country" in details.billing:
        countries.check(details.billing["country"])
    is_new = _insert(session, ref, details)
    account = accounts.lock(session, ref)
    work = Work(session, catalogue, account, actor=actor)
    if is_new:
        work.note("account_created")
    else:
        _update(work, details)
    vat_checks.notice(work)
    return account, is_new


def _insert(session: Session, ref: str, details: Details) -> bool:
    # Most calls are updates: looking first spares them a row number.
    if session.scalar(select(Account.id).where(Account.ref == ref)) is not None:
        return False
    now = clock.now()
    values = {**msgspec.structs.asdict(details), "status": "active"}
    return insert_once(session, Account, ref=ref, created_at=now, updated_at=now, **values)


def _update(work: Work, details: Details) -> None:
    account = work.account
    changed = [name for name in FIELDS if getattr(account, name) != getattr(details, name)]
    if "currency" in changed:
        _leave_currency(work)
    for name in changed:
        setattr(account, name, getattr(details, name))
    if changed:
        work.note("account_updated", fields=", ".join(changed))
        # Billing details change the latest invoice, and that alone (BILLING 8).
        revisions.readdress(work.session, account, work.actor)


def _leave_currency(work: Work) -> None:
    """Only without a running subscription and without credit (BILLING 3)."""
    subscription = subscriptions.of(work.session, work.account.id)
    held = credit.balances(work.session, work.account.id)
    reason = None
    if subscription is not None and subscription.is_running:
        reason = f"its subscription runs until {subscription.period_end:%Y-%m-%d}"
    elif held:
        reason = f"it holds a credit of {', '.join(map(str, held))}"
    if reason is not None:
        raise Refused(
            "currency_fixed",
            f"Account {work.account.ref!r} keeps its currency {work.account.currency}: {reason}. "
            "It can change when there is neither a running subscription nor credit.",
        )
    _drop_open_order(work)


def _drop_open_order(work: Work) -> None:
    # Paying at a price in the old currency would start a period in it.
    order = orders.open_of(work.session, work.account.id)
    if order is not None and purchasing.withdraw(work, order, "superseded"):
        work.note("order_superseded", order=order.id, by="a change of currency")
