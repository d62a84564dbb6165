"""Months of history: what grows with every delivery lies in a partition a month.

On PostgreSQL the tables become the first partition of new ones, up to the end of this month;
nothing is copied but rows that do not belong there. Two primary keys are built anew (they must hold
the time), which takes about a minute per ten million rows. SQLite keeps plain tables.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from domain import clock
from domain.database import BigId, Instant, Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

AHEAD = 3
TABLES = (
    ("payloads", "received_at", "event_id, received_at"),
    ("deliveries", "id", "id"),
    ("attempts", "at", "id, at"),
)
"""Table, the column that tells the month, and the primary key."""
OLD_KEYS = {"payloads": "event_id", "deliveries": "id", "attempts": "id"}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "transmissions",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("delivery_key", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "delivery_key"),
    )
    op.create_table(
        "dropped_months",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("dropped_at", Instant(), nullable=False),
        sa.Column("rows", BigId, nullable=False),
        sa.PrimaryKeyConstraint("store", "month"),
    )
    op.execute(
        "INSERT INTO transmissions (provider, delivery_key, delivery_id, body_sha256, received_at) "
        "SELECT provider, delivery_key, id, body_sha256, received_at FROM deliveries "
        "WHERE delivery_key IS NOT NULL"
    )
    op.create_index("ix_transmissions_received", "transmissions", ["received_at"])
    if op.get_bind().dialect.name == "postgresql":
        _part()
    else:
        _remake_deliveries(unique=False)


def downgrade() -> None:
    """Take back: every table is copied into a plain one."""
    if op.get_bind().dialect.name == "postgresql":
        _join()
    else:
        _forget_later_keys()
        _remake_deliveries(unique=True)
    op.drop_table("dropped_months")
    op.drop_table("transmissions")


def _part() -> None:
    # Ids grow with time byte by byte, and the bounds of months are compared with them.
    op.execute('ALTER TABLE deliveries ALTER COLUMN id TYPE text COLLATE "C"')
    for table, by, key in TABLES:
        _part_by_month(table, by, key)
    op.execute("ALTER SEQUENCE attempts_id_seq OWNED BY attempts.id")


def _part_by_month(table: str, by: str, key: str) -> None:
    months = _months(clock.now())
    old = f"{table}_to_{months[0]:%Y_%m}"
    indexes = _put_aside(table, old, key)
    op.execute(
        f"CREATE TABLE {table} (LIKE {old} INCLUDING ALL EXCLUDING INDEXES, PRIMARY KEY ({key})) "
        f"PARTITION BY RANGE ({by})"
    )
    for index in indexes:
        op.execute(index)
    op.execute(f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT")
    bounds = [_bound(by, month) for month in months]
    for number, month in enumerate(months[1:-1], 1):
        op.execute(
            f"CREATE TABLE {table}_{month:%Y_%m} PARTITION OF {table} "
            f"FOR VALUES FROM ({bounds[number]}) TO ({bounds[number + 1]})"
        )
    # What a clock ahead of time wrote, and ids of another form.
    op.execute(
        f"WITH moved AS (DELETE FROM {old} "  # noqa: S608 - our own names
        f"WHERE {by} >= {bounds[1]} RETURNING *) "
        f"INSERT INTO {table} SELECT * FROM moved"
    )
    op.execute(
        f"ALTER TABLE {table} ATTACH PARTITION {old} FOR VALUES FROM (MINVALUE) TO ({bounds[1]})"
    )


def _put_aside(table: str, old: str, key: str) -> list[str]:
    """Rename a table and its indexes; returns the statements that made the indexes."""
    connection = op.get_bind()
    for name, kind in connection.execute(
        sa.text(
            "SELECT conname, contype FROM pg_constraint "
            "WHERE conrelid = CAST(:name AS regclass) AND contype IN ('p', 'u')"
        ),
        {"name": table},
    ).all():
        if kind == "p" and key == OLD_KEYS[table]:
            op.execute(f'ALTER TABLE {table} RENAME CONSTRAINT "{name}" TO {old}_pkey')
        else:
            op.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    indexes = connection.execute(
        sa.text("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = :name"),
        {"name": table},
    ).all()
    made = [definition for name, definition in indexes if not name.endswith("_pkey")]
    for name, _ in indexes:
        if not name.endswith("_pkey"):
            op.execute(f'ALTER INDEX "{name}" RENAME TO {old}_{name.rpartition("_")[2]}')
    op.execute(f"ALTER TABLE {table} RENAME TO {old}")
    return made


def _months(now: datetime) -> list[datetime]:
    """The first instants of this month, of those that are made ahead, and of the one after."""
    first = now.year * 12 + now.month - 1
    return [
        datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
        for number in range(first, first + AHEAD + 2)
    ]


def _bound(by: str, month: datetime) -> str:
    """Where a month begins: as an instant, or as the beginning of an id."""
    return f"'{int(month.timestamp()) * 1_000_000:016x}'" if by == "id" else f"'{month}'"


def _join() -> None:
    _forget_later_keys()
    op.execute("ALTER SEQUENCE attempts_id_seq OWNED BY NONE")
    for table, _, _ in TABLES:
        op.execute(f"CREATE TABLE {table}_plain (LIKE {table} INCLUDING ALL EXCLUDING INDEXES)")
        op.execute(f"INSERT INTO {table}_plain SELECT * FROM {table}")  # noqa: S608 - our own names
        op.execute(f"DROP TABLE {table}")
        op.execute(f"ALTER TABLE {table}_plain RENAME TO {table}")
        op.create_primary_key(f"{table}_pkey", table, [OLD_KEYS[table]])
    op.execute("ALTER SEQUENCE attempts_id_seq OWNED BY attempts.id")
    op.execute('ALTER TABLE deliveries ALTER COLUMN id TYPE text COLLATE "default"')
    op.create_unique_constraint(
        "deliveries_provider_delivery_key_key", "deliveries", ["provider", "delivery_key"]
    )
    op.create_index("ix_deliveries_event", "deliveries", ["provider", "provider_event_id"])
    op.create_index("ix_attempts_event", "attempts", ["event_id"])
    op.create_index("ix_attempts_effect", "attempts", ["effect_id"])


def _forget_later_keys() -> None:
    """A transmission that was forgotten by age may have come again since."""
    op.execute(
        "UPDATE deliveries SET delivery_key = NULL WHERE delivery_key IS NOT NULL AND EXISTS ("
        "SELECT 1 FROM deliveries AS first WHERE first.provider = deliveries.provider "
        "AND first.delivery_key = deliveries.delivery_key AND first.id < deliveries.id)"
    )


def _remake_deliveries(*, unique: bool) -> None:
    """SQLite changes no constraint of a table that is there."""
    names = (
        "id, provider, delivery_key, provider_event_id, received_at, source, headers, signer, "
        "body_sha256"
    )
    op.execute("DROP INDEX ix_deliveries_event")
    op.execute("ALTER TABLE deliveries RENAME TO deliveries_before")
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
        *([sa.UniqueConstraint("provider", "delivery_key")] if unique else []),
    )
    op.execute(f"INSERT INTO deliveries ({names}) SELECT {names} FROM deliveries_before")  # noqa: S608 - named above
    op.execute("DROP TABLE deliveries_before")
    op.create_index("ix_deliveries_event", "deliveries", ["provider", "provider_event_id"])
