"""The clock's duty over subscriptions: whatever is due by now, in batches that nobody waits for."""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from domain import accounts, clock, invoices, passage
from domain.invoices import Invoice
from domain.subscriptions import Subscription
from domain.work import Work
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
    papers: list[Invoice] = []
    with runtime.database.transaction() as session:
        due = _due(session, seen)
        locked = accounts.lock_free(session, due)
        seen.update(due)
        for account_id in due:
            account = locked.get(account_id)
            if account is not None:
                papers.extend(_act(runtime, session, account))
        invoices.number_all(session, papers)
    return bool(due)


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


def _act(runtime: Runtime, session: Session, account: accounts.Account) -> list[Invoice]:
    """Act on one account in a savepoint: a mistake in one must not hold up the others."""
    try:
        with session.begin_nested():
            work = Work(session, runtime.catalogue, account)
            subscription = session.get(Subscription, account.id, populate_existing=True)
            if subscription is not None:
                passage.act(work)
            session.flush()
    except Exception:
        log.exception("subscription_not_moved", account=account.ref)
        return []
    return work.papers
