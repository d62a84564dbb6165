"""Payloads at rest: opened for whoever reads them, and handed over to the key of their account.

At intake nobody knows whose a payload is: its key hangs on a master key then, and on the account's
data key from the transaction on that works the event (ADR 0018).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from domain import data_keys, inbox, keyring, sealing
from domain.data_keys import Erased
from domain.errors import Permanent
from domain.inbox import Event
from domain.keyring import Wrapper

Read = bytes | Permanent
"""A body, or why it cannot be read."""
_CHANGED: Final = "its payload and its key do not belong together: the row was changed"


def about(provider: str, delivery_id: str, event_id: str) -> bytes:
    """Where a payload belongs: to the delivery that brought it, which keeps its id when the
    event's is learnt later; one that only a provider's list had belongs to the event."""
    return f"{provider}\0{delivery_id or event_id}".encode()


def read(session: Session, events: Sequence[Event]) -> dict[int, Read]:
    """The raw payloads of events by number; one that was dropped by age is absent, unless its key
    says that it was erased."""
    stored = inbox.bodies(session, events) if events else {}
    ids = {event.data_key_id for event in events if event.data_key_id is not None}
    keys = data_keys.opened(session, ids)
    found: dict[int, Read] = {}
    for event in events:
        holder = keys.get(event.data_key_id or 0)
        if event.id in stored:
            found[event.id] = _body(session, event, stored[event.id], keys)
        elif isinstance(holder, Erased):
            found[event.id] = holder
    return found


def body(session: Session, event: Event) -> bytes | None:
    """One payload; None when it was dropped by age. Raises ``Permanent`` when it cannot be read,
    ``Erased`` when that was wished."""
    found = read(session, [event]).get(event.id)
    if isinstance(found, Permanent):
        raise found
    return found


def erased_at(session: Session, event: Event) -> datetime | None:
    """When the payload of an event was erased on request."""
    return data_keys.destroyed_at(session, event.data_key_id)


def hand_over(session: Session, events: Iterable[Event], locked: Collection[int]) -> None:
    """Wrap the keys of payloads anew, by the data keys of their accounts, where these are
    ``locked``: none of them is destroyed meanwhile."""
    ring = keyring.of(session)
    due = [each for each in events if each.sealed_by and each.account_id in locked]
    if ring is None or not due:
        return
    owners = {each.account_id for each in due if each.account_id is not None}
    keys = data_keys.of_accounts(session, ring, owners)
    for event in due:
        place = about(event.provider, event.delivery_id, event.provider_event_id)
        try:
            key = ring.named(event.sealed_by or "").unwrap(event.sealed_key or b"", place)
        except Permanent:
            # Whoever reads it is told; it must not take the others with it.
            continue
        holder = keys[event.account_id or 0]
        event.sealed_key = holder.wrapper.wrap(key, place)
        event.sealed_by, event.data_key_id = None, holder.id


def _body(
    session: Session, event: Event, stored: bytes, keys: Mapping[int, Wrapper | Permanent]
) -> Read:
    try:
        return _opened(session, event, stored, keys)
    except Permanent as error:
        return error


def _opened(
    session: Session, event: Event, stored: bytes, keys: Mapping[int, Wrapper | Permanent]
) -> bytes:
    if event.data_key_id is not None:
        holder = keys.get(event.data_key_id, Permanent(_CHANGED))
        if isinstance(holder, Permanent):
            raise holder
    elif event.sealed_by is not None:
        holder = keyring.needed(session).named(event.sealed_by)
    else:
        return stored
    place = about(event.provider, event.delivery_id, event.provider_event_id)
    return sealing.opened(stored, holder.unwrap(event.sealed_key or b"", place), place)
