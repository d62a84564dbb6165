"""Every module that defines tables, imported so that ``Base.metadata`` is complete."""

from __future__ import annotations

from domain import (
    accounts,
    alerts,
    audit,
    credit,
    disputes,
    effects,
    history,
    inbox,
    invoice_files,
    invoices,
    leases,
    managed_subscriptions,
    methods,
    orders,
    payments,
    readings,
    refunds,
    revisions,
    subscriptions,
    tokens,
    vat_numbers,
)
from domain.database import Base

__all__ = [
    "accounts",
    "alerts",
    "audit",
    "credit",
    "disputes",
    "effects",
    "history",
    "inbox",
    "invoice_files",
    "invoices",
    "leases",
    "managed_subscriptions",
    "metadata",
    "methods",
    "orders",
    "payments",
    "readings",
    "refunds",
    "revisions",
    "subscriptions",
    "tokens",
    "vat_numbers",
]

metadata = Base.metadata
