"""A shop whose customers have names that may be read nowhere in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, text

from domain import keyring, payloads
from domain.database import Database
from domain.inbox import Event
from tests import lives
from workers.process_events import drain
from workers.runtime import Runtime

CANARY = "Kanarienvogel"
TABLES = ("payloads", "readings", "events", "data_keys", "deliveries")


def raw(database: Database, *tables: str) -> bytes:
    """Everything in the tables, as the database has it."""
    with database.transaction() as session:
        rows = [row for name in tables for row in session.execute(text(f"SELECT * FROM {name}"))]  # noqa: S608
    return b"\n".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
        for row in rows
        for value in row
    )


def with_ring(runtime: Runtime, *keys: str) -> Runtime:
    """The same store for a process with other master keys."""
    ring = keyring.parse(",".join(keys)) if keys else None
    return lives.runtime_on(
        Database(runtime.database.engine.url.render_as_string(False), ring=ring)
    )


def buy(runtime: Runtime, ref: str = "acme", intent: str = "pi_1") -> list[Event]:
    """Place an order and deliver the events of its payment, unworked."""
    order = lives.order(runtime, ref)
    rows = lives.payment_events(order, intent, receipt_email=f"{CANARY}@customers.example")
    lives.deliver(runtime, *rows)
    return lives.events(runtime)


def bought(runtime: Runtime, ref: str = "acme", intent: str = "pi_1") -> list[Event]:
    """Worked as well."""
    buy(runtime, ref, intent)
    drain(runtime)
    return lives.events(runtime)


def bodies(runtime: Runtime) -> dict[int, Any]:
    """What can be read of the payloads: bytes, or why not."""
    with runtime.database.transaction() as session:
        return payloads.read(session, session.scalars(select(Event)).all())
