"""Alembic's entry: runs the migrations on the connection that ``run.upgrade`` opened."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import BigInteger, Text
from sqlalchemy.types import JSON

from domain.database import Instant
from domain.migrations.tables import metadata

_NAMES = {Instant: "Instant()", BigInteger: "BigId", JSON: "Json", Text: "sa.Text()"}


def _render(kind: str, item: Any, _context: Any) -> Any:
    """Write our column types by their names in a generated migration."""
    return _NAMES.get(type(item), False) if kind == "type" else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
