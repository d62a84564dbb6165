"""Indexes of long lists.

Indexes that serve lists of any length in their order, for every combination of what they are
narrowed by; two columns tell what those indexes need: why the account of a subscription is blocked,
and when a charge for a renewal failed last.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.database import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COPY_BLOCKS = """
UPDATE subscriptions SET account_blocked = (
    SELECT accounts.blocked_reason FROM accounts WHERE accounts.id = subscriptions.account_id)
WHERE account_id IN (SELECT id FROM accounts WHERE blocked_reason IS NOT NULL)
"""
_ORDER = {"postgresql": "details ->> 'order'", "sqlite": "json_extract(details, '$.order')"}
_COPY_FAILURES = """
UPDATE orders SET charge_failed_at = failed.at
FROM (SELECT {order} AS id, max(at) AS at FROM history
      WHERE kind = 'renewal_failed' GROUP BY 1) AS failed
WHERE failed.id = orders.id
"""
_AT_RISK = """
status IN ('parked', 'waiting', 'unmatched') AND amount IS NOT NULL AND currency IS NOT NULL
"""
_REPLACED = (
    ("ix_invoices_account", "invoices", ["account_id", "issued_at"]),
    ("ix_audit_actor", "audit", ["actor", "id"]),
    ("ix_audit_action", "audit", ["action", "id"]),
    ("ix_audit_subject", "audit", ["subject_kind", "subject", "id"]),
    ("ix_subscriptions_state", "subscriptions", ["state", "account_id"]),
    ("ix_events_account", "events", ["account_id", "id"]),
)
_NEW: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("ix_invoices_facets", "invoices", ["kind", "series", "id"], None),
    ("ix_audit_facets", "audit", ["actor", "action", "subject_kind", "id"], None),
    ("ix_audit_action", "audit", ["action", "subject_kind", "id"], None),
    ("ix_audit_subject", "audit", ["subject", "id"], None),
    (
        "ix_subscriptions_facets",
        "subscriptions",
        ["state", "plan", "managed_by", "account_blocked", "account_id"],
        None,
    ),
    ("ix_subscriptions_over", "subscriptions", ["period_end"], "state IN ('active', 'past_due')"),
    ("ix_subscriptions_ended", "subscriptions", ["ended_at"], "ended_at IS NOT NULL"),
    (
        "ix_subscriptions_unplanned",
        "subscriptions",
        ["account_id"],
        "next_due_at IS NULL AND state IN ('active', 'past_due')",
    ),
    ("ix_accounts_reason", "accounts", ["blocked_reason", "id"], "blocked_reason IS NOT NULL"),
    (
        "ix_events_account",
        "events",
        ["account_id", "received_at", "id"],
        "account_id IS NOT NULL",
    ),
    (
        "ix_events_at_risk",
        "events",
        ["currency", "amount"],
        _AT_RISK,
    ),
    (
        "ix_orders_charge_failed",
        "orders",
        ["charge_failed_at", "state"],
        "charge_failed_at IS NOT NULL",
    ),
)


def upgrade() -> None:
    """Apply."""
    blocked = sa.Column("account_blocked", sa.Text(), server_default="", nullable=False)
    op.add_column("subscriptions", blocked)
    op.add_column("orders", sa.Column("charge_failed_at", Instant(), nullable=True))
    op.execute(_COPY_BLOCKS)
    op.execute(_COPY_FAILURES.format(order=_ORDER[op.get_bind().dialect.name]))
    for name, table, _ in _REPLACED:
        op.drop_index(name, table)
    op.create_index(
        "ix_invoices_account",
        "invoices",
        ["account_id", "id"],
        postgresql_include=["kind", "series"],
    )
    for name, table, columns, condition in _NEW:
        where = sa.text(condition) if condition else None
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_invoices_account", "invoices")
    for name, table, *_ in _NEW:
        op.drop_index(name, table)
    for name, table, columns in _REPLACED:
        op.create_index(name, table, columns)
    op.drop_column("orders", "charge_failed_at")
    op.drop_column("subscriptions", "account_blocked")
