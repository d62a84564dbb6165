"""Every module that defines tables, imported so that ``Base.metadata`` is complete."""

from __future__ import annotations

from domain import (
    accounts,
    alerts,
    audit,
    credit,
    disputes,
    effects,
    exchange_rates,
    history,
    inbox,
    invoice_files,
    invoices,
    leases,
    managed_subscriptions,
    methods,
    operator_sessions,
    operators,
    orders,
    payments,
    readings,
    refunds,
    revisions,
    sign_in,
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
    "exchange_rates",
    "history",
    "inbox",
    "invoice_files",
    "invoices",
    "leases",
    "managed_subscriptions",
    "metadata",
    "methods",
    "operator_sessions",
    "operators",
    "orders",
    "payments",
    "readings",
    "refunds",
    "revisions",
    "sign_in",
    "subscriptions",
    "tokens",
    "vat_numbers",
]

metadata = Base.metadata
