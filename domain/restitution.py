"""How much of a payment was given back in all, and the papers for it (BILLING 7).

The total is computed anew from everything that was reported and only ever grows; a paper is issued
for each increase. So the papers of a payment always add up to its ``refunded`` total, whatever
was reported singly, as a total, twice, or in which order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from domain import announcements, credit, disputes, invoices, refunds
from domain.errors import Permanent
from domain.money import Money
from domain.papers.credit_notes import Reason
from domain.payments import Payment
from domain.refunds import Refund
from domain.work import Work


def settle(work: Work, payment: Payment, reason: Reason, *, ended: bool = False) -> Money:
    """Bring the payment's total up to date and issue the paper for what is new; returns that.

    ``ended`` tells the customer that the subscription ends with it.
    """
    work.session.flush()
    made = refunds.of_payment(work.session, payment)
    lost = disputes.lost_on(work.session, payment)
    total = given_back(made, lost, payment.reported_total)
    if total > payment.amount:
        subject = f"{payment.provider}:{payment.reference}"
        work.alert("refunded_above_paid", subject, reported=str(Money(total, payment.currency)))
    grown = Money(min(total, payment.amount) - payment.refunded, payment.currency)
    if grown.amount <= 0:
        return Money(0, payment.currency)
    payment.refunded += grown.amount
    work.note("money_returned", payment=payment.reference, amount=str(grown), why=reason)
    _document(work, payment, grown, reason, ended=ended)
    return grown


def given_back(made: Sequence[Refund], lost: Sequence[int], reported_total: int) -> int:
    """What refunds and lost disputes took of a payment, in minor units; grows with what is known.

    A provider that reports totals does not count disputes in them. One that does not may report
    the money of a lost dispute once more, as a reversal or as a refund of the same amount: that is
    counted once.
    """
    returned = [refund for refund in made if refund.returned]
    reversed_ = sum(refund.amount for refund in returned if refund.reversal)
    again = [r for r in returned if r.key is None and not r.reversal and not reported_total]
    taken = max(reversed_, sum(lost) - _same_amounts(again, lost))
    return refunded(made, reported_total) + taken


def refunded(made: Sequence[Refund], reported_total: int) -> int:
    """What of a payment was refunded by somebody's wish: not reversed, not lost in a dispute.

    A provider's total counts refunds that are on their way or failed as well.
    """
    singly = sum(r.amount for r in made if r.returned and not r.reversal)
    return max(singly, reported_total - _not_returned(made))


def _not_returned(made: Sequence[Refund]) -> int:
    known = (r for r in made if not r.returned and not r.reversal and r.state != "wanted")
    return sum(refund.amount for refund in known)


def _same_amounts(made: Sequence[Refund], lost: Sequence[int]) -> int:
    common = Counter(refund.amount for refund in made) & Counter(lost)
    return sum(common.elements())


def _document(work: Work, payment: Payment, amount: Money, reason: Reason, *, ended: bool) -> None:
    cause = f"payment:{payment.id}:returned:{payment.refunded}"
    if payment.use == "credit":
        _take_credit(work, payment, amount, cause)
        announcements.refund_done(work, amount, cause, credit_note=None, ended=ended)
        return
    original = invoices.of_payment(work.session, payment)
    if original is None:
        raise Permanent(f"payment {payment.reference} has no invoice that could be corrected")
    note = invoices.credit_note(
        work.session, work.catalogue, work.account, original, payment, amount, cause, reason
    )
    work.session.flush()
    work.papers.append(note)
    work.note("credit_note_issued", payment=payment.reference, total=str(amount))
    if reason == "refund":
        announcements.refund_done(work, amount, cause, credit_note=note.id, ended=ended)
    else:
        announcements.credit_note_issued(work, note, original)


def _take_credit(work: Work, payment: Payment, amount: Money, cause: str) -> None:
    """Money that had become credit is no longer ours; what was spent of it is a person's matter."""
    held = credit.balance(work.session, work.account.id, payment.currency)
    taken = min(amount, held)
    if taken:
        credit.book(
            work.session, work.account.id, "refund", -taken, cause=cause, payment_id=payment.id
        )
    if taken < amount:
        subject = f"{payment.provider}:{payment.reference}"
        work.alert("refund_of_spent_credit", subject, missing=str(amount - taken))
