"""Give money of a payment back, once, whatever is lost or repeated on the way.

The provider is asked with the same key however often; its answer and its own event say the same,
and whichever comes first is believed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from domain import accounts, disputes, invoices, moneyback
from domain.accounts import Account
from domain.effects import Effect
from domain.errors import Permanent
from domain.payments import Payment
from domain.ports import RefundOutcome, RefundRequest
from domain.refunds import Refund
from domain.work import Work
from workers.perform_effects import Overtaken
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Ask the provider, then record its answer with everything that follows from it."""
    overtaken = _prepare(runtime, effect)
    if overtaken is not None:
        raise Overtaken(overtaken)
    try:
        outcome = _ask(runtime, effect)
    except Permanent as error:
        _alert(runtime, effect, str(error))
        raise
    _record(runtime, effect, outcome)
    return {"refund": outcome.refund, "status": outcome.status}


def _prepare(runtime: Runtime, effect: Effect) -> str | None:
    """Why the provider need not be asked any more, or None."""
    with runtime.database.transaction() as session:
        work, refund = _work(runtime, session, effect)
        payment = session.get_one(Payment, refund.payment_id)
        if refund.state == "failed":
            return f"refund {refund.id} failed at the provider"
        if payment.refunded < payment.amount:
            return None
        if not refund.returned:
            moneyback.refund_overtaken(work, refund)
        return f"payment {payment.reference} was given back already"


def _ask(runtime: Runtime, effect: Effect) -> RefundOutcome:
    with runtime.database.transaction() as session:
        refund = session.get_one(Refund, effect.payload["refund"])
        payment = session.get_one(Payment, refund.payment_id)
        contested = disputes.is_contested(session, payment)
    if contested:
        raise Permanent(f"a dispute about payment {payment.reference} was opened meanwhile")
    provider = runtime.providers.get(payment.provider)
    if provider is None:
        raise Permanent(f"provider {payment.provider} is switched off; set its settings and retry")
    request = RefundRequest(
        key=effect.key,
        payment=payment.reference,
        amount=refund.money,
        reason=refund.reason or refund.origin,
    )
    return provider.gateway.refund(request)


def _record(runtime: Runtime, effect: Effect, outcome: RefundOutcome) -> None:
    with runtime.database.transaction() as session:
        work, refund = _work(runtime, session, effect)
        moneyback.refund_answered(work, refund, outcome)
        session.flush()
        invoices.number_all(session, work.papers)
    runtime.bell.ring("perform_effects")


def _alert(runtime: Runtime, effect: Effect, reason: str) -> None:
    with runtime.database.transaction() as session:
        work, refund = _work(runtime, session, effect)
        subject = f"{refund.provider}:{effect.target}"
        work.alert("refund_refused", subject, amount=str(refund.money), reason=reason)


def _work(runtime: Runtime, session: Session, effect: Effect) -> tuple[Work, Refund]:
    """The account, locked, and the refund as it is now."""
    refund = session.get_one(Refund, effect.payload["refund"])
    payment = session.get_one(Payment, refund.payment_id)
    account = accounts.lock(session, session.get_one(Account, payment.account_id).ref)
    session.refresh(refund)
    session.refresh(payment)
    return Work(session, runtime.catalogue, account, provider=refund.provider), refund
