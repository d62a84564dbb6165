"""The clock's duty that makes partitions ahead of time and drops what is old enough.

Partitions are looked after every minute. What is old goes once a day, a piece at a time, so that
the other duties need not wait; what is left is the next minute's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from secrets import token_hex
from time import monotonic, sleep
from typing import Any, Final

import structlog
from sqlalchemy import delete

from domain import clock, leases, partitions, retention
from domain.audit import Decider
from domain.database import Database
from domain.keeping import Keeping
from domain.months import Month, month_of
from domain.operator_sessions import LIFETIME, OperatorSession
from domain.partitions import PARTED, LockNotHad, Parted, Partition
from domain.retention import STORES, Store
from domain.tallies import Tally
from domain.trials import Trial
from workers.runtime import Runtime

EVERY: Final = timedelta(days=1)
PATIENCE_S: Final = 2.0
"""How long one run of the duty drops: the other duties wait meanwhile."""
TRIES: Final = 5
PAUSE_S: Final = 0.3
"""Between two tries to lock a table that is in use."""
KEPT_SESSIONS: Final = timedelta(days=90)
"""Who was signed in from where can be looked at for so long after the sign-in."""
KEPT_MINUTES: Final = timedelta(days=35)
"""Sums of five minutes; the charts show a day of them."""
BY_THE_CLOCK: Final = Decider(actor="clock:retention")
Tell = Callable[[str], None]
log = structlog.get_logger()


def keep(runtime: Runtime) -> None:
    """Make what partitions are lacking; once a day drop what is old enough."""
    database = runtime.database
    make_partitions(database)
    holder, end = token_hex(8), monotonic() + PATIENCE_S
    with database.transaction() as session:
        if not leases.take(session, "retention", holder, clock.wall(), EVERY):
            return
    done = False
    try:
        done = drop_old(database, runtime.settings.keeping, BY_THE_CLOCK, lambda: monotonic() < end)
    finally:
        if not done:
            with database.transaction() as session:
                leases.drop(session, "retention", holder)


def make_partitions(database: Database) -> int:
    """Make every partition that is lacking; returns how many there were made. One whose table is in
    use for too long is left to the next time."""
    made = 0
    for table in () if database.is_sqlite else PARTED:
        with database.transaction() as session:
            lacking = partitions.lacking(session, table, month_of(clock.now()))
        for month in lacking:
            made += _make(database, table, month)
    return made


def _make(database: Database, table: Parted, month: Month) -> bool:
    try:
        with database.transaction() as session:
            moved = partitions.make(session, table, month)
    except LockNotHad as error:
        log.info("partition_not_made", table=table.name, month=str(month), reason=str(error))
        return False
    log.info("partition_made", table=table.name, month=str(month), moved=moved)
    return True


def drop_old(
    database: Database,
    keeping: Keeping,
    by: Decider,
    goes_on: Callable[[], bool] = lambda: True,
    tell: Tell = lambda _: None,
) -> bool:
    """Drop what is old enough, as long as ``goes_on``; tells whether all of it is gone but what is
    held back. ``tell`` gets a line for each step."""
    _forget_small(database)
    done = True
    for store in STORES:
        oldest = keeping.oldest(store.name)
        if oldest is None:
            continue
        for name in _deletable(database, store):
            done = _delete(database, store, name, oldest, by, goes_on, tell) and done
        for partition in _old_partitions(database, store, oldest):
            done = goes_on() and _drop(database, store, partition, by, tell) and done
    return done


def _deletable(database: Database, store: Store) -> list[str]:
    """The tables of a store in which rows are deleted: those that hold several months."""
    if database.is_sqlite or store.parted is None:
        return [store.name]
    with database.transaction() as session:
        found = partitions.listed(session, store.parted)
    return [each.name for each in found if each.month is None or each.is_first]


def _old_partitions(database: Database, store: Store, oldest: Month) -> list[Partition]:
    if database.is_sqlite or store.parted is None:
        return []
    with database.transaction() as session:
        found = partitions.listed(session, store.parted)
    return [each for each in found if each.month is not None and each.month < oldest]


def _delete(
    database: Database,
    store: Store,
    name: str,
    oldest: Month,
    by: Decider,
    goes_on: Callable[[], bool],
    tell: Tell,
) -> bool:
    last: Any = None
    while goes_on():
        with database.transaction() as session:
            piece = retention.delete_piece(session, store, name, oldest, last)
            for month, rows in sorted(piece.dropped.items()):
                retention.note(session, by, store.name, month, rows)
        if piece.dropped:
            tell(f"{name}: {sum(piece.dropped.values())} rows deleted")
        last = piece.last
        if last is None:
            return True
    return False


def _drop(database: Database, store: Store, partition: Partition, by: Decider, tell: Tell) -> bool:
    """Drop a partition unless it is held back, which the watch tells when it lasts; False when its
    table could not be locked."""
    for rest in range(TRIES, 0, -1):
        try:
            held = _drop_now(database, store, partition, by)
        except LockNotHad:
            sleep(PAUSE_S if rest > 1 else 0)
            continue
        if held:
            tell(f"{partition.name}: held back by {retention.told(held)}")
        else:
            log.info("month_dropped", partition=partition.name, rows=partition.rows)
            tell(f"{partition.name}: dropped, some {partition.rows} rows")
        return True
    log.info("month_not_dropped", partition=partition.name, reason="the table is in use")
    tell(f"{partition.name}: in use, tried again later")
    return False


def _drop_now(
    database: Database, store: Store, partition: Partition, by: Decider
) -> dict[str, int]:
    """Returns what holds it back, if anything does; asked twice, so that nobody is locked out for
    a month that stays."""
    month, table = partition.month, store.parted
    if month is None or table is None:
        raise ValueError(f"{partition.name} is the partition of no month")
    start = None if partition.is_first else month.start
    with database.transaction() as session:
        if held := retention.holding(session, store, start, month.end):
            return held
    with database.transaction() as session:
        partitions.lock(session, table, partition)
        held = retention.holding(session, store, start, month.end)
        if not held:
            partitions.drop(session, partition)
            retention.note(session, by, store.name, month, partition.rows)
    return held


def _forget_small(database: Database) -> None:
    """What is of no use after a while, whatever the settings say."""
    now, wall = clock.now(), clock.wall()
    old = (
        delete(Trial).where(Trial.wanted_at < now - EVERY * 7),
        delete(OperatorSession).where(OperatorSession.created_at < wall - LIFETIME - KEPT_SESSIONS),
        delete(Tally).where(Tally.unit == "minutes", Tally.start < now - KEPT_MINUTES),
    )
    for statement in old:
        with database.transaction() as session:
            session.execute(statement.execution_options(synchronize_session=False))
