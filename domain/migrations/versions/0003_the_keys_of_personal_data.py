"""The keys of personal data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.database import BigId, Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ALIVE = sa.text("destroyed_at IS NULL")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "master_keys",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "data_keys",
        sa.Column("id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("master", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("destroyed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_data_keys_account", "data_keys", ["account_id"])
    op.create_index(
        "uq_data_keys_alive",
        "data_keys",
        ["account_id"],
        unique=True,
        postgresql_where=_ALIVE,
        sqlite_where=_ALIVE,
    )
    for table in ("events", "readings"):
        op.add_column(table, sa.Column("sealed_key", sa.LargeBinary(), nullable=True))
        op.add_column(table, sa.Column("sealed_by", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("data_key_id", BigId, nullable=True))
    op.add_column("readings", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    op.add_column("accounts", sa.Column("erased_at", Instant(), nullable=True))


def downgrade() -> None:
    """Take back; what was sealed cannot be read by the version before."""
    op.drop_column("accounts", "erased_at")
    op.drop_column("readings", "sealed")
    for table in ("readings", "events"):
        for column in ("data_key_id", "sealed_by", "sealed_key"):
            op.drop_column(table, column)
    op.drop_table("data_keys")
    op.drop_table("master_keys")
