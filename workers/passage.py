"""The clock's duty over subscriptions: whatever is due by now, in batches that nobody waits for."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from domain import accounts, clock, invoices, passage, subscriptions
from domain.accounts import Account
from domain.outages import is_outage
from domain.subscriptions import Subscription
from domain.work import Work
from workers import outcomes
from workers.runtime import Runtime

BATCH: Final = 100

log = structlog.get_logger()


Failures = dict[str, Exception]
"""What went wrong, by the account's reference."""


class Place(NamedTuple):
    """Where in the row of what is due."""

    due_at: datetime
    account_id: int


def pass_time(runtime: Runtime) -> None:
    """Act on every subscription that is due; accounts that are busy wait for the next run."""
    upto = clock.now()
    last = _act_on_batch(runtime, upto, None)
    while last is not None:
        runtime.bell.ring("perform_effects")
        last = _act_on_batch(runtime, upto, last)


def _act_on_batch(runtime: Runtime, upto: datetime, last: Place | None) -> Place | None:
    """Act on the next ones; the place of the last of them, or None when none are left."""
    failures: Failures = {}
    with runtime.database.transaction() as session:
        scan = session.execute(due_accounts(BATCH, upto, last))
        due = [Place(at, number) for at, number in scan if at is not None]
        if not due:
            return None
        ids = [place.account_id for place in due]
        locked = accounts.lock_free(session, ids)
        held = [locked[number] for number in ids if number in locked]
        moved = _move(runtime, session, held, failures)
        passage.resolve_moved(session, [work.account.ref for work in moved])
        invoices.number_all(session, [paper for work in moved for paper in work.papers])
    for ref, error in failures.items():
        # After the transaction: a traceback takes its time, and nobody shall wait for it.
        log.error("subscription_not_moved", account=ref, exc_info=error)
    return due[-1]


def due_accounts(
    limit: int, upto: datetime | None = None, last: Place | None = None
) -> Select[datetime | None, int]:
    """When and for which accounts something is due by ``upto`` (now), the longest due first,
    beginning after the place ``last``.

    It reads no row that is not due, by the index on ``next_due_at``.
    """
    due_at, number = Subscription.next_due_at, Subscription.account_id
    statement = select(due_at, number).where(due_at <= (upto or clock.now()), due_at.is_not(None))
    if last is not None:
        later = or_(due_at > last.due_at, number > last.account_id)
        statement = statement.where(due_at >= last.due_at, later)
    return statement.order_by(due_at, number).limit(limit)


def _move(
    runtime: Runtime, session: Session, locked: list[Account], failures: Failures
) -> list[Work]:
    """Act on all of them in one savepoint; when one cannot be moved, on each in its own: a mistake
    in one must not hold up the others."""
    try:
        return _act(runtime, session, locked)
    except Exception as error:
        if is_outage(error):
            raise
        # Whose it is, is found out now.
        moved = []
        for account in locked:
            moved += _act_alone(runtime, session, account, failures)
        return moved


def _act(runtime: Runtime, session: Session, locked: list[Account]) -> list[Work]:
    with session.begin_nested():
        owners = {account.id: account for account in locked}
        # Read under the locks, and all at once; the rules find them in the session.
        found = subscriptions.read_again(session, owners)
        works = [Work(session, runtime.catalogue, owners[row.account_id]) for row in found]
        for work in works:
            passage.act(work)
        session.flush()
    return works


def _act_alone(
    runtime: Runtime, session: Session, account: Account, failures: Failures
) -> list[Work]:
    try:
        return _act(runtime, session, [account])
    except Exception as error:  # noqa: BLE001 - it is told to a person, and tried again
        failures[account.ref] = error
        passage.put_off(Work(session, runtime.catalogue, account), outcomes.describe(error))
        return []
