"""Invoices and credit notes as operators look for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, defer

from domain import facets
from domain.accounts import Account
from domain.invoices import FACETS, Invoice

_FACETS: Final = tuple(getattr(Invoice, name) for name in FACETS)
_ORDER: Final = (Invoice.id,)


class PaperFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the list is narrowed to: a whole number, an account's reference, a kind, a series."""

    number: str | None = None
    account: str | None = None
    kind: str | None = None
    series: str | None = None


def page(
    session: Session, wanted: PaperFilter, limit: int, before: int | None = None
) -> Sequence[tuple[Invoice, str]]:
    """Up to ``limit`` papers, without their contents, with their accounts' references, newest
    first, older than the row ``before``."""
    older = [Invoice.id < before] if before is not None else []
    found = _found(session, wanted, limit, older)
    ids = [] if found is None else session.scalars(found).all()
    if not ids:
        return []
    statement = (
        select(Invoice, Account.ref)
        .join(Account, Account.id == Invoice.account_id)
        .where(Invoice.id.in_(ids))
        .order_by(Invoice.id.desc())
        .options(defer(Invoice.content, raiseload=True))
    )
    return [(invoice, ref) for invoice, ref in session.execute(statement)]


def _found(
    session: Session, wanted: PaperFilter, limit: int, older: list[ColumnElement[bool]]
) -> Select[Any] | None:
    """A query for the numbers of the rows of a page; None when there can be none."""
    given = {"kind": wanted.kind, "series": wanted.series}
    narrow = {name: value for name, value in given.items() if value is not None}
    named = _named(session, wanted)
    if narrow and not named:
        there = facets.existing(session, _FACETS, narrow)
        return facets.newest(session, _FACETS, _ORDER, there, limit, older)
    equal = [getattr(Invoice, name) == value for name, value in narrow.items()]
    return facets.in_order(select(Invoice.id).where(*named, *equal, *older), _ORDER, limit)


def _named(session: Session, wanted: PaperFilter) -> list[ColumnElement[bool]]:
    """The conditions that name a paper or an account."""
    found: list[ColumnElement[bool]] = []
    if wanted.number is not None:
        found.append(Invoice.number == wanted.number)
    if wanted.account is not None:
        owner = session.scalar(select(Account.id).where(Account.ref == wanted.account))
        # By its number, not by a join: the index of one account's papers is in their order.
        found.append(Invoice.account_id == (owner or 0))
    return found
