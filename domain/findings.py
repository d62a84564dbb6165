"""How a query of ``domain.invariants`` says what it found: rows of subject and detail, as text."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Text, cast, literal
from sqlalchemy.sql.elements import ColumnElement

from domain.accounts import Account
from domain.payments import Payment

Findings = Select[str, str]
"""Subject (``account acme``) and detail (``its credit is -100 CZK``)."""


def account() -> ColumnElement[str]:
    """The account of the row."""
    return named("account ", Account.ref)


def payment() -> ColumnElement[str]:
    """The payment of the row, by the provider and the provider's id."""
    return named("payment ", Payment.provider, ":", Payment.reference)


def named(*parts: Any) -> ColumnElement[str]:
    """One text of words and columns; NULL when a column is."""
    told: ColumnElement[str] = literal("")
    for part in parts:
        told = told + (literal(part) if isinstance(part, str) else cast(part, Text))
    return told
