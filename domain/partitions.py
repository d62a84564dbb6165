"""Partitions by month, on PostgreSQL: which there are, and how one is made and dropped.

The first partition holds everything up to the month in which the database was parted, the last
(``_rest``) what no other takes: so a row never fails for want of a partition. Making one disturbs
nobody who reads or writes others. Dropping one locks the whole table for a moment; it is given up
when that cannot be had at once.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from domain import months
from domain.months import Month

AHEAD: Final = 3
"""So many months have their partition before they begin."""
LOOK_BACK: Final = 60
"""So many months back the rest is looked through for what belongs to a month of its own."""
LOCK_TIMEOUT_MS: Final = 200
"""How long whoever comes later may have to wait behind a lock that is not had yet."""
_NAME: Final = re.compile(r"(payloads|deliveries|attempts)_(?:(rest)|(to_)?(\d{4}_\d\d))")
_LOCK_NOT_HAD: Final = ("55P03", "40P01")


class Parted(msgspec.Struct, frozen=True):
    """One table with partitions, and the column whose value tells the month."""

    name: str
    by: str

    def bound(self, month: Month) -> str:
        """Where a month begins in that column, as a literal: an instant, or the start of an id."""
        value = months.id_since(month.start) if self.by == "id" else month.start.isoformat()
        return f"'{value}'"


PARTED: Final = (
    Parted("payloads", "received_at"),
    Parted("deliveries", "id"),
    Parted("attempts", "at"),
)


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """One partition. ``month`` is its month, of the first one the last month that it holds, of the
    rest None. ``rows`` is an estimate; ``size`` in bytes, with indexes."""

    name: str
    month: Month | None
    is_first: bool
    rows: int
    size: int


class LockNotHad(Exception):
    """Somebody reads or writes the table for longer than others may be kept waiting."""


def is_partition(name: str) -> bool:
    """Whether a table is a partition of another, by its name: no model is to be missed for it."""
    return _NAME.fullmatch(name) is not None


def listed(session: Session, table: Parted) -> list[Partition]:
    """The table's partitions, the first one first and the rest last."""
    rows = session.execute(
        text(
            "SELECT c.relname, CAST(c.reltuples AS bigint), "
            "pg_total_relation_size(c.oid) "
            "FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = CAST(:name AS regclass)"
        ),
        {"name": table.name},
    )
    found = [_partition(*row) for row in rows.all()]
    found = [_counted(session, each) if each.rows < 0 else each for each in found]
    return sorted(found, key=lambda each: (each.month is None, each.month or (0, 0)))


def lacking(session: Session, table: Parted, now: Month) -> list[Month]:
    """The months from now on that lack a partition, and those before of which the rest has rows."""
    held = {name: month for name, month in _names(session, table).items() if month is not None}
    last_of_first = max((month for name, month in held.items() if "_to_" in name), default=None)
    ahead = list(months.between(now, now.plus(AHEAD)))
    if session.scalar(text(f"SELECT EXISTS (SELECT FROM {table.name}_rest)")):  # noqa: S608 - our names
        earlier = months.between(now.plus(-LOOK_BACK), now.plus(-1))
        ahead = [*(month for month in earlier if _in_rest(session, table, month)), *ahead]
    return [
        month
        for month in ahead
        if month not in held.values() and (last_of_first is None or month > last_of_first)
    ]


def make(session: Session, table: Parted, month: Month) -> int:
    """Make a month's partition with what the rest holds of it, in the running transaction; returns
    how many rows that were. Raises ``LockNotHad``. One that is there already is left as it is."""
    name = f"{table.name}_{month.year:04}_{month.number:02}"
    low, high = table.bound(month), table.bound(month.plus(1))
    _limit_waiting(session)
    # Only whoever else makes or drops partitions waits for this.
    _lock(session, table.name, "SHARE UPDATE EXCLUSIVE")
    if month in _names(session, table).values():
        return 0
    session.execute(text(f"CREATE TABLE {name} (LIKE {table.name} INCLUDING ALL)"))
    _lock(session, f"{table.name}_rest", "ACCESS EXCLUSIVE")
    moved = session.execute(
        text(
            f"WITH moved AS (DELETE FROM {table.name}_rest "  # noqa: S608 - our own names
            f"WHERE {table.by} >= {low} AND {table.by} < {high} RETURNING *) "
            f"INSERT INTO {name} SELECT * FROM moved"
        )
    )
    session.execute(
        text(
            f"ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})"
        )
    )
    return int(moved.rowcount)  # type: ignore[attr-defined]


def lock(session: Session, table: Parted, partition: Partition) -> None:
    """Keep everybody from the table until the transaction ends: what is found out about the
    partition from now on stays true. Raises ``LockNotHad``."""
    _limit_waiting(session)
    _lock(session, table.name, "ACCESS EXCLUSIVE")
    _lock(session, partition.name, "ACCESS EXCLUSIVE")


def drop(session: Session, partition: Partition) -> None:
    """Drop a partition that is locked."""
    session.execute(text(f"DROP TABLE {partition.name}"))


def _partition(name: str, rows: int, size: int) -> Partition:
    found = _NAME.fullmatch(name)
    month = months.written(found[4]) if found and found[4] else None
    is_first = bool(found and found[3])
    return Partition(name=name, month=month, is_first=is_first, rows=rows, size=size)


def _counted(session: Session, partition: Partition) -> Partition:
    """One that was never analysed is new, or holds next to nothing."""
    count = session.scalar(text(f"SELECT count(*) FROM {partition.name}"))  # noqa: S608 - our own
    return msgspec.structs.replace(partition, rows=count or 0)


def _names(session: Session, table: Parted) -> dict[str, Month | None]:
    names = session.scalars(
        text(
            "SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = CAST(:name AS regclass)"
        ),
        {"name": table.name},
    )
    return {name: _partition(name, 0, 0).month for name in names}


def _in_rest(session: Session, table: Parted, month: Month) -> bool:
    low, high = table.bound(month), table.bound(month.plus(1))
    return bool(
        session.scalar(
            text(
                f"SELECT EXISTS (SELECT FROM {table.name}_rest "  # noqa: S608 - our own names
                f"WHERE {table.by} >= {low} AND {table.by} < {high})"
            )
        )
    )


def _limit_waiting(session: Session) -> None:
    session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'"))


def _lock(session: Session, name: str, mode: str) -> None:
    try:
        session.execute(text(f"LOCK TABLE ONLY {name} IN {mode} MODE"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _LOCK_NOT_HAD:
            raise LockNotHad(f"{name} is in use") from error
        raise
