"""PayPal's payments, refunds and disputes as read, in our words, to be compared with our books."""

from __future__ import annotations

from typing import Final

from domain.comparison import Look, Sighting
from domain.errors import Permanent
from domain.facts import DisputeClosed, DisputeOpened
from domain.money import Money, zero
from domain.ports import Reading, ReadingRequest
from webhooks.providers.paypal import disputes
from webhooks.providers.paypal.documents import Document, money, positive, status
from webhooks.providers.paypal.payments import REFUNDS, outcome_of
from webhooks.providers.paypal.readings import Event, Reader


def payment(_: str, document: Document) -> Sighting:
    """A capture or a sale."""
    amount = money(document.get("amount"))
    return Sighting(
        state=outcome_of(document), amount=amount, refunded=_refunded(status(document), amount)
    )


def refund(_: str, document: Document) -> Sighting:
    """A refund. Raises ``Permanent`` for a state that is not known."""
    state = status(document)
    if state not in REFUNDS:
        raise Permanent(f"PayPal reports the refund state {state!r}, which is not known")
    return Sighting(state=REFUNDS[state], amount=positive(document.get("amount")))


def dispute(reference: str, document: Document) -> Sighting:
    """A dispute, or the part of one that is about one of several payments."""
    request = _disputed(reference)[0]
    reader = Reader({request: Reading(sequence=0, document=document)})
    told = disputes.dispute(Event("CUSTOMER.DISPUTE.UPDATED", {"dispute_id": request.id}), reader)
    for fact in told.facts:
        if isinstance(fact, DisputeClosed) and fact.dispute == reference:
            return Sighting(state=fact.outcome, amount=fact.amount)
        if isinstance(fact, DisputeOpened) and fact.dispute == reference:
            return Sighting(state="open", amount=fact.amount)
    raise Permanent(f"PayPal's dispute {request.id} is no longer about this payment")


def _refunded(state: str, amount: Money) -> Money | None:
    """What a payment's state says of refunds; of a part it does not say how much."""
    return {"COMPLETED": zero(amount.currency), "REFUNDED": amount}.get(state)


def _paid(reference: str) -> tuple[ReadingRequest, ...]:
    """A capture, or a sale of the v1 API; the id does not tell."""
    return ReadingRequest("capture", reference), ReadingRequest("sale", reference)


def _disputed(reference: str) -> tuple[ReadingRequest, ...]:
    return (ReadingRequest("dispute", reference.partition("/")[0]),)


SIGHTINGS: Final = {
    "payment": Look(_paid, payment),
    "refund": Look(lambda reference: (ReadingRequest("refund", reference),), refund),
    "dispute": Look(_disputed, dispute),
}
"""Kind of an object → how it is looked up."""
