"""``/api/invoices/{number}/revisions``: what a paper says, and what it said before."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from domain import masking, revisions
from domain.invoices import Invoice
from domain.revisions import InvoiceRevision
from webhooks.api import invoice_docs as docs
from webhooks.api.account_state import BillingState
from webhooks.api.invoices import READERS, UNKNOWN, InvoicePath
from webhooks.api.operation import VIEWER, Answer, Call, Operation, Reply


class RevisionState(msgspec.Struct, frozen=True, kw_only=True):
    """What a paper says, or said before it was changed."""

    revision: int
    made_at: datetime
    changed: Annotated[
        str,
        Meta(description="What is new: `note`, `buyer` or `tax in CZK`; `issued` in the first."),
    ]
    by: Annotated[str | None, Meta(description="Who changed it; null where nobody did.")]
    note: str | None
    buyer: BillingState
    pdf: Annotated[str, Meta(description="Where its PDF is.")]


class Revisions(msgspec.Struct, frozen=True, kw_only=True):
    """Every revision of one invoice or credit note, newest first."""

    number: str
    items: list[RevisionState]


def get_revisions(call: Call, path: InvoicePath) -> Reply:
    """Read what it said at any time."""
    with call.services.database.transaction() as session:
        invoice = revisions.find(session, path.number)
        replaced = revisions.replaced(session, invoice)
    first = invoice.revision - len(replaced)
    said: list[Invoice | InvoiceRevision] = [*replaced, invoice]
    # What is new in a revision stands with the one that it replaced.
    causes = [None, *replaced]
    shown = [
        _shown(invoice, number, *pair)
        for number, pair in enumerate(zip(said, causes, strict=True), first)
    ]
    if call.principal.role == VIEWER:
        shown = [_covered(each) for each in shown]
    return Reply(Revisions(number=path.number, items=shown[::-1]))


def _covered(state: RevisionState) -> RevisionState:
    """Without what tells who the customer is."""
    buyer = masking.covered(msgspec.to_builtins(state.buyer))
    return msgspec.structs.replace(
        state, note=masking.covered(state.note), buyer=msgspec.convert(buyer, BillingState)
    )


def _shown(
    invoice: Invoice,
    revision: int,
    said: Invoice | InvoiceRevision,
    cause: InvoiceRevision | None,
) -> RevisionState:
    return RevisionState(
        revision=revision,
        made_at=cause.replaced_at if cause else invoice.issued_at,
        changed=cause.changed if cause else "issued",
        by=cause.replaced_by if cause else None,
        note=said.note,
        buyer=msgspec.convert(said.content.get("buyer") or {}, BillingState),
        pdf=f"/api/invoices/{invoice.number}.pdf?revision={revision}",
    )


OPERATIONS: Final = (
    Operation(
        name="getInvoiceRevisions",
        method="GET",
        path="/api/invoices/{number}/revisions",
        tag="invoices",
        summary="List an invoice's revisions",
        description=docs.REVISIONS,
        roles=READERS,
        handler=get_revisions,
        answers={200: Answer(Revisions, "Every revision, newest first.", docs.EVERY_REVISION)},
        refusals=(UNKNOWN,),
    ),
)
