"""Believe a total of refunds that a provider reported, once its single refunds had time to come."""

from __future__ import annotations

from typing import Any

from domain import accounts, invoices, moneyback
from domain.accounts import Account
from domain.effects import Effect
from domain.payments import Payment
from domain.work import Work
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Compare the total with what is known, under the account's lock."""
    with runtime.database.transaction() as session:
        payment = session.get_one(Payment, int(effect.target))
        account = accounts.lock(session, session.get_one(Account, payment.account_id).ref)
        session.refresh(payment)
        before = payment.refunded
        work = Work(session, runtime.catalogue, account, provider=payment.provider)
        moneyback.settle_total(work, payment, int(effect.payload["total"]))
        session.flush()
        invoices.number_all(session, work.papers)
        grown = payment.refunded - before
    runtime.bell.ring("perform_effects")
    return {"added": grown}
