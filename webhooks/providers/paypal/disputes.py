"""Events about disputes: https://developer.paypal.com/docs/api/customer-disputes/v1/#disputes_get"""

from __future__ import annotations

from typing import Final

from domain.errors import Permanent
from domain.facts import DisputeClosed, DisputeOpened, DisputeOutcome, Fact
from domain.ports import ReadingRequest
from webhooks.providers.paypal.documents import (
    Document,
    identifier,
    positive,
    sections,
    status,
    text,
)
from webhooks.providers.paypal.readings import Event, Reader
from webhooks.providers.provider import Translation

OUTCOMES: Final[dict[str, DisputeOutcome]] = {
    "RESOLVED_BUYER_FAVOUR": "lost",
    # PayPal accepted the buyer's dispute.
    "ACCEPTED": "lost",
    "RESOLVED_SELLER_FAVOUR": "won",
    # PayPal paid the buyer out of its own pocket: the seller keeps the money.
    "RESOLVED_WITH_PAYOUT": "won",
    # PayPal rejected the buyer's dispute.
    "DENIED": "won",
    "CANCELED_BY_BUYER": "withdrawn",
    # Closed without a decision because another dispute was opened for the same transaction.
    "NONE": "withdrawn",
}
"""https://developer.paypal.com/docs/api/customer-disputes/v1/#definition-dispute_outcome"""


def dispute(event: Event, reader: Reader) -> Translation:
    """``CUSTOMER.DISPUTE.…`` and ``RISK.DISPUTE.CREATED``: the dispute as it stands, whichever
    event came first. The old ``RISK`` events date in epoch milliseconds, which nothing here needs.
    """
    request = ReadingRequest("dispute", identifier(event.resource, "dispute_id"))
    document = reader.document(request)
    contested = sections(document, "disputed_transactions")
    if not contested:
        raise Permanent(f"PayPal names no disputed transaction in {request}")
    names = _names(request.id, contested)
    facts = (_fact(document, name, one) for name, one in zip(names, contested, strict=True))
    return Translation(facts=tuple(facts))


def _names(dispute_id: str, contested: list[Document]) -> list[str]:
    """One dispute may be about several payments; each is then a dispute of its own to us."""
    if len(contested) == 1:
        return [dispute_id]
    return [f"{dispute_id}/{text(one, 'seller_transaction_id')}" for one in contested]


def _fact(document: Document, name: str, transaction: Document) -> Fact:
    payment = text(transaction, "seller_transaction_id")
    if payment is None:
        raise Permanent(f"PayPal's dispute {name} does not say which payment it is about")
    alone = len(sections(document, "disputed_transactions")) == 1
    amount = positive(document.get("dispute_amount") if alone else transaction.get("gross_amount"))
    reason = text(document, "reason")
    if status(document) != "RESOLVED":
        return DisputeOpened(dispute=name, payment=payment, amount=amount, reason=reason)
    return DisputeClosed(
        dispute=name, payment=payment, amount=amount, outcome=_outcome(document), reason=reason
    )


def _outcome(document: Document) -> DisputeOutcome:
    code = text(document, "dispute_outcome", "outcome_code") or ""
    if code not in OUTCOMES:
        raise Permanent(f"PayPal resolved the dispute with {code!r}, which is not known")
    return OUTCOMES[code]
