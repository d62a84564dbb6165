"""A kept connection for the one statement that must cost little: the intake's (PostgreSQL only).

What SQLAlchemy adds to a statement costs several times the statement itself, and a thread that
waits for the store takes the interpreter from the event loop at every turn. So this speaks to the
driver's own connection and waits as the loop does. Beside ``domain.database`` this is the only
place that commits.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from domain.database import Database
from domain.errors import StoreUnavailable
from domain.outages import is_outage_state

NO_SUCH_STATEMENT: Final = "26000"
FAILED: Final = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE)

_Result = TypeVar("_Result")


class Express:
    """One connection and one transaction at a time, used by one task of an event loop at a time.

    Whoever gets an error from it closes it: the state of its transaction is not known then. With
    PgBouncer in transaction mode a statement prepared here may not be there when it is to run;
    then this connection prepares nothing any more.
    """

    def __init__(self, database: Database) -> None:
        """Connect, which blocks. Raises ``StoreUnavailable``."""
        self._pool = database.engine.pool
        try:
            self._connection = database.engine.connect()
        except (OperationalError, InterfaceError) as error:
            raise StoreUnavailable(str(error).splitlines()[0][:200]) from error
        self._wire: PGconn = self._driver().pgconn
        self._prepared: dict[bytes, bytes] = {}
        self._prepares = True
        self._poll = select.poll()
        self._poll.register(self._wire.socket, select.POLLIN)

    def _driver(self) -> psycopg.Connection[Any]:
        driver = self._connection.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise TypeError(f"{type(driver).__name__} is not psycopg's connection")
        return driver

    def is_usable(self, database: Database) -> bool:
        """Whether it is still a connection of the database's present pool, and not hung up: on
        one that is idle nothing arrives but the news of its end."""
        current = self._pool is database.engine.pool and self._wire.status == ConnStatus.OK
        return current and not self._poll.poll(0)

    async def begin(self) -> None:
        """Begin a transaction; without it a statement is one of its own."""
        await self._simple(b"BEGIN")

    async def end(self) -> None:
        """Commit what ``begin`` began."""
        await self._simple(b"COMMIT")

    async def execute(self, statement: bytes, parameters: Sequence[bytes | None]) -> PGresult:
        """Run the first statement of a transaction, or one that is a transaction of its own.

        Parameters (``$1`` …) are in PostgreSQL's binary form, the result is text. Raises
        ``StoreUnavailable``, or psycopg's own errors where the statement is at fault.
        """
        if self._prepares:
            try:
                name = self._prepared.get(statement) or await self._prepare(statement)
                formats = [1] * len(parameters)
                return await self._done(self._wire.send_query_prepared, name, parameters, formats)
            except psycopg.errors.InvalidSqlStatementName:
                self._prepares = False
                await self._begin_anew()
        formats = [1] * len(parameters)
        return await self._done(self._wire.send_query_params, statement, parameters, None, formats)

    def finish(self, work: Callable[[Session], _Result]) -> _Result:
        """Do the rest of the transaction with a session and commit. Blocks."""
        with Session(self._connection, expire_on_commit=False) as session, session.begin():
            return work(session)

    def close(self) -> None:
        """Give the connection up, whatever state it is in."""
        self._connection.invalidate()
        self._connection.close()

    async def _prepare(self, statement: bytes) -> bytes:
        # Random, because behind a PgBouncer others may prepare on the same server connection.
        name = f"billhook_{os.urandom(8).hex()}".encode()
        await self._done(self._wire.send_prepare, name, statement)
        self._prepared[statement] = name
        return name

    async def _begin_anew(self) -> None:
        if self._wire.transaction_status != TransactionStatus.IDLE:
            await self._simple(b"ROLLBACK")
            await self.begin()

    async def _simple(self, command: bytes) -> None:
        await self._done(self._wire.send_query, command)

    async def _done(self, send: Callable[..., None], *order: Any) -> PGresult:
        try:
            send(*order)
            result = await self._result()
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"the connection broke: {type(error).__name__}") from error
        if result.status in FAILED:
            _fail(error_from_result(result))
        return result

    async def _result(self) -> PGresult:
        wire = self._wire
        while wire.flush():
            await self._ready(writing=True)
            wire.consume_input()
        last: PGresult | None = None
        while True:
            while wire.is_busy():
                await self._ready()
                wire.consume_input()
            result = wire.get_result()
            if result is None:
                break
            last = result
        if last is None:
            raise StoreUnavailable("the connection gave no result")
        return last

    async def _ready(self, *, writing: bool = False) -> None:
        """Wait until the connection can be read, or (with ``writing``) read or written."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        file = self._wire.socket
        loop.add_reader(file, _wake, woken)
        if writing:
            loop.add_writer(file, _wake, woken)
        try:
            await woken
        finally:
            loop.remove_reader(file)
            if writing:
                loop.remove_writer(file)


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _fail(error: psycopg.Error) -> None:
    """Raise the error; as ``StoreUnavailable`` when it is about the store itself."""
    if is_outage_state(error.sqlstate or ""):
        raise StoreUnavailable(type(error).__name__) from error
    raise error
