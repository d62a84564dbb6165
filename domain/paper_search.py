"""Invoices and credit notes as operators look for them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.accounts import Account
from domain.invoices import Invoice


class PaperFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the list is narrowed to: a whole number, an account's reference, a kind, a series."""

    number: str | None = None
    account: str | None = None
    kind: str | None = None
    series: str | None = None


def page(
    session: Session, wanted: PaperFilter, limit: int, before: int | None = None
) -> Sequence[tuple[Invoice, str]]:
    """Up to ``limit`` papers with their accounts' references, newest first, older than the row
    ``before``."""
    statement = select(Invoice, Account.ref).join(Account, Account.id == Invoice.account_id)
    equal = {
        Invoice.number: wanted.number,
        Account.ref: wanted.account,
        Invoice.kind: wanted.kind,
        Invoice.series: wanted.series,
    }
    for column, value in equal.items():
        if value is not None:
            statement = statement.where(column == value)
    if before is not None:
        statement = statement.where(Invoice.id < before)
    rows = session.execute(statement.order_by(Invoice.id.desc()).limit(limit))
    return [(invoice, ref) for invoice, ref in rows]
