"""Writes deliveries, events and payloads: one statement a batch on PostgreSQL.

The unique keys decide what is new; a duplicate is an ordinary answer. Rows are sorted by their keys
before they are inserted: two batches with the same ids in opposite order would deadlock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from os import urandom
from typing import Any, Final

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from domain import keyring, payloads, sealing, transmissions
from domain.database import insert_once
from domain.inbox import Delivery, Event, Payload
from domain.keyring import KeyRing
from domain.transmissions import Transmission
from webhooks.providers.provider import Identity

EARLIEST: Final = datetime(1, 1, 3, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 29, tzinfo=UTC)


class Incoming(msgspec.Struct, kw_only=True):
    """One judged delivery on its way into the inbox."""

    provider: str
    identity: Identity
    body: bytes
    headers: Mapping[str, str]
    received_at: datetime
    status: str = "received"
    origin: str = "webhook"
    source: str | None = None
    signer: str | None = None
    delivery_key: str | None = None
    note: str | None = None
    fingerprint: str | None = None
    delivery_id: str = ""
    sha256: bytes = b""
    stored: bytes = b""
    """The body as it is kept: sealed, where there are keys."""
    sealed_key: bytes | None = None
    sealed_by: str | None = None

    def __post_init__(self) -> None:
        self.stored = self.body
        self.delivery_id = self.delivery_id or _new_id(self.received_at)
        self.sha256 = hashlib.sha256(self.body).digest()


def _new_id(at: datetime) -> str:
    """32 characters, growing with time: ids without an order would scatter over the whole index,
    and each would have another page of it written."""
    return f"{int(at.timestamp() * 1e6):016x}{urandom(8).hex()}"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a delivery: a new event, a duplicate, or a second body under a known
    transmission id, which is a forgery (nothing of it was kept)."""

    duplicate: bool = False
    forged: bool = False


_NEW: Final = Receipt()
_KNOWN: Final = Receipt(duplicate=True)


def seal(rows: Sequence[Incoming], ring: KeyRing | None) -> None:
    """Seal the bodies, each with a key of its own that hangs on the first master key."""
    if ring is None:
        return
    wrapper, name = ring.newest, ring.first
    for row in rows:
        place = payloads.about(row.provider, row.delivery_id, row.identity.event_id)
        row.stored, row.sealed_key = sealing.seal(row.body, wrapper, place)
        row.sealed_by = name


def insert(session: Session, rows: Sequence[Incoming]) -> list[Receipt]:
    """Insert a batch; the receipts are in the order of ``rows``."""
    seal(rows, keyring.of(session))
    ordered = sorted(rows, key=order)
    if session.get_bind().dialect.name == "postgresql":
        inserted = _insert_at_once(session, ordered)
    else:
        inserted = _insert_singly(session, ordered)
    return [receipt_of(row, inserted, session) for row in rows]


def order(row: Incoming) -> tuple[str, str]:
    """What a batch is sorted by."""
    return row.provider, row.identity.event_id


def insert_listed(session: Session, row: Incoming) -> bool:
    """Insert an event that the provider's list holds and no delivery brought; False when it is
    known. There is no delivery to it, so one that comes later is a duplicate, whatever its bytes:
    what the provider answered to our own call needs no other proof."""
    row.delivery_id = ""
    seal([row], keyring.of(session))
    return _insert_event(session, row, row.identity.event_id) is not None


Inserted = dict[str, int | None]
"""By delivery: the new event's id, or None when the event was there already. A delivery that is
absent carried a transmission id that is known."""


def receipt_of(row: Incoming, inserted: Inserted, session: Session | None = None) -> Receipt:
    """What became of a row, in the transaction that inserted it.

    The ``session`` is needed only for a row with a transmission id.
    """
    if row.delivery_id in inserted and inserted[row.delivery_id] is not None:
        return _NEW
    if session is None or row.delivery_key is None:
        return _KNOWN
    if row.delivery_id not in inserted:
        first = transmissions.first_body(session, row.provider, row.delivery_key)
        return Receipt(duplicate=True, forged=first != row.sha256)
    return Receipt(duplicate=not _keep_variant(session, row))


def _keep_variant(session: Session, row: Incoming) -> bool:
    """Keep another body under a known event id as an event of its own.

    Only where the signature does not bind the body (there is a transmission id): otherwise a
    forged body that came first would make the genuine one a duplicate.
    """
    if row.delivery_key is None:
        return False
    statement = (
        select(Delivery.body_sha256)
        .join(Event, Event.delivery_id == Delivery.id)
        .where(Event.provider == row.provider, Event.provider_event_id == row.identity.event_id)
    )
    first = session.scalar(statement)
    if first is None or bytes(first) == row.sha256:
        return False
    variant = f"{row.identity.event_id}~{row.sha256.hex()[:12]}"
    return _insert_event(session, row, variant) is not None


def _insert_singly(session: Session, rows: Sequence[Incoming]) -> Inserted:
    inserted: Inserted = {}
    for row in rows:
        if _is_new_transmission(session, row):
            insert_once(session, Delivery, **_delivery_values(row))
            inserted[row.delivery_id] = _insert_event(session, row, row.identity.event_id)
    return inserted


def _is_new_transmission(session: Session, row: Incoming) -> bool:
    values = {
        "provider": row.provider,
        "delivery_key": row.delivery_key,
        "delivery_id": row.delivery_id,
        "body_sha256": row.sha256,
        "received_at": row.received_at,
    }
    return row.delivery_key is None or insert_once(session, Transmission, **values)


def _insert_event(session: Session, row: Incoming, event_id: str) -> int | None:
    values = {**_event_values(row), "provider_event_id": event_id}
    if not insert_once(session, Event, **values):
        return None
    statement = select(Event.id).where(
        Event.provider == row.provider, Event.provider_event_id == event_id
    )
    number = session.scalars(statement).one()
    insert_once(session, Payload, event_id=number, received_at=row.received_at, body=row.stored)
    return number


def _delivery_values(row: Incoming) -> dict[str, Any]:
    return {
        "id": row.delivery_id,
        "provider": row.provider,
        "delivery_key": row.delivery_key,
        "provider_event_id": row.identity.event_id,
        "received_at": row.received_at,
        "source": row.source,
        "headers": dict(row.headers),
        "signer": row.signer,
        "body_sha256": row.sha256,
    }


def _event_values(row: Incoming) -> dict[str, Any]:
    return {
        "provider": row.provider,
        "provider_event_id": row.identity.event_id,
        "type": row.identity.event_type,
        "status": row.status,
        "origin": row.origin,
        "delivery_id": row.delivery_id,
        "received_at": row.received_at,
        "created_at": storable(row.identity.created_at),
        "livemode": row.identity.livemode,
        "next_attempt_at": row.received_at,
        "attempts": 0,
        "note": row.note,
        "fingerprint": row.fingerprint,
        "sealed_key": row.sealed_key,
        "sealed_by": row.sealed_by,
    }


def storable(instant: datetime | None) -> datetime | None:
    """An instant that can be kept, or None. At the ends of the calendar another time zone has no
    such year: a session of the database in that zone could store the row and never load it."""
    return instant if instant is not None and EARLIEST <= instant <= LATEST else None


COLUMNS: Final = {
    "delivery_id": "text",
    "provider": "text",
    "delivery_key": "text",
    "provider_event_id": "text",
    "type": "text",
    "status": "text",
    "origin": "text",
    "received_at": "timestamptz",
    "created_at": "timestamptz",
    "livemode": "boolean",
    "source": "text",
    "signer": "text",
    "headers": "text",
    "note": "text",
    "fingerprint": "text",
    "sealed_key": "bytea",
    "sealed_by": "text",
    "body_sha256": "bytea",
    "body": "bytea",
}
_ARRAYS: Final = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in COLUMNS.items())
INSERT: Final = text(
    f"""
    WITH incoming AS (
        SELECT * FROM unnest({_ARRAYS}) AS t({", ".join(COLUMNS)})
    ), t AS (
        INSERT INTO transmissions (provider, delivery_key, delivery_id, body_sha256, received_at)
        SELECT provider, delivery_key, delivery_id, body_sha256, received_at
        FROM incoming WHERE delivery_key IS NOT NULL
        ORDER BY provider, delivery_key
        ON CONFLICT DO NOTHING
        RETURNING delivery_id
    ), d AS (
        INSERT INTO deliveries (id, provider, delivery_key, provider_event_id, received_at,
                                source, headers, signer, body_sha256)
        SELECT delivery_id, provider, delivery_key, provider_event_id, received_at,
               source, CAST(headers AS jsonb), signer, body_sha256
        FROM incoming
        WHERE delivery_key IS NULL OR delivery_id IN (SELECT delivery_id FROM t)
        ON CONFLICT DO NOTHING
        RETURNING id
    ), e AS (
        INSERT INTO events (provider, provider_event_id, type, status, origin, delivery_id,
                            received_at, created_at, livemode, next_attempt_at, attempts,
                            note, fingerprint, sealed_key, sealed_by)
        SELECT i.provider, i.provider_event_id, i.type, i.status, i.origin, i.delivery_id,
               i.received_at, i.created_at, i.livemode, i.received_at, 0,
               i.note, i.fingerprint, i.sealed_key, i.sealed_by
        FROM incoming i JOIN d ON d.id = i.delivery_id
        ORDER BY i.provider, i.provider_event_id
        ON CONFLICT DO NOTHING
        RETURNING id, delivery_id
    ), p AS (
        INSERT INTO payloads (event_id, received_at, body)
        SELECT e.id, i.received_at, i.body FROM e JOIN incoming i ON i.delivery_id = e.delivery_id
    )
    SELECT d.id, e.id FROM d LEFT JOIN e ON e.delivery_id = d.id
    """  # noqa: S608 - made of the constants above
)


def _insert_at_once(session: Session, rows: Sequence[Incoming]) -> Inserted:
    values = [_flat(row) for row in rows]
    arrays = {name: [value[name] for value in values] for name in COLUMNS}
    return dict(session.execute(INSERT, arrays).all())


def _flat(row: Incoming) -> dict[str, Any]:
    delivery = _delivery_values(row)
    return {
        **_event_values(row),
        **delivery,
        "headers": msgspec.json.encode(delivery["headers"]).decode(),
        "body": row.stored,
    }
