"""What must hold after every scenario (BILLING 10)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import catalogue as catalogues
from domain import invariants
from domain.accounts import Account
from domain.catalogue import Catalogue
from domain.database import Database
from domain.history import HistoryEntry
from domain.orders import Order
from domain.subscriptions import Subscription


def assert_invariants(database: Database, catalogue: Catalogue | None = None) -> None:
    """Fail with every violation, unless all invariants hold; the bundled catalogue's numbers."""
    with database.transaction() as session:
        found = invariants.broken(session, catalogue or catalogues.load())
        copies = [*_blocks_copied_wrongly(session), *_failures_copied_wrongly(session)]
    assert not found, "\n".join(map(str, found))
    assert not copies, copies


def _blocks_copied_wrongly(session: Session) -> list[str]:
    """Accounts whose subscription tells another reason of their block than they do."""
    reason = func.coalesce(Account.blocked_reason, "")
    both = select(Account.ref).join(Subscription, Subscription.account_id == Account.id)
    return list(session.scalars(both.where(Subscription.account_blocked != reason)))


def _failures_copied_wrongly(session: Session) -> list[str]:
    """Orders that tell another time of their last failed charge than the history does."""
    failed = select(HistoryEntry).where(HistoryEntry.kind == "renewal_failed")
    last: dict[str, datetime] = {}
    for entry in session.scalars(failed.order_by(HistoryEntry.id)):
        last[str(entry.details["order"])] = entry.at
    told = select(Order.id, Order.charge_failed_at).where(Order.charge_failed_at.is_not(None))
    return [str(each) for each in dict(session.execute(told).all()).items() ^ last.items()]
