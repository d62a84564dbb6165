"""The tables of the first story."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.database import BigId, Instant, Json

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "accounts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("billing", Json, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("blocked_reason", sa.Text(), nullable=True),
        sa.Column("blocked_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ref"),
    )
    op.create_table(
        "alerts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.Column("count", BigId, nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("last_seen_at", Instant(), nullable=False),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index(
            "uq_alerts_unresolved",
            ["rule", "subject"],
            unique=True,
            postgresql_where=sa.text("state <> 'resolved'"),
            sqlite_where=sa.text("state <> 'resolved'"),
        )

    op.create_table(
        "api_tokens",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("event_id", BigId, nullable=True),
        sa.Column("effect_id", BigId, nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index("ix_attempts_effect", ["effect_id"], unique=False)
        batch_op.create_index("ix_attempts_event", ["event_id"], unique=False)

    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("delivery_key", sa.Text(), nullable=True),
        sa.Column("provider_event_id", sa.Text(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("headers", Json, nullable=False),
        sa.Column("signer", sa.Text(), nullable=True),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "delivery_key"),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_deliveries_event", ["provider", "provider_event_id"], unique=False
        )

    op.create_table(
        "effects",
        sa.Column("id", BigId, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("account_id", BigId, nullable=True),
        sa.Column("event_id", BigId, nullable=True),
        sa.Column("next_attempt_at", Instant(), nullable=True),
        sa.Column("attempts", BigId, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("result", Json, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("cause", "kind", "target"),
    )
    with op.batch_alter_table("effects", schema=None) as batch_op:
        batch_op.create_index("ix_effects_account", ["account_id", "id"], unique=False)
        batch_op.create_index(
            "ix_effects_due",
            ["next_attempt_at", "id"],
            unique=False,
            postgresql_where=sa.text("status IN ('wanted', 'running', 'waiting')"),
            sqlite_where=sa.text("status IN ('wanted', 'running', 'waiting')"),
        )
        batch_op.create_index("ix_effects_event", ["event_id"], unique=False)
        batch_op.create_index("ix_effects_status", ["status", "id"], unique=False)

    op.create_table(
        "events",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=True),
        sa.Column("next_attempt_at", Instant(), nullable=True),
        sa.Column("attempts", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("payment", sa.Text(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "provider_event_id"),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_account", ["account_id", "id"], unique=False)
        batch_op.create_index(
            "ix_events_due",
            ["next_attempt_at", "id"],
            unique=False,
            postgresql_where=sa.text("status IN ('received', 'waiting', 'unmatched')"),
            sqlite_where=sa.text("status IN ('received', 'waiting', 'unmatched')"),
        )
        batch_op.create_index(
            "ix_events_quarantined",
            ["next_attempt_at"],
            unique=False,
            postgresql_where=sa.text("status = 'quarantined'"),
            sqlite_where=sa.text("status = 'quarantined'"),
        )
        batch_op.create_index("ix_events_received", ["received_at", "id"], unique=False)
        batch_op.create_index("ix_events_status", ["status", "id"], unique=False)

    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "number_series",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("last", BigId, nullable=False),
        sa.PrimaryKeyConstraint("series"),
    )
    op.create_table(
        "payloads",
        sa.Column("event_id", BigId, autoincrement=False, nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_table(
        "readings",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("document", Json, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("readings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_readings_object", ["provider", "kind", "object_id", "id"], unique=False
        )

    op.create_table(
        "history",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.Column("event_id", BigId, nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.create_index("ix_history_account", ["account_id", "id"], unique=False)

    op.create_table(
        "managed_subscriptions",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("applied_sequence", BigId, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("auto_renew", sa.Boolean(), nullable=False),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("interval", sa.Text(), nullable=True),
        sa.Column("agents", BigId, nullable=True),
        sa.Column("conversations", BigId, nullable=True),
        sa.Column("period_start", Instant(), nullable=True),
        sa.Column("period_end", Instant(), nullable=True),
        sa.Column("period_net", BigId, nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("paid", sa.Boolean(), nullable=False),
        sa.Column("credited_until", Instant(), nullable=True),
        sa.Column("terminated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("provider", "reference"),
    )
    with op.batch_alter_table("managed_subscriptions", schema=None) as batch_op:
        batch_op.create_index("ix_managed_subscriptions_account", ["account_id"], unique=False)

    op.create_table(
        "orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", BigId, nullable=False),
        sa.Column("due", BigId, nullable=False),
        sa.Column("quote", Json, nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("checkout_id", sa.Text(), nullable=True),
        sa.Column("checkout_url", sa.Text(), nullable=True),
        sa.Column("return_url", sa.Text(), nullable=True),
        sa.Column("cancel_url", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("request_hash", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "idempotency_key"),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index("ix_orders_account", ["account_id", "created_at"], unique=False)
        batch_op.create_index(
            "ix_orders_open_expiry",
            ["expires_at"],
            unique=False,
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(
            "uq_orders_one_open_per_account",
            ["account_id"],
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "payment_methods",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=True),
        sa.Column("last4", sa.Text(), nullable=True),
        sa.Column("expires", sa.Text(), nullable=True),
        sa.Column("saved_at", Instant(), nullable=False),
        sa.Column("removed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "token"),
    )
    with op.batch_alter_table("payment_methods", schema=None) as batch_op:
        batch_op.create_index("ix_payment_methods_account", ["account_id"], unique=False)

    op.create_table(
        "provider_customers",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("provider", "customer"),
    )
    with op.batch_alter_table("provider_customers", schema=None) as batch_op:
        batch_op.create_index("ix_provider_customers_account", ["account_id"], unique=False)

    op.create_table(
        "subscriptions",
        sa.Column("account_id", BigId, autoincrement=False, nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("agents", BigId, nullable=False),
        sa.Column("conversations", BigId, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("period_start", Instant(), nullable=False),
        sa.Column("period_end", Instant(), nullable=False),
        sa.Column("period_net", BigId, nullable=False),
        sa.Column("anchor_day", BigId, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("auto_renew", sa.Boolean(), nullable=False),
        sa.Column("auto_renew_off_reason", sa.Text(), nullable=True),
        sa.Column("managed_by", sa.Text(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("next_due_at", Instant(), nullable=True),
        sa.Column("warned_days", BigId, nullable=True),
        sa.Column("renewal_failures", BigId, nullable=False),
        sa.Column("renewal_charges", BigId, nullable=False),
        sa.Column("renewal_in_flight", sa.Boolean(), nullable=False),
        sa.Column("renewal_tried_at", Instant(), nullable=True),
        sa.Column("renewals_suspended", sa.Boolean(), nullable=False),
        sa.Column("declined_token", sa.Text(), nullable=True),
        sa.Column("managed_reference", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("account_id"),
        sa.UniqueConstraint("managed_by", "managed_reference"),
    )
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_subscriptions_due",
            ["next_due_at"],
            unique=False,
            postgresql_where=sa.text("next_due_at IS NOT NULL"),
            sqlite_where=sa.text("next_due_at IS NOT NULL"),
        )

    op.create_table(
        "vat_checks",
        sa.Column("account_id", BigId, autoincrement=False, nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("round", BigId, nullable=False),
        sa.Column("checked_at", Instant(), nullable=True),
        sa.Column("valid_at", Instant(), nullable=True),
        sa.Column("consultation", sa.Text(), nullable=True),
        sa.Column("next_check_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("account_id"),
    )
    with op.batch_alter_table("vat_checks", schema=None) as batch_op:
        batch_op.create_index(
            "ix_vat_checks_due",
            ["next_check_at", "account_id"],
            unique=False,
            postgresql_where=sa.text("next_check_at IS NOT NULL"),
            sqlite_where=sa.text("next_check_at IS NOT NULL"),
        )

    op.create_table(
        "payments",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount", BigId, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("refunded", BigId, nullable=False),
        sa.Column("reported_total", BigId, nullable=False),
        sa.Column("use", sa.Text(), nullable=True),
        sa.Column("method", Json, nullable=True),
        sa.Column("decline_code", sa.Text(), nullable=True),
        sa.Column("paid_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "reference"),
    )
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.create_index("ix_payments_account", ["account_id"], unique=False)
        batch_op.create_index("ix_payments_order", ["order_id"], unique=False)

    op.create_table(
        "credit_entries",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", BigId, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("payment_id", BigId, nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("cause"),
    )
    with op.batch_alter_table("credit_entries", schema=None) as batch_op:
        batch_op.create_index("ix_credit_entries_account", ["account_id", "currency"], unique=False)

    op.create_table(
        "disputes",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("payment_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount", BigId, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "reference"),
    )
    with op.batch_alter_table("disputes", schema=None) as batch_op:
        batch_op.create_index("ix_disputes_account", ["account_id", "state"], unique=False)
        batch_op.create_index("ix_disputes_payment", ["payment_id"], unique=False)

    op.create_table(
        "invoices",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("position", BigId, nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("payment_id", BigId, nullable=True),
        sa.Column("corrects_id", BigId, nullable=True),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("net", BigId, nullable=False),
        sa.Column("vat", BigId, nullable=False),
        sa.Column("total", BigId, nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("revision", BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["corrects_id"],
            ["invoices.id"],
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "cause"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("series", "position"),
    )
    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.create_index("ix_invoices_account", ["account_id", "issued_at"], unique=False)
        batch_op.create_index("ix_invoices_payment", ["payment_id"], unique=False)

    op.create_table(
        "refunds",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("payment_id", BigId, nullable=False),
        sa.Column("amount", BigId, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reversal", sa.Boolean(), nullable=False),
        sa.Column("returned", sa.Boolean(), nullable=False),
        sa.Column("requested_at", Instant(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("payment_id", "idempotency_key"),
        sa.UniqueConstraint("provider", "reference"),
    )
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.create_index("ix_refunds_payment", ["payment_id"], unique=False)
        batch_op.create_index(
            "uq_refunds_one_for_the_customer",
            ["payment_id"],
            unique=True,
            postgresql_where=sa.text("origin = 'customer' AND state <> 'failed'"),
            sqlite_where=sa.text("origin = 'customer' AND state <> 'failed'"),
        )

    op.create_table(
        "invoice_files",
        sa.Column("id", BigId, nullable=False),
        sa.Column("invoice_id", BigId, nullable=False),
        sa.Column("revision", BigId, nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("rendered_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoices.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("invoice_id", "revision"),
    )
    _compress_payloads_quickly()


def _compress_payloads_quickly() -> None:
    """On PostgreSQL: lz4 halves what storing a payload costs against the default, where the server
    was built with it."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    methods = "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"
    if "lz4" in (connection.scalar(sa.text(methods)) or ()):
        op.execute("ALTER TABLE payloads ALTER COLUMN body SET COMPRESSION lz4")


def downgrade() -> None:
    """Take back."""
    op.drop_table("invoice_files")
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_refunds_one_for_the_customer",
            postgresql_where=sa.text("origin = 'customer' AND state <> 'failed'"),
            sqlite_where=sa.text("origin = 'customer' AND state <> 'failed'"),
        )
        batch_op.drop_index("ix_refunds_payment")

    op.drop_table("refunds")
    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.drop_index("ix_invoices_payment")
        batch_op.drop_index("ix_invoices_account")

    op.drop_table("invoices")
    with op.batch_alter_table("disputes", schema=None) as batch_op:
        batch_op.drop_index("ix_disputes_payment")
        batch_op.drop_index("ix_disputes_account")

    op.drop_table("disputes")
    with op.batch_alter_table("credit_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_credit_entries_account")

    op.drop_table("credit_entries")
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.drop_index("ix_payments_order")
        batch_op.drop_index("ix_payments_account")

    op.drop_table("payments")
    with op.batch_alter_table("vat_checks", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_vat_checks_due",
            postgresql_where=sa.text("next_check_at IS NOT NULL"),
            sqlite_where=sa.text("next_check_at IS NOT NULL"),
        )

    op.drop_table("vat_checks")
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_subscriptions_due",
            postgresql_where=sa.text("next_due_at IS NOT NULL"),
            sqlite_where=sa.text("next_due_at IS NOT NULL"),
        )

    op.drop_table("subscriptions")
    with op.batch_alter_table("provider_customers", schema=None) as batch_op:
        batch_op.drop_index("ix_provider_customers_account")

    op.drop_table("provider_customers")
    with op.batch_alter_table("payment_methods", schema=None) as batch_op:
        batch_op.drop_index("ix_payment_methods_account")

    op.drop_table("payment_methods")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_orders_one_open_per_account",
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index(
            "ix_orders_open_expiry",
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index("ix_orders_account")

    op.drop_table("orders")
    with op.batch_alter_table("managed_subscriptions", schema=None) as batch_op:
        batch_op.drop_index("ix_managed_subscriptions_account")

    op.drop_table("managed_subscriptions")
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.drop_index("ix_history_account")

    op.drop_table("history")
    with op.batch_alter_table("readings", schema=None) as batch_op:
        batch_op.drop_index("ix_readings_object")

    op.drop_table("readings")
    op.drop_table("payloads")
    op.drop_table("number_series")
    op.drop_table("leases")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index("ix_events_status")
        batch_op.drop_index("ix_events_received")
        batch_op.drop_index(
            "ix_events_quarantined",
            postgresql_where=sa.text("status = 'quarantined'"),
            sqlite_where=sa.text("status = 'quarantined'"),
        )
        batch_op.drop_index(
            "ix_events_due",
            postgresql_where=sa.text("status IN ('received', 'waiting', 'unmatched')"),
            sqlite_where=sa.text("status IN ('received', 'waiting', 'unmatched')"),
        )
        batch_op.drop_index("ix_events_account")

    op.drop_table("events")
    with op.batch_alter_table("effects", schema=None) as batch_op:
        batch_op.drop_index("ix_effects_status")
        batch_op.drop_index("ix_effects_event")
        batch_op.drop_index(
            "ix_effects_due",
            postgresql_where=sa.text("status IN ('wanted', 'running', 'waiting')"),
            sqlite_where=sa.text("status IN ('wanted', 'running', 'waiting')"),
        )
        batch_op.drop_index("ix_effects_account")

    op.drop_table("effects")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index("ix_deliveries_event")

    op.drop_table("deliveries")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index("ix_attempts_event")
        batch_op.drop_index("ix_attempts_effect")

    op.drop_table("attempts")
    op.drop_table("api_tokens")
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_alerts_unresolved",
            postgresql_where=sa.text("state <> 'resolved'"),
            sqlite_where=sa.text("state <> 'resolved'"),
        )

    op.drop_table("alerts")
    op.drop_table("accounts")
