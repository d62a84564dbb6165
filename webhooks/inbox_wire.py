"""Writes a batch of deliveries in PostgreSQL's own binary form, one array a column.

The same statement as that of ``inbox_rows``, without what SQLAlchemy and the driver's general
conversions cost: this runs for every webhook.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import attrgetter
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
_MICROSECOND: Final = timedelta(microseconds=1)
_OIDS: Final = {"boolean": 16, "bytea": 17, "text": 25, "timestamptz": 1184}
_headers: Final = msgspec.json.Encoder().encode


def _of_boolean(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


def _of_instant(value: datetime) -> bytes:
    return _MICROSECONDS((value - _EPOCH) // _MICROSECOND)


_FORMS: Final[dict[str, Callable[[Any], bytes]]] = {
    "boolean": _of_boolean,
    "bytea": bytes,
    "text": str.encode,
    "timestamptz": _of_instant,
}
_VALUES: Final[dict[str, Callable[[Incoming], Any]]] = {
    "delivery_id": attrgetter("delivery_id"),
    "provider": attrgetter("provider"),
    "delivery_key": attrgetter("delivery_key"),
    "provider_event_id": attrgetter("identity.event_id"),
    "type": attrgetter("identity.event_type"),
    "status": attrgetter("status"),
    "origin": attrgetter("origin"),
    "received_at": attrgetter("received_at"),
    "created_at": lambda row: inbox_rows.storable(row.identity.created_at),
    "livemode": attrgetter("identity.livemode"),
    "source": attrgetter("source"),
    "signer": attrgetter("signer"),
    "headers": lambda row: _headers(row.headers).decode(),
    "note": attrgetter("note"),
    "fingerprint": attrgetter("fingerprint"),
    "sealed_key": attrgetter("sealed_key"),
    "sealed_by": attrgetter("sealed_by"),
    "body_sha256": attrgetter("sha256"),
    "body": attrgetter("stored"),
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
        _array(_OIDS[kind], _FORMS[kind], list(map(_VALUES[name], ordered)))
        for name, kind in inbox_rows.COLUMNS.items()
    ]


def _array(oid: int, form: Callable[[Any], bytes], values: list[Any]) -> bytes:
    """A one-dimensional array: https://www.postgresql.org/docs/current/xtypes.html has no word on
    its form; it is that of ``array_recv`` in PostgreSQL's source."""
    head, first = _HEAD.pack(1, 1, oid, len(values), 1), values[0]
    # Half of the columns hold one value throughout.
    if values.count(first) == len(values):
        return head + _element(form, first) * len(values)
    if None in values:
        return head + b"".join([_element(form, value) for value in values])
    formed = list(map(form, values))
    lengths = map(_LENGTH, map(len, formed))
    return head + b"".join(chain.from_iterable(zip(lengths, formed, strict=True)))


def _element(form: Callable[[Any], bytes], value: Any) -> bytes:
    if value is None:
        return _NULL
    formed = form(value)
    return _LENGTH(len(formed)) + formed


def _inserted(result: PGresult) -> Inserted:
    told: Inserted = {}
    for row in range(result.ntuples):
        delivery, event = result.get_value(row, 0), result.get_value(row, 1)
        told[bytes(delivery or b"").decode()] = None if event is None else int(event)
    return told
