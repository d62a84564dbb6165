"""Data keys: one for each account, wrapped by a master key; what it seals is erased with it.

A payload or a reading has a key of its own, which hangs on a master key until the account is known
and on the account's data key since. Destroying a data key makes all of it unreadable, wherever a
copy of the sealed rows lies.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from os import urandom
from typing import Any, Final, NamedTuple

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock, keyring
from domain.database import Base, BigId, insert_each_once, insert_once
from domain.errors import Misconfigured, Permanent
from domain.keyring import KEY_BYTES, SETTING, KeyRing, Wrapper

_ALIVE: Final = text("destroyed_at IS NULL")


class Erased(Permanent):
    """What is asked for was erased on request; ``at`` says when."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"its personal data were erased on {at:%Y-%m-%d} on request")
        self.at = at


class MasterKey(Base):
    """A master key that something may hang on: each must be in the settings. ``proof`` tells it
    from another key of the same name."""

    __tablename__ = "master_keys"

    name: Mapped[str] = mapped_column(primary_key=True)
    proof: Mapped[bytes]
    since: Mapped[datetime]


class DataKey(Base):
    """The data key of an account, wrapped by a master key. A destroyed one stays as a row without
    its bytes: it says when. An account has at most one that is not."""

    __tablename__ = "data_keys"
    __table_args__ = (
        Index(
            "uq_data_keys_alive",
            "account_id",
            unique=True,
            postgresql_where=_ALIVE,
            sqlite_where=_ALIVE,
        ),
        Index("ix_data_keys_account", "account_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    wrapped: Mapped[bytes | None]
    master: Mapped[str | None]
    created_at: Mapped[datetime]
    destroyed_at: Mapped[datetime | None]


class AccountKey(NamedTuple):
    """An account's data key, ready for use in this transaction and no longer: the next one has to
    see that it was destroyed."""

    id: int
    wrapper: Wrapper


def of_accounts(
    session: Session, ring: KeyRing, account_ids: Collection[int]
) -> dict[int, AccountKey]:
    """The data keys of accounts (locked), made where there is none."""
    found = _alive(session, ring, account_ids)
    missing = [each for each in account_ids if each not in found]
    if missing:
        insert_each_once(session, DataKey, [_new(ring, each) for each in missing], ["account_id"])
        # Read again: another transaction may have been a moment faster, and its key counts.
        found |= _alive(session, ring, missing)
    return found


def opened(session: Session, ids: Collection[int]) -> dict[int, Wrapper | Permanent]:
    """Data keys by their numbers; for one that was destroyed, or that no key in the settings
    opens, the error to raise where it is needed."""
    statement = select(DataKey).where(DataKey.id.in_(ids)).execution_options(populate_existing=True)
    return {key.id: _openable(session, key) for key in session.scalars(statement)} if ids else {}


def destroyed_at(session: Session, key_id: int | None) -> datetime | None:
    """When a data key was destroyed; None for one that is not, and for none at all."""
    statement = select(DataKey.destroyed_at).where(DataKey.id == key_id)
    return session.scalar(statement) if key_id is not None else None


def destroy(session: Session, account_id: int) -> int:
    """Destroy the data key of an account (locked); returns the number of its row.

    Where there is none, a row that never had a key stands for it: what was kept plain is to say
    the same.
    """
    key = session.scalar(
        select(DataKey)
        .where(DataKey.account_id == account_id, DataKey.destroyed_at.is_(None))
        .with_for_update()
    )
    if key is None:
        key = DataKey(account_id=account_id, created_at=clock.now())
        session.add(key)
    key.wrapped, key.master, key.destroyed_at = None, None, clock.now()
    session.flush()
    return key.id


def about(account_id: int) -> bytes:
    """What the wrapped key of an account is for."""
    return f"account\0{account_id}".encode()


def check(session: Session, ring: KeyRing | None) -> None:
    """Check that every master key that something may hang on is there.

    Raises ``Misconfigured`` naming what is missing, or is another key than it was.
    """
    for row in session.scalars(select(MasterKey).order_by(MasterKey.since)):
        if ring is None or row.name not in ring.names:
            raise Misconfigured(
                f"personal data in the database hang on the master key {row.name!r}, which is not "
                f"in {SETTING}: put it back; only `billhook keys rotate` makes it dispensable"
            )
        if ring.proof(row.name) != bytes(row.proof):
            raise Misconfigured(
                f"{SETTING}: {row.name!r} is another key than the one that the database knows by "
                "this name; give the new one a name of its own, and put the old one back"
            )


def enroll(session: Session, ring: KeyRing | None) -> None:
    """Check as ``check`` does, and note the first key before anything hangs on it."""
    check(session, ring)
    if ring is not None and session.get(MasterKey, ring.first) is None:
        values = {"name": ring.first, "proof": ring.proof(ring.first), "since": clock.wall()}
        insert_once(session, MasterKey, **values)


def _alive(session: Session, ring: KeyRing, account_ids: Collection[int]) -> dict[int, AccountKey]:
    statement = select(DataKey.account_id, DataKey.id, DataKey.wrapped, DataKey.master).where(
        DataKey.account_id.in_(account_ids), DataKey.destroyed_at.is_(None)
    )
    return {
        account_id: AccountKey(key_id, _wrapper(ring, account_id, wrapped, master))
        for account_id, key_id, wrapped, master in session.execute(statement)
    }


def _openable(session: Session, key: DataKey) -> Wrapper | Permanent:
    if key.destroyed_at is not None:
        return Erased(key.destroyed_at)
    try:
        return _wrapper(keyring.needed(session), key.account_id, key.wrapped, key.master)
    except Permanent as error:
        return error


def _wrapper(ring: KeyRing, account_id: int, wrapped: bytes | None, master: str | None) -> Wrapper:
    return Wrapper(ring.named(master or "").unwrap(bytes(wrapped or b""), about(account_id)))


def _new(ring: KeyRing, account_id: int) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "wrapped": ring.newest.wrap(urandom(KEY_BYTES), about(account_id)),
        "master": ring.first,
        "created_at": clock.now(),
    }
