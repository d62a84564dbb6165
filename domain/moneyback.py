"""What it means when money goes back: refunds, their totals, disputes (BILLING 7).

Refunds that we asked for, refunds made in the provider's own pages, and money that a bank took
come together here, whoever reports them first.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from domain import alerts, disputes, payments, refunds, renewals, restitution, terminations
from domain.disputes import Dispute
from domain.errors import NotYet, Permanent
from domain.facts import DisputeClosed, DisputeOpened, RefundReported, RefundTotalReported
from domain.money import Money
from domain.payments import Payment
from domain.ports import RefundOutcome
from domain.refunds import CUSTOMER, Refund
from domain.work import Work

SETTLE_TOTAL: Final = "settle_refund_total"
"""The effect that believes a total whose single refunds were not reported."""
SINGLES_COME: Final = timedelta(seconds=10)
"""How long the single refunds behind a total are waited for, so that each gets its own paper."""
WITHOUT_END: Final = "refund_without_end"


def refund_reported(fact: RefundReported, work: Work) -> None:
    """One refund, as its provider sees it now."""
    payment = _payment(work, fact.payment, fact.amount)
    refund = refunds.find(work.session, work.provider, fact.refund)
    if refund is None and not fact.reversal:
        refund = refunds.nameless(work.session, payment, fact.amount.amount)
    if refund is None:
        refund = _add(work, payment, fact)
    refund.reference = fact.refund
    _report(work, payment, refund, fact.status)


def refund_answered(work: Work, refund: Refund, outcome: RefundOutcome) -> None:
    """The provider's answer to a refund that we asked for; its event may have come first."""
    if refund.reference is None and not refunds.find(work.session, refund.provider, outcome.refund):
        refund.reference = outcome.refund
    payment = work.session.get_one(Payment, refund.payment_id)
    fact = RefundReported(
        refund=outcome.refund,
        payment=payment.reference,
        amount=refund.money,
        status=outcome.status,
    )
    refund_reported(fact, work)


def refund_overtaken(work: Work, refund: Refund) -> None:
    """All the money went back another way before the provider was asked for this refund."""
    _report(work, work.session.get_one(Payment, refund.payment_id), refund, "failed")


def refund_total_reported(fact: RefundTotalReported, work: Work) -> None:
    """A total: compared with the single refunds, a moment later, when they had time to come."""
    payment = _payment(work, fact.payment, fact.total)
    if not fact.total:
        return
    work.want(
        SETTLE_TOTAL,
        str(payment.id),
        f"payment:{payment.id}:refund_total:{fact.total.amount}",
        at=work.now + SINGLES_COME,
        total=fact.total.amount,
    )


def settle_total(work: Work, payment: Payment, total: int) -> None:
    """Believe a reported total, in minor units, as far as no single refund explains it."""
    made = refunds.of_payment(work.session, payment)
    known = sum(r.amount for r in made if not r.reversal and r.state != "wanted")
    payment.reported_total = max(payment.reported_total, total)
    ours = refunds.nameless(work.session, payment, total - known) if total > known else None
    if ours is not None:
        _report(work, payment, ours, "succeeded")
    else:
        restitution.settle(work, payment, "refund")
        _ask_for_end(work, payment)


def dispute_opened(fact: DisputeOpened, work: Work) -> None:
    """The payer contests a payment: a person must answer, and nothing more is charged."""
    payment = _payment(work, fact.payment)
    _, is_new = _dispute(work, payment, fact)
    if is_new:
        work.note("dispute_opened", payment=fact.payment, amount=str(fact.amount))
        renewals.review(work)


def dispute_closed(fact: DisputeClosed, work: Work) -> None:
    """A dispute ended; that may be the first word of it."""
    payment = _payment(work, fact.payment)
    dispute, _ = _dispute(work, payment, fact)
    if dispute.state not in {disputes.OPEN, fact.outcome}:
        work.alert("dispute_outcome_changed", dispute.subject, payment=fact.payment)
    if not disputes.close(dispute, fact.outcome, fact.amount, work.now):
        return
    alerts.resolve(work.session, "dispute_opened", dispute.subject)
    work.note("dispute_closed", payment=fact.payment, outcome=fact.outcome)
    renewals.review(work)
    if fact.outcome == disputes.LOST:
        _lose(work, payment, dispute)


def _dispute(
    work: Work, payment: Payment, fact: DisputeOpened | DisputeClosed
) -> tuple[Dispute, bool]:
    """The dispute of a fact, and whether this is the first word of it: then a person is told."""
    dispute = disputes.find(work.session, work.provider, fact.dispute)
    if dispute is not None:
        dispute.reason = dispute.reason or fact.reason
        return dispute, False
    dispute = disputes.add(work.session, payment, fact.dispute, fact.amount)
    dispute.reason = fact.reason
    work.alert("dispute_opened", dispute.subject, payment=fact.payment, amount=str(fact.amount))
    return dispute, True


def _payment(work: Work, reference: str, amount: Money | None = None) -> Payment:
    """The payment that a fact is about. Raises ``NotYet`` while its money is not recorded."""
    payment = payments.find(work.session, work.provider, reference)
    if payment is None or payment.state != "succeeded":
        raise NotYet(f"payment {reference} has not been reported yet")
    if payment.account_id != work.account.id:
        raise Permanent(f"payment {reference} is another account's than the rest of the event")
    if amount is not None and amount.currency != payment.currency:
        raise Permanent(f"{amount} were reported as refunded of {reference}, paid {payment.money}")
    return payment


def _add(work: Work, payment: Payment, fact: RefundReported) -> Refund:
    refund = Refund(
        provider=payment.provider,
        reference=fact.refund,
        payment_id=payment.id,
        amount=fact.amount.amount,
        currency=fact.amount.currency,
        state="wanted",
        origin="provider",
        reversal=fact.reversal,
        returned=False,
        requested_at=work.now,
    )
    work.session.add(refund)
    return refund


def _report(work: Work, payment: Payment, refund: Refund, status: str) -> None:
    """Note the state of a refund and do what follows from it, once."""
    was_returned = refund.returned
    if not refunds.advance(refund, status, work.now):
        return
    if refund.state == "failed":
        _warn_of_failure(work, payment, refund)
    if refund.returned and not was_returned:
        _return(work, payment, refund)


def _return(work: Work, payment: Payment, refund: Refund) -> None:
    alerts.resolve(work.session, "refund_refused", _subject(payment))
    ends = refund.origin == CUSTOMER
    restitution.settle(work, payment, "refund", ended=ends)
    if ends:
        terminations.terminate(work, terminations.REFUNDED, f"refund:{refund.id}")
    elif refund.reversal:
        work.alert("payment_reversed", _subject(payment), amount=str(refund.money))
    else:
        _ask_for_end(work, payment)


def _warn_of_failure(work: Work, payment: Payment, refund: Refund) -> None:
    subject = f"{payment.provider}:{refund.reference or payment.reference}"
    amount = str(refund.money)
    work.note("refund_failed", payment=payment.reference, amount=amount)
    work.alert("refund_failed", subject, payment=payment.reference, amount=amount)
    if refund.returned:
        # The papers are out and the money is back with us: nothing a machine should settle.
        work.alert("refund_undone", subject, payment=payment.reference, amount=amount)


def _ask_for_end(work: Work, payment: Payment) -> None:
    """A payment that was refunded whole, but not to end anything: a person decides (ADR 11)."""
    made = refunds.of_payment(work.session, payment)
    whole = restitution.refunded(made, payment.reported_total) >= payment.amount
    ended = any(refund.origin == CUSTOMER and refund.returned for refund in made)
    if whole and not ended and payment.use != "credit":
        work.alert(WITHOUT_END, _subject(payment), order=payment.order_id)


def _lose(work: Work, payment: Payment, dispute: Dispute) -> None:
    restitution.settle(work, payment, "dispute")
    work.alert("dispute_lost", dispute.subject, payment=payment.reference)
    cause = f"dispute:{dispute.provider}:{dispute.reference}"
    terminations.terminate(work, terminations.DISPUTE_LOST, cause)


def _subject(payment: Payment) -> str:
    return f"{payment.provider}:{payment.reference}"
