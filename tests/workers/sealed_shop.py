"""A shop whose customers have names that may be read nowhere in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, text, update

from domain import accounts, erasure, keyring, methods, payloads
from domain.audit import Decider
from domain.database import Database
from domain.effects import Effect
from domain.facts import Method
from domain.inbox import Event
from domain.work import Work
from tests import lives
from workers.process_events import drain
from workers.runtime import Runtime

CANARY = "Kanarienvogel"
LAST4 = "QZWX"
"""No digits, which times and checksums would hold by chance."""
BY = Decider(actor="cli:anna", reason="asked for in writing")
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
    email = f"{CANARY}@customers.example"
    lives.deliver(runtime, *lives.payment_events(order, intent, last4=LAST4, receipt_email=email))
    return lives.events(runtime)


def bought(runtime: Runtime, ref: str = "acme", intent: str = "pi_1") -> list[Event]:
    """Worked as well."""
    buy(runtime, ref, intent)
    drain(runtime)
    return lives.events(runtime)


def keep_card(runtime: Runtime, token: str, ref: str = "acme") -> None:
    """Save a card that can be charged again."""
    with runtime.database.transaction() as session:
        work = Work(session, runtime.catalogue, accounts.lock(session, ref), provider="stripe")
        card = Method(kind="card", brand="visa", last4=LAST4, token=token)
        methods.save(work, card, customer=None, order_id=None)


def perform(runtime: Runtime) -> None:
    """Have everything that was planned done, without the world outside."""
    with runtime.database.transaction() as session:
        session.execute(update(Effect).values(status="done", next_attempt_at=None))


def erase(runtime: Runtime, ref: str = "acme", *, end_now: bool = True) -> dict[str, int]:
    """Erase what is personal of an account; returns how much of what."""
    with runtime.database.transaction() as session:
        account = accounts.lock(session, ref)
        work = Work(session, runtime.catalogue, account, actor=BY.actor)
        return erasure.erase(work, BY, end_now=end_now)


def bodies(runtime: Runtime) -> dict[int, Any]:
    """What can be read of the payloads: bytes, or why not."""
    with runtime.database.transaction() as session:
        return payloads.read(session, session.scalars(select(Event)).all())
