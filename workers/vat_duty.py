"""The clock's duty over VAT numbers: asked about again before VIES's answer is too old."""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import accounts, clock, vat_checks
from domain.vat_numbers import VatCheck
from domain.work import Work
from workers.runtime import Runtime

BATCH: Final = 200

log = structlog.get_logger()


def check_vat_numbers(runtime: Runtime) -> None:
    """Begin every check that is due, in batches; accounts that are busy wait for the next run."""
    begun = False
    while _begin_batch(runtime):
        begun = True
    if begun:
        runtime.bell.ring("perform_effects")


def _begin_batch(runtime: Runtime) -> bool:
    """Whether something was begun, so that there may be more."""
    with runtime.database.transaction() as session:
        locked = accounts.lock_free(session, _due(session))
        for account in locked.values():
            _begin(Work(session, runtime.catalogue, account))
    return bool(locked)


def _due(session: Session) -> list[int]:
    statement = (
        select(VatCheck.account_id)
        .where(VatCheck.next_check_at <= clock.now(), VatCheck.next_check_at.is_not(None))
        .order_by(VatCheck.next_check_at, VatCheck.account_id)
        .limit(BATCH)
    )
    return list(session.scalars(statement))


def _begin(work: Work) -> None:
    """Under the account's lock: it may have been begun or forgotten meanwhile."""
    check = work.session.get(VatCheck, work.account.id, populate_existing=True)
    due = check.next_check_at if check else None
    if check is not None and due is not None and due <= work.now:
        vat_checks.begin(work, check)
