"""The one place that opens transactions and commits.

``Database.transaction()`` yields a session and commits when its block ends without an error;
nothing else in the code base commits. PostgreSQL is the production store, SQLite the embedded one;
on SQLite a transaction takes the write lock at once (``BEGIN IMMEDIATE``), which stands in for the
row locks that it lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import DateTime, Engine, create_engine, event, types
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import JSON, BigInteger, Integer, LargeBinary, TypeDecorator

from domain import keyring
from domain.errors import Misconfigured, StoreUnavailable
from domain.keyring import KeyRing
from domain.outages import is_outage

BUSY_TIMEOUT_MS = 15_000
POOL_SIZE = 10
IDLE_IN_TRANSACTION_S = 60
"""After this PostgreSQL ends a transaction whose owner says nothing: a host that was cut off must
not keep its locks until TCP notices, hours later. Nobody calls the network in a transaction."""
LOST_HOST = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""How soon a server whose host went silent is given up: idle or waiting for an answer after 25 s,
with something sent and not acknowledged after 15 s. Linux alone would wait for up to 2 hours.
https://www.postgresql.org/docs/current/libpq-connect.html"""


class Instant(TypeDecorator[datetime]):
    """A timezone-aware UTC instant; refuses a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive instant cannot be stored: {value!r}")
        aware = value.astimezone(UTC)
        return aware.replace(tzinfo=None) if dialect.name == "sqlite" else aware

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Any,  # noqa: ARG002 - SQLAlchemy passes it by name
    ) -> datetime | None:
        if value is None or value.tzinfo is not None:
            return value.astimezone(UTC) if value else None
        return value.replace(tzinfo=UTC)


Json = JSON().with_variant(JSONB(), "postgresql")
"""A JSON document; ``jsonb`` on PostgreSQL."""

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""A growing row number; SQLite only numbers plain INTEGER keys by itself."""


class Base(DeclarativeBase):
    """Root of all tables. No relationships: what is needed is queried in the open."""

    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy, never changed
        datetime: Instant,
        dict[str, Any]: Json,
        list[Any]: Json,
        list[str]: Json,
        bytes: LargeBinary,
        int: BigInteger().with_variant(Integer(), "sqlite"),
        str: types.Text(),
    }


class Database:
    """An engine with the right settings for its dialect, and its transactions."""

    def __init__(
        self, url: str, *, pool_size: int = POOL_SIZE, ring: KeyRing | None = None
    ) -> None:
        """``ring`` seals and opens personal data in it; without one they are kept as they came."""
        self.url = make_url(url)
        self.ring = ring
        if self.url.get_backend_name() == "sqlite":
            self.engine = _sqlite_engine(url)
        elif self.url.get_backend_name() == "postgresql":
            self.engine = _postgresql_engine(url, pool_size)
        else:
            raise Misconfigured(
                f"DATABASE_URL names {self.url.get_backend_name()!r}; "
                "Billhook runs on postgresql+psycopg:// and sqlite:///"
            )

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded store (one writer at a time)."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session; commit at the end, roll back on any error.

        Raises ``StoreUnavailable`` when the database cannot be reached or dies on the way.
        """
        session = Session(self.engine, expire_on_commit=False, info={keyring.RING: self.ring})
        try:
            yield session
            session.commit()
        except SQLAlchemyError as error:
            _rollback(session)
            if is_outage(error):
                raise StoreUnavailable(_first_line(error)) from error
            raise
        except BaseException:
            _rollback(session)
            raise
        finally:
            _close(session)

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def insert_once(session: Session, table: type[Base], **values: Any) -> bool:
    """Insert a row unless one with the same unique key is there; tell whether it was inserted.

    A duplicate is an ordinary answer, also when another transaction inserts at the same moment.
    """
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert(table).values(**values).on_conflict_do_nothing()
    # Without the option SQLAlchemy does not keep an INSERT's row count and answers -1.
    result = session.execute(statement, execution_options={"preserve_rowcount": True})
    return result.rowcount == 1  # type: ignore[attr-defined, no-any-return]


def insert_each_once(
    session: Session, table: type[Base], rows: Sequence[dict[str, Any]], key: Sequence[str]
) -> list[dict[str, Any]]:
    """Insert rows in the order of their unique key; returns those that were there already.

    All rows name the same columns.
    """
    if session.get_bind().dialect.name == "sqlite":
        return [row for row in rows if not insert_once(session, table, **row)]
    ordered = sorted(rows, key=lambda row: tuple(row[name] for name in key))
    target = table.metadata.tables[table.__tablename__]
    insert = postgresql_insert(target).on_conflict_do_nothing()
    made = session.connection().execute(
        insert.returning(*(target.c[name] for name in key)), ordered
    )
    new = {tuple(row) for row in made}
    known = []
    for row in ordered:
        named = tuple(row[name] for name in key)
        # Of two equal rows the first was inserted.
        known += [] if named in new else [row]
        new.discard(named)
    return known


def migrate(url: str) -> None:
    """Bring the schema up to date; safe to run from several processes at once."""
    from domain.migrations.run import upgrade

    upgrade(url)


def _sqlite_engine(url: str) -> Engine:
    name = make_url(url).database
    if name and name != ":memory:":
        Path(name).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
        json_serializer=_to_json,
        # An error's text ends in logs and attempts: parameters may be personal data.
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions of its own: ours start with BEGIN IMMEDIATE.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgresql_engine(url: str, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=5,
        json_serializer=_to_json,
        hide_parameters=True,
        # PgBouncer in transaction mode: no server-side prepared statements, no session state.
        connect_args={"prepare_threshold": None, "connect_timeout": 5, **LOST_HOST},
    )
    event.listen(engine, "connect", _limit_silence)
    return engine


def _limit_silence(connection: Any, _record: Any) -> None:
    """The one setting of a session, the same for all of ours: behind a PgBouncer it does no harm
    whoever gets the server connection next. As a start-up parameter PgBouncer would refuse it."""
    connection.autocommit = True
    connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_S}s'")
    connection.autocommit = False


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _rollback(session: Session) -> None:
    # A connection that died cannot roll back; the server has already done it.
    try:
        session.rollback()
    except SQLAlchemyError:
        session.invalidate()


def _close(session: Session) -> None:
    try:
        session.close()
    except SQLAlchemyError:
        session.invalidate()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
