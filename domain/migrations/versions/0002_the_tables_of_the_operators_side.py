"""The tables of the operators' side."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.database import BigId, Instant, Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit",
        sa.Column("id", BigId, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("account_id", BigId, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("details", Json, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_account", ["account_id", "id"], unique=False)
        batch_op.create_index("ix_audit_action", ["action", "id"], unique=False)
        batch_op.create_index("ix_audit_actor", ["actor", "id"], unique=False)
        batch_op.create_index("ix_audit_subject", ["subject_kind", "subject", "id"], unique=False)

    op.create_table(
        "exchange_rates",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("per_euro", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "currency"),
    )
    op.create_table(
        "operator_sessions",
        sa.Column("id", BigId, nullable=False),
        sa.Column("operator_id", BigId, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("last_seen_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    with op.batch_alter_table("operator_sessions", schema=None) as batch_op:
        batch_op.create_index("ix_operator_sessions_operator", ["operator_id", "id"], unique=False)

    op.create_table(
        "operators",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("password_changed_at", Instant(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("disabled_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "sign_in_limits",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("free_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("sign_in_limits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_limits_free_at"), ["free_at"], unique=False)

    op.create_table(
        "invoice_revisions",
        sa.Column("id", BigId, nullable=False),
        sa.Column("invoice_id", BigId, nullable=False),
        sa.Column("revision", BigId, nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.Column("replaced_at", Instant(), nullable=False),
        sa.Column("replaced_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoices.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("invoice_id", "revision"),
    )
    with op.batch_alter_table("effects", schema=None) as batch_op:
        batch_op.add_column(sa.Column("failed_at", Instant(), nullable=True))
        batch_op.create_index(
            "ix_effects_fingerprint",
            ["fingerprint", "id"],
            unique=False,
            postgresql_where=sa.text("fingerprint IS NOT NULL"),
            postgresql_ops={"fingerprint": "text_pattern_ops"},
            sqlite_where=sa.text("fingerprint IS NOT NULL"),
        )

    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("amount", BigId, nullable=True))
        batch_op.add_column(sa.Column("currency", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("failed_at", Instant(), nullable=True))
        batch_op.drop_index(batch_op.f("ix_events_status"))
        batch_op.create_index(
            "ix_events_facets",
            ["status", "provider", "type", "origin", "received_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_events_fingerprint",
            ["fingerprint", "received_at", "id"],
            unique=False,
            postgresql_where=sa.text("fingerprint IS NOT NULL"),
            postgresql_ops={"fingerprint": "text_pattern_ops"},
            sqlite_where=sa.text("fingerprint IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_events_order_id",
            ["order_id"],
            unique=False,
            postgresql_where=sa.text("order_id IS NOT NULL"),
            postgresql_ops={"order_id": "text_pattern_ops"},
            sqlite_where=sa.text("order_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_events_payment",
            ["payment"],
            unique=False,
            postgresql_where=sa.text("payment IS NOT NULL"),
            postgresql_ops={"payment": "text_pattern_ops"},
            sqlite_where=sa.text("payment IS NOT NULL"),
        )

    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "awaits_rate", sa.Boolean(), server_default=sa.text("(false)"), nullable=False
            )
        )
        batch_op.create_index(
            "ix_invoices_awaits_rate",
            ["id"],
            unique=False,
            postgresql_where=sa.text("awaits_rate"),
            sqlite_where=sa.text("awaits_rate"),
        )
        batch_op.create_index("ix_invoices_corrects", ["corrects_id"], unique=False)

    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("suspended_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("retries_from", Instant(), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.drop_column("retries_from")
        batch_op.drop_column("suspended_at")

    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.drop_index("ix_invoices_corrects")
        batch_op.drop_index(
            "ix_invoices_awaits_rate",
            postgresql_where=sa.text("awaits_rate"),
            sqlite_where=sa.text("awaits_rate"),
        )
        batch_op.drop_column("awaits_rate")

    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_events_payment",
            postgresql_where=sa.text("payment IS NOT NULL"),
            postgresql_ops={"payment": "text_pattern_ops"},
            sqlite_where=sa.text("payment IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_events_order_id",
            postgresql_where=sa.text("order_id IS NOT NULL"),
            postgresql_ops={"order_id": "text_pattern_ops"},
            sqlite_where=sa.text("order_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_events_fingerprint",
            postgresql_where=sa.text("fingerprint IS NOT NULL"),
            postgresql_ops={"fingerprint": "text_pattern_ops"},
            sqlite_where=sa.text("fingerprint IS NOT NULL"),
        )
        batch_op.drop_index("ix_events_facets")
        batch_op.create_index(batch_op.f("ix_events_status"), ["status", "id"], unique=False)
        batch_op.drop_column("failed_at")
        batch_op.drop_column("currency")
        batch_op.drop_column("amount")

    with op.batch_alter_table("effects", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_effects_fingerprint",
            postgresql_where=sa.text("fingerprint IS NOT NULL"),
            postgresql_ops={"fingerprint": "text_pattern_ops"},
            sqlite_where=sa.text("fingerprint IS NOT NULL"),
        )
        batch_op.drop_column("failed_at")

    op.drop_table("invoice_revisions")
    with op.batch_alter_table("sign_in_limits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_limits_free_at"))

    op.drop_table("sign_in_limits")
    op.drop_table("operators")
    with op.batch_alter_table("operator_sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_operator_sessions_operator")

    op.drop_table("operator_sessions")
    op.drop_table("exchange_rates")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_subject")
        batch_op.drop_index("ix_audit_actor")
        batch_op.drop_index("ix_audit_action")
        batch_op.drop_index("ix_audit_account")

    op.drop_table("audit")
