"""Alembic's entry: runs the migrations on the connection that ``run.upgrade`` opened."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import BigInteger, Text
from sqlalchemy.types import JSON

from domain.database import Instant
from domain.migrations.tables import metadata
from domain.partitions import is_partition

_NAMES = {Instant: "Instant()", BigInteger: "BigId", JSON: "Json", Text: "sa.Text()"}


def _render(kind: str, item: Any, _context: Any) -> Any:
    """Write our column types by their names in a generated migration."""
    return _NAMES.get(type(item), False) if kind == "type" else False


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether the models should know it: partitions come and go without them."""
    return kind != "table" or not is_partition(name or "")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
    render_item=_render,
    include_name=_is_ours,
)
with context.begin_transaction():
    context.run_migrations()
