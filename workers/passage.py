"""The clock's duty over subscriptions: whatever is due by now, in batches that nobody waits for."""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from domain import accounts, clock, invoices, passage, subscriptions
from domain.accounts import Account
from domain.subscriptions import Subscription
from domain.work import Work
from workers import outcomes
from workers.runtime import Runtime

BATCH: Final = 100

log = structlog.get_logger()


def pass_time(runtime: Runtime) -> None:
    """Act on every subscription that is due; accounts that are busy wait for the next run."""
    seen: set[int] = set()
    while _act_on_batch(runtime, seen):
        pass
    if seen:
        runtime.bell.ring("perform_effects")


def _act_on_batch(runtime: Runtime, seen: set[int]) -> bool:
    with runtime.database.transaction() as session:
        due = _due(session, seen)
        if not due:
            return False
        seen.update(due)
        locked = accounts.lock_free(session, due)
        moved = _move(runtime, session, [locked[number] for number in due if number in locked])
        passage.resolve_moved(session, [work.account.ref for work in moved])
        invoices.number_all(session, [paper for work in moved for paper in work.papers])
    return True


def due_accounts(limit: int) -> Select[int]:
    """The accounts whose subscriptions are due now, the longest due first.

    It reads no row that is not due, by the index on ``next_due_at``.
    """
    return (
        select(Subscription.account_id)
        .where(Subscription.next_due_at <= clock.now(), Subscription.next_due_at.is_not(None))
        .order_by(Subscription.next_due_at, Subscription.account_id)
        .limit(limit)
    )


def _due(session: Session, seen: set[int]) -> list[int]:
    found = session.scalars(due_accounts(BATCH + len(seen)))
    return [number for number in found if number not in seen][:BATCH]


def _move(runtime: Runtime, session: Session, locked: list[Account]) -> list[Work]:
    """Act on all of them in one savepoint; when one cannot be moved, on each in its own: a mistake
    in one must not hold up the others."""
    try:
        return _act(runtime, session, locked)
    except Exception:  # noqa: BLE001 - whose it is, is found out below
        return [work for account in locked for work in _act_alone(runtime, session, account)]


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


def _act_alone(runtime: Runtime, session: Session, account: Account) -> list[Work]:
    try:
        return _act(runtime, session, [account])
    except Exception as error:
        log.exception("subscription_not_moved", account=account.ref)
        passage.put_off(Work(session, runtime.catalogue, account), outcomes.describe(error))
        return []
