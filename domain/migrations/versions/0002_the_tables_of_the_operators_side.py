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
        "failures",
        sa.Column("id", BigId, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("exception", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("members", BigId, nullable=False),
        sa.Column("accounts", BigId, nullable=False),
        sa.Column("money", Json, nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("reopened", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("fingerprint"),
    )
    with op.batch_alter_table("failures", schema=None) as batch_op:
        batch_op.create_index("ix_failures_seen", ["state", "last_seen", "id"], unique=False)

    op.create_table(
        "heartbeats",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name"),
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
        "positions",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reached", Instant(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("runs", BigId, nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("succeeded_at", Instant(), nullable=True),
        sa.Column("failing_since", Instant(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("found", BigId, nullable=False),
        sa.Column("found_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("provider", "name"),
    )
    op.create_table(
        "replays",
        sa.Column("id", BigId, nullable=False),
        sa.Column("of", sa.Text(), nullable=False),
        sa.Column("filter", Json, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("canary", BigId, nullable=False),
        sa.Column("max_errors", BigId, nullable=False),
        sa.Column("rate", BigId, nullable=False),
        sa.Column("total", BigId, nullable=False),
        sa.Column("started", BigId, nullable=False),
        sa.Column("passed", BigId, nullable=False),
        sa.Column("failed", BigId, nullable=False),
        sa.Column("skipped", BigId, nullable=False),
        sa.Column("round", BigId, nullable=False),
        sa.Column("round_started", BigId, nullable=False),
        sa.Column("round_settled", BigId, nullable=False),
        sa.Column("round_failed", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("replays", schema=None) as batch_op:
        batch_op.create_index(
            "ix_replays_open",
            ["id"],
            unique=False,
            postgresql_where=sa.text("state IN ('planned', 'running')"),
            sqlite_where=sa.text("state IN ('planned', 'running')"),
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
        "tallies",
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("start", Instant(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("count", BigId, nullable=False),
        sa.PrimaryKeyConstraint("unit", "start", "series", "provider"),
    )
    op.create_table(
        "tally_marks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("counted_to", BigId, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "traffic",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("slot", Instant(), nullable=False),
        sa.Column("accepted", BigId, nullable=False),
        sa.Column("refused", BigId, nullable=False),
        sa.Column("unverified", BigId, nullable=False),
        sa.Column("accepted_at", Instant(), nullable=True),
        sa.Column("trusted_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("provider", "slot"),
    )
    op.create_table(
        "trials",
        sa.Column("id", BigId, nullable=False),
        sa.Column("event_id", BigId, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("wanted_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("result", Json, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("trials", schema=None) as batch_op:
        batch_op.create_index(
            "ix_trials_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("state = 'wanted'"),
            sqlite_where=sa.text("state = 'wanted'"),
        )
        batch_op.create_index("ix_trials_event", ["event_id"], unique=False)

    op.create_table(
        "replay_items",
        sa.Column("replay_id", BigId, nullable=False),
        sa.Column("position", BigId, autoincrement=False, nullable=False),
        sa.Column("subject_id", BigId, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("round", BigId, nullable=True),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["replay_id"],
            ["replays.id"],
        ),
        sa.PrimaryKeyConstraint("replay_id", "position"),
    )
    with op.batch_alter_table("replay_items", schema=None) as batch_op:
        batch_op.create_index(
            "ix_replay_items_started",
            ["replay_id"],
            unique=False,
            postgresql_where=sa.text("state = 'started'"),
            sqlite_where=sa.text("state = 'started'"),
        )
        batch_op.create_index(
            "ix_replay_items_state", ["replay_id", "state", "position"], unique=False
        )

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
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.create_index("ix_accounts_email", ["email"], unique=False)
        batch_op.create_index("ix_accounts_status", ["status", "id"], unique=False)

    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("acknowledged_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("acknowledged_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("returns", BigId, server_default="0", nullable=False))
        batch_op.add_column(sa.Column("pending", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("pending_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("told", BigId, server_default="0", nullable=False))
        batch_op.add_column(sa.Column("told_at", Instant(), nullable=True))
        batch_op.create_index(
            "ix_alerts_pending",
            ["pending_at"],
            unique=False,
            postgresql_where=sa.text("pending IS NOT NULL"),
            sqlite_where=sa.text("pending IS NOT NULL"),
        )
        batch_op.create_index("ix_alerts_rule", ["rule", "id"], unique=False)
        batch_op.create_index("ix_alerts_state", ["state", "id"], unique=False)
        batch_op.create_index("ix_alerts_subject", ["rule", "subject", "id"], unique=False)

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

    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.create_index(
            "ix_history_renewal_failed",
            ["at"],
            unique=False,
            postgresql_where=sa.text("kind = 'renewal_failed'"),
            sqlite_where=sa.text("kind = 'renewal_failed'"),
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

    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index(
            "ix_orders_renewed",
            ["closed_at"],
            unique=False,
            postgresql_where=sa.text("kind = 'renewal' AND state = 'paid'"),
            sqlite_where=sa.text("kind = 'renewal' AND state = 'paid'"),
        )

    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.create_index("ix_payments_reference", ["reference"], unique=False)

    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "renewal_told", sa.Boolean(), server_default=sa.text("(false)"), nullable=False
            )
        )
        batch_op.add_column(sa.Column("suspended_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("retries_from", Instant(), nullable=True))
        batch_op.create_index(
            "ix_subscriptions_end",
            ["period_end"],
            unique=False,
            postgresql_where=sa.text(
                "auto_renew AND managed_by = 'us' AND state IN ('active', 'past_due')"
            ),
            sqlite_where=sa.text(
                "auto_renew AND managed_by = 'us' AND state IN ('active', 'past_due')"
            ),
        )
        batch_op.create_index(
            "ix_subscriptions_failing",
            ["account_id"],
            unique=False,
            postgresql_where=sa.text("renewal_failures > 0 AND state IN ('active', 'past_due')"),
            sqlite_where=sa.text("renewal_failures > 0 AND state IN ('active', 'past_due')"),
        )
        batch_op.create_index("ix_subscriptions_state", ["state", "account_id"], unique=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.drop_index("ix_subscriptions_state")
        batch_op.drop_index(
            "ix_subscriptions_failing",
            postgresql_where=sa.text("renewal_failures > 0 AND state IN ('active', 'past_due')"),
            sqlite_where=sa.text("renewal_failures > 0 AND state IN ('active', 'past_due')"),
        )
        batch_op.drop_index(
            "ix_subscriptions_end",
            postgresql_where=sa.text(
                "auto_renew AND managed_by = 'us' AND state IN ('active', 'past_due')"
            ),
            sqlite_where=sa.text(
                "auto_renew AND managed_by = 'us' AND state IN ('active', 'past_due')"
            ),
        )
        batch_op.drop_column("retries_from")
        batch_op.drop_column("suspended_at")
        batch_op.drop_column("renewal_told")

    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.drop_index("ix_payments_reference")

    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_orders_renewed",
            postgresql_where=sa.text("kind = 'renewal' AND state = 'paid'"),
            sqlite_where=sa.text("kind = 'renewal' AND state = 'paid'"),
        )

    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.drop_index("ix_invoices_corrects")
        batch_op.drop_index(
            "ix_invoices_awaits_rate",
            postgresql_where=sa.text("awaits_rate"),
            sqlite_where=sa.text("awaits_rate"),
        )
        batch_op.drop_column("awaits_rate")

    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_history_renewal_failed",
            postgresql_where=sa.text("kind = 'renewal_failed'"),
            sqlite_where=sa.text("kind = 'renewal_failed'"),
        )

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

    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.drop_index("ix_alerts_subject")
        batch_op.drop_index("ix_alerts_state")
        batch_op.drop_index("ix_alerts_rule")
        batch_op.drop_index(
            "ix_alerts_pending",
            postgresql_where=sa.text("pending IS NOT NULL"),
            sqlite_where=sa.text("pending IS NOT NULL"),
        )
        batch_op.drop_column("told_at")
        batch_op.drop_column("told")
        batch_op.drop_column("pending_at")
        batch_op.drop_column("pending")
        batch_op.drop_column("returns")
        batch_op.drop_column("acknowledged_reason")
        batch_op.drop_column("acknowledged_at")

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_index("ix_accounts_status")
        batch_op.drop_index("ix_accounts_email")

    op.drop_table("invoice_revisions")
    with op.batch_alter_table("replay_items", schema=None) as batch_op:
        batch_op.drop_index("ix_replay_items_state")
        batch_op.drop_index(
            "ix_replay_items_started",
            postgresql_where=sa.text("state = 'started'"),
            sqlite_where=sa.text("state = 'started'"),
        )

    op.drop_table("replay_items")
    with op.batch_alter_table("trials", schema=None) as batch_op:
        batch_op.drop_index("ix_trials_event")
        batch_op.drop_index(
            "ix_trials_due",
            postgresql_where=sa.text("state = 'wanted'"),
            sqlite_where=sa.text("state = 'wanted'"),
        )

    op.drop_table("trials")
    op.drop_table("traffic")
    op.drop_table("tally_marks")
    op.drop_table("tallies")
    with op.batch_alter_table("sign_in_limits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_limits_free_at"))

    op.drop_table("sign_in_limits")
    with op.batch_alter_table("replays", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_replays_open",
            postgresql_where=sa.text("state IN ('planned', 'running')"),
            sqlite_where=sa.text("state IN ('planned', 'running')"),
        )

    op.drop_table("replays")
    op.drop_table("positions")
    op.drop_table("operators")
    with op.batch_alter_table("operator_sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_operator_sessions_operator")

    op.drop_table("operator_sessions")
    op.drop_table("heartbeats")
    with op.batch_alter_table("failures", schema=None) as batch_op:
        batch_op.drop_index("ix_failures_seen")

    op.drop_table("failures")
    op.drop_table("exchange_rates")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_subject")
        batch_op.drop_index("ix_audit_actor")
        batch_op.drop_index("ix_audit_action")
        batch_op.drop_index("ix_audit_account")

    op.drop_table("audit")
