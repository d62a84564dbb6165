"""The clock's duty over exchange rates: fetched in time, and written on the papers that waited."""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import accounts, clock, effects, exchange_rates, home_tax, revisions
from domain.invoices import Invoice
from workers.runtime import Runtime

EFFECT: Final = "fetch_rates"
HOURS: Final = 6
"""A sheet is asked for this often, until the day's is there."""
BATCH: Final = 100

log = structlog.get_logger()


def know_rates(runtime: Runtime) -> None:
    """Have a new sheet fetched, and tell the tax on papers whose rate is known by now."""
    if not home_tax.concerns(runtime.catalogue):
        return
    with runtime.database.transaction() as session:
        wanted = _want(session)
    last = 0
    while waiting := _tell_batch(runtime, last):
        last, wanted = waiting[-1], True
    if wanted:
        runtime.bell.ring("perform_effects")


def _want(session: Session) -> bool:
    now = clock.now()
    if exchange_rates.newest(session) == now.date():
        return False
    return effects.want(session, EFFECT, "rates", f"rates:{now:%Y-%m-%d}:{now.hour // HOURS}")


def _tell_batch(runtime: Runtime, after: int) -> list[int]:
    """Tell the tax on a batch of papers that wait for it; returns all that were looked at.

    By their numbers, so that an invoice comes before its credit notes. Those of accounts that are
    busy wait for the next run.
    """
    with runtime.database.transaction() as session:
        statement = select(Invoice).where(Invoice.awaits_rate, Invoice.id > after)
        waiting = list(session.scalars(statement.order_by(Invoice.id).limit(BATCH)))
        locked = accounts.lock_free(session, {paper.account_id for paper in waiting})
        for paper in waiting:
            if paper.account_id in locked:
                session.refresh(paper)
                _tell(session, paper)
    return [paper.id for paper in waiting]


def _tell(session: Session, paper: Invoice) -> None:
    """Under the account's lock: it may have been told meanwhile."""
    if paper.awaits_rate and revisions.tell_tax_at_home(session, paper):
        log.info("tax_told_at_home", invoice=paper.number, revision=paper.revision)
