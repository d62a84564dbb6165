"""Writes a batch of deliveries in PostgreSQL's own binary form, one array a column.

The same statement as that of ``inbox_rows``, without what SQLAlchemy and the driver's general
conversions cost: this runs for every webhook.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime
from struct import Struct
from typing import Any, Final

import msgspec
from psycopg.pq.abc import PGresult

from domain.database import Database
from domain.express import Express
from webhooks import inbox_rows
from webhooks.inbox_rows import Incoming, Inserted, Receipt

_HEAD: Final = Struct("!iiIii")
_LENGTH: Final = Struct("!i").pack
_MICROSECONDS: Final = Struct("!q").pack
_NULL: Final = _LENGTH(-1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_OIDS: Final = {"boolean": 16, "bytea": 17, "text": 25, "timestamptz": 1184}
_headers: Final = msgspec.json.Encoder().encode


def _of_text(value: str) -> bytes:
    return value.encode()


def _of_bytes(value: bytes) -> bytes:
    return value


def _of_boolean(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


def _of_instant(value: datetime) -> bytes:
    past = value - _EPOCH
    return _MICROSECONDS((past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds)


_FORMS: Final[dict[str, Callable[[Any], bytes]]] = {
    "boolean": _of_boolean,
    "bytea": _of_bytes,
    "text": _of_text,
    "timestamptz": _of_instant,
}
_VALUES: Final[dict[str, Callable[[Incoming], Any]]] = {
    "delivery_id": lambda row: row.delivery_id,
    "provider": lambda row: row.provider,
    "delivery_key": lambda row: row.delivery_key,
    "provider_event_id": lambda row: row.identity.event_id,
    "type": lambda row: row.identity.event_type,
    "status": lambda row: row.status,
    "origin": lambda row: row.origin,
    "received_at": lambda row: row.received_at,
    "created_at": lambda row: inbox_rows.storable(row.identity.created_at),
    "livemode": lambda row: row.identity.livemode,
    "source": lambda row: row.source,
    "signer": lambda row: row.signer,
    "headers": lambda row: _headers(row.headers).decode(),
    "note": lambda row: row.note,
    "fingerprint": lambda row: row.fingerprint,
    "sealed_key": lambda row: row.sealed_key,
    "sealed_by": lambda row: row.sealed_by,
    "body_sha256": lambda row: row.sha256,
    "body": lambda row: row.stored,
}
_NUMBERS: Final = {name: number for number, name in enumerate(inbox_rows.COLUMNS, 1)}
_STATEMENT: Final = re.sub(
    r"(?<!:):([a-z]\w*)", lambda found: f"${_NUMBERS[found[1]]}", str(inbox_rows.INSERT)
).encode()


class Wire:
    """The way into the inbox for an event loop; a few connections that are kept."""

    def __init__(self, database: Database, threads: Executor) -> None:
        """``threads`` do what blocks: connecting, and the rare looks at what is known already."""
        self._database = database
        self._threads = threads
        self._idle: list[Express] = []

    async def insert(self, rows: Sequence[Incoming]) -> list[Receipt]:
        """Commit a batch; the receipts are in the order of ``rows``.

        Raises ``StoreUnavailable``, or the driver's error when a row cannot be stored.
        """
        express = await self._connection()
        try:
            receipts = await self._insert(express, rows)
        except BaseException:
            express.close()
            raise
        self._idle.append(express)
        return receipts

    def close(self) -> None:
        """Close the connections that are idle."""
        while self._idle:
            self._idle.pop().close()

    async def _connection(self) -> Express:
        while self._idle:
            express = self._idle.pop()
            if express.is_usable(self._database):
                return express
            express.close()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, Express, self._database)

    async def _insert(self, express: Express, rows: Sequence[Incoming]) -> list[Receipt]:
        inbox_rows.seal(rows, self._database.ring)
        values = parameters(rows)
        if all(row.delivery_key is None for row in rows):
            # Nothing more can follow from what is found, so the statement commits itself.
            inserted = _inserted(await express.execute(_STATEMENT, values))
            return [inbox_rows.receipt_of(row, inserted) for row in rows]
        await express.begin()
        inserted = _inserted(await express.execute(_STATEMENT, values))
        if len(inserted) == len(rows) and None not in inserted.values():
            await express.end()
            return [inbox_rows.receipt_of(row, inserted) for row in rows]
        return await asyncio.get_running_loop().run_in_executor(
            self._threads,
            express.finish,
            lambda session: [inbox_rows.receipt_of(row, inserted, session) for row in rows],
        )


def parameters(rows: Sequence[Incoming]) -> list[bytes]:
    """The columns of a batch, sorted as ``inbox_rows`` has them inserted."""
    ordered = sorted(rows, key=inbox_rows.order)
    return [
        _array(_OIDS[kind], _FORMS[kind], map(_VALUES[name], ordered), len(ordered))
        for name, kind in inbox_rows.COLUMNS.items()
    ]


def _array(oid: int, form: Callable[[Any], bytes], values: Iterable[Any], count: int) -> bytes:
    """A one-dimensional array: https://www.postgresql.org/docs/current/xtypes.html has no word on
    its form; it is that of ``array_recv`` in PostgreSQL's source."""
    parts = [_HEAD.pack(1, 1, oid, count, 1)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            formed = form(value)
            parts += (_LENGTH(len(formed)), formed)
    return b"".join(parts)


def _inserted(result: PGresult) -> Inserted:
    told: Inserted = {}
    for row in range(result.ntuples):
        delivery, event = result.get_value(row, 0), result.get_value(row, 1)
        told[bytes(delivery or b"").decode()] = None if event is None else int(event)
    return told
