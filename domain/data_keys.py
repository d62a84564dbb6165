"""Data keys: one for each account, wrapped by a master key; what it seals is erased with it.

A payload or a reading has a key of its own, which hangs on a master key until the account is known
and on the account's data key since. Destroying a data key makes all of it unreadable, wherever a
copy of the sealed rows lies.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, BigId

_ALIVE = text("destroyed_at IS NULL")


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
