"""Where lives are lived twice: a played pair of providers, and a database that can go back in time.

The providers' events are kept in hand and handed over in any order; Billhook's own calls go to the
real gateways over HTTP. What the providers were asked for once, they answer the same again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
import urllib3
from psycopg import sql
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain import catalogue as catalogues
from domain import clock, effects, inbox
from domain.database import Database
from domain.effects import Effect
from domain.inbox import Event
from domain.settings import Settings
from tests.servers.databases import libpq_url
from tests.servers.pristine import TABLES
from webhooks import inbox_rows
from webhooks.inbox_rows import Incoming
from webhooks.providers import registry
from webhooks.providers.provider import Delivery
from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.delivery import Message
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World
from workers import perform_effects, process_events
from workers.runtime import Runtime

Document = dict[str, Any]
PATIENCE = 12
"""Rounds of bringing retries forward: more than any event may be tried."""


class Past:
    """A moment of a database to which it can be put back, in milliseconds."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(libpq_url(url), autocommit=True)
        names = [name for (name,) in self._connection.execute(TABLES)]
        self._tables = [sql.Identifier(name) for name in names]
        self._connection.execute("DROP SCHEMA IF EXISTS past CASCADE; CREATE SCHEMA past")
        for name in self._tables:
            copy = sql.SQL("CREATE TABLE past.{0} AS TABLE public.{0} WITH NO DATA")
            self._connection.execute(copy.format(name))

    def keep(self) -> None:
        """Remember the present rows."""
        self._copy("public", "past")

    def put_back(self) -> None:
        """Make the rows those that were kept; numbers already given out are not given again."""
        self._copy("past", "public")

    def empty(self) -> None:
        """Let nothing ever have been."""
        gone = [sql.SQL("DELETE FROM past.{}").format(name) for name in self._tables]
        self._connection.execute(sql.SQL(";").join(gone))
        self.put_back()

    def close(self) -> None:
        """Forget."""
        self._connection.execute("DROP SCHEMA past CASCADE")
        self._connection.close()

    def _copy(self, source: str, target: str) -> None:
        pairs = [(sql.Identifier(source, t.as_string()[1:-1]), t) for t in self._tables]
        statements: list[sql.Composable] = [
            sql.SQL("BEGIN; SET LOCAL session_replication_role = replica")
        ]
        for table, name in pairs:
            into = sql.Identifier(target, name.as_string()[1:-1])
            statements.append(sql.SQL("DELETE FROM {}").format(into))
            copy = sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE TABLE {}")
            statements.append(copy.format(into, table))
        self._connection.execute(sql.SQL(";").join([*statements, sql.SQL("COMMIT")]))


class Playground:
    """One sandbox and one database, for any number of lives."""

    def __init__(self, world: World, database: Database) -> None:
        self.world = world
        environ = world.environment()
        self.runtime = Runtime(
            settings=Settings(environ=environ),
            database=database,
            providers=registry(environ, world.base_url),
            catalogue=catalogues.load(),
        )
        self.past = Past(database.url.render_as_string(hide_password=False))
        self._http = urllib3.PoolManager(retries=False, timeout=10)
        self._seen = 0

    def begin(self) -> None:
        """A new world: empty, and with the same ids to come, so that a life can be repeated."""
        self.past.empty()
        store, courier = self.world.store, self.world.courier
        with self.world.lock:
            store._kinds.clear()
            store._drawn = 0
            courier._held = {}
            courier._arrived.clear()
            self._seen = 0

    def transaction(self) -> Any:
        """A transaction of the database."""
        return self.runtime.database.transaction()

    def ask(self, path: str, **wanted: Any) -> Document:
        """Use the sandbox's control desk; a refusal is answered as a document with ``error``."""
        return self._post(f"/sandbox{path}", msgspec.json.encode(wanted), "application/json", {})

    def pay_directly(self, **wanted: str) -> Document:
        """Pay by a PaymentIntent of its own, as no page of ours would."""
        credentials = {"authorization": f"Bearer {self.world.credentials.stripe_api_key}"}
        form = "&".join(f"{name}={value}" for name, value in wanted.items()).encode()
        kind = "application/x-www-form-urlencoded"
        return self._post("/stripe/v1/payment_intents", form, kind, credentials)

    def news(self) -> list[Message]:
        """The events that the providers made since this was asked last, oldest first."""
        held = self.world.courier.held()
        fresh, self._seen = held[self._seen :], len(held)
        return fresh

    def deliver(self, messages: Sequence[Message]) -> None:
        """Verify and commit a transmission of each, signed now, as the edge does."""
        rows = [self._received(message) for message in messages]
        with self.transaction() as session:
            receipts = inbox_rows.insert(session, rows)
        assert not any(receipt.forged for receipt in receipts)

    def work(self) -> None:
        """Work until nothing is due."""
        while process_events.drain(self.runtime) + perform_effects.drain(self.runtime):
            pass

    def perform(self, kind: str) -> None:
        """Perform the wanted effects of one kind and no others."""
        with self.transaction() as session:
            wanted = select(Effect).where(Effect.kind == kind, Effect.status == "wanted")
            claimed = list(session.scalars(wanted))
            for effect in claimed:
                effect.status, effect.next_attempt_at = "running", clock.now() + effects.LEASE
                effect.attempts += 1
        for effect in claimed:
            perform_effects.perform_one(self.runtime, effect)

    def settle(self) -> None:
        """Work until nothing waits either; the clock stands still, so retries come to it."""
        self.work()
        for _ in range(PATIENCE):
            if not self.bring_forward():
                return
            self.work()

    def bring_forward(self) -> int:
        """Make everything due that is planned for later; tells how much that was."""
        with self.transaction() as session:
            return _due_now(session, Event, inbox.DUE_STATES) + _due_now(
                session, Effect, ("wanted", "waiting")
            )

    def work_together(self, hands: int) -> None:
        """Several workers at once."""
        crew = [threading.Thread(target=self.work) for _ in range(hands)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()

    def scramble(self, messages: Sequence[Message], dice: random.Random, hands: int) -> None:
        """Deliver in any order, some twice, some only when all else has come to rest."""
        every = [*messages, *dice.choices(messages, k=len(messages) // 2)] if messages else []
        dice.shuffle(every)
        late = [message for message in messages if dice.random() < 0.15]
        for chunk in _chunks([message for message in every if message not in late], dice):
            self.deliver(chunk)
            self.work_together(hands)
        self.bring_forward()
        self.work_together(hands)
        for chunk in _chunks(late, dice):
            self.deliver(chunk)
            self.work_together(hands)
        self.settle()

    def close(self) -> None:
        """End it."""
        self.past.close()
        self._http.clear()

    def _post(self, path: str, body: bytes, kind: str, headers: dict[str, str]) -> Document:
        sent = {"content-type": kind, **headers}
        answer = self._http.request("POST", self.world.base_url + path, body=body, headers=sent)
        assert answer.status < 500, answer.data
        told: Document = msgspec.json.decode(answer.data)
        return told if answer.status < 400 else {"error": told}

    def _received(self, message: Message) -> Incoming:
        provider = self.runtime.providers[message.provider]
        headers, body = message.transmission()
        named = {name.lower(): value for name, value in headers.items()}
        delivery = Delivery(headers=named, body=body, received_at=clock.now())
        verdict = provider.verifier.verify(delivery)
        assert verdict.status == "authentic", verdict.reason
        return Incoming(
            provider=message.provider,
            identity=provider.verifier.identify(body),
            body=body,
            headers=named,
            received_at=delivery.received_at,
            delivery_key=verdict.delivery_key,
        )


@contextmanager
def playground(database_url: str) -> Iterator[Playground]:
    """Open a playground on a migrated PostgreSQL database."""
    app = create_sandbox(seed=1)
    database = Database(database_url)
    with SandboxServer(app):
        world: World = app.state.world
        world.courier.hold()
        opened = Playground(world, database)
        try:
            yield opened
        finally:
            opened.close()
            database.dispose()
            world.stop()


def _chunks(messages: Sequence[Message], dice: random.Random) -> Iterator[Sequence[Message]]:
    """Parts of one to two dozen."""
    left = list(messages)
    while left:
        size = dice.randint(1, 24)
        chunk, left = left[:size], left[size:]
        yield chunk


def _due_now(session: Session, table: Any, states: Sequence[str]) -> int:
    later = update(table).where(table.status.in_(states), table.next_attempt_at > clock.now())
    done = session.execute(later.values(next_attempt_at=clock.now()))
    return int(done.rowcount)  # type: ignore[attr-defined]
