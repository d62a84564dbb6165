"""``/api/accounts/{ref}/invoices``, ``/api/invoices/{number}`` and its PDF: papers and notes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from domain import accounts, effects, invoice_files, masking, revisions
from domain.accounts import Account
from domain.errors import Refused
from domain.invoices import Invoice
from domain.money import Money
from webhooks.api import invoice_docs as docs
from webhooks.api.accounts import ACCOUNT_UNKNOWN, AccountPath
from webhooks.api.fields import Note
from webhooks.api.operation import VIEWER, Answer, Call, Operation, Refusal, Reply
from webhooks.api.paging import Cursor, PageQuery, RowId
from webhooks.api.parts import Services
from webhooks.providers import specs

PDF: Final = "application/pdf"
XML: Final = "application/xml"
_CURSOR: Final[Cursor[int]] = Cursor("invoices", RowId)


class InvoicePath(msgspec.Struct, frozen=True, kw_only=True):
    """Which invoice or credit note."""

    number: Annotated[
        str,
        Meta(
            pattern=r"^[A-Z0-9-]{1,40}$(?!\n)",
            description="The number as printed: capitals, digits and -.",
            examples=["2026-000042"],
        ),
    ]


class FileQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom it is written."""

    format: Annotated[
        Literal["pdf", "cii", "ubl"],
        Meta(description="`pdf`, or EN 16931 alone as XML: `cii` or `ubl`."),
    ] = "pdf"
    revision: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="An earlier revision; without it, the newest."),
    ] = None


class InvoiceNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be printed on the invoice."""

    note: Annotated[Note | None, Meta(description="The customer's note; null prints none.")]


class InvoiceState(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice or credit note; the amounts of a credit note are positive: money given back."""

    number: str
    kind: Annotated[str, Meta(description="`invoice` or `credit_note`.")]
    account: str
    order: Annotated[str | None, Meta(description="The order it was issued for.")]
    corrects: Annotated[str | None, Meta(description="The invoice that a credit note corrects.")]
    issued_at: datetime
    net: Money
    vat: Money
    total: Money
    locale: str
    note: str | None
    revision: Annotated[int, Meta(description="From 1; each change prints a new one.")]
    pdf: Annotated[str, Meta(description="Where the PDF is.")]


class Invoices(msgspec.Struct, frozen=True, kw_only=True):
    """One page of an account's papers, newest first; `next` is the cursor of the page after it."""

    items: list[InvoiceState]
    next: str | None


class Printing(msgspec.Struct, frozen=True, kw_only=True):
    """A PDF that is not there yet."""

    number: str
    revision: int
    state: Annotated[str, Meta(description="`rendering`: ask again in a moment.")]


def get_invoices(call: Call, path: AccountPath, query: PageQuery) -> Reply:
    """Read one page."""
    before = _CURSOR.decode(query.cursor)
    with call.services.database.transaction() as session:
        account = accounts.find(session, path.ref)
        rows = revisions.page(session, account.id, query.limit + 1, before)
        page, following = _CURSOR.cut(rows, query.limit, lambda row: row.id)
        items = [_shown(session, row) for row in page]
    if call.principal.role == VIEWER:
        items = [msgspec.structs.replace(item, note=masking.covered(item.note)) for item in items]
    return Reply(Invoices(items=items, next=following))


def patch_invoice(call: Call, path: InvoicePath, body: InvoiceNote) -> Reply:
    """Write the note."""
    services, actor = call.services, call.principal.actor
    with services.database.transaction() as session:
        owner = revisions.find(session, path.number).account_id
        accounts.lock(session, session.get_one(Account, owner).ref)
        invoice = revisions.find(session, path.number)
        revisions.annotate(session, invoice, body.note, actor)
        state = _shown(session, invoice)
    services.bell.ring("perform_effects")
    return Reply(state)


def get_invoice_file(call: Call, path: InvoicePath, query: FileQuery) -> Reply:
    """Read it as a file."""
    services = call.services
    if query.format != "pdf":
        return _written(services, path.number, query)
    with services.database.transaction() as session:
        invoice = _at(session, path.number, query)
        kept = invoice_files.stored(session, invoice.id, invoice.revision)
        if kept is None:
            invoice_files.want(session, invoice)
    if kept is None:
        services.bell.ring("perform_effects")
    return _printed(services, path.number, query)


def _at(session: Session, number: str, query: FileQuery) -> Invoice:
    return revisions.at(session, revisions.find(session, number), query.revision)


def _printed(services: Services, number: str, query: FileQuery) -> Reply:
    """The revision's PDF as it is kept, or that it is on its way."""
    with services.database.transaction() as session:
        invoice = _at(session, number, query)
        kept = invoice_files.stored(session, invoice.id, invoice.revision)
        progress = invoice_files.progress(session, invoice)
    if kept is not None:
        return _file(kept, PDF, f"{number}.pdf")
    if progress not in effects.PLANNED:
        raise Refused(
            "invoice_not_printable",
            f"The PDF of {number} could not be made; operators see why. Its content as XML is at "
            "?format=cii.",
        )
    state = Printing(number=number, revision=invoice.revision, state="rendering")
    return Reply(state, 202, again=lambda: _printed(services, number, query))


def _written(services: Services, number: str, query: FileQuery) -> Reply:
    from domain.papers import einvoice
    from domain.papers.rows import paper_of

    titles = {spec.name: spec.title for spec in specs(services.settings.environ)}
    with services.database.transaction() as session:
        paper = paper_of(_at(session, number, query), titles)
    write = {"cii": einvoice.cii, "ubl": einvoice.ubl}[query.format]
    return _file(write(paper), XML, f"{number}.{query.format}.xml")


def _file(content: bytes, media_type: str, name: str) -> Reply:
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return Reply(content, headers=headers, media_type=media_type)


def _shown(session: Session, invoice: Invoice) -> InvoiceState:
    number = invoice.number or ""
    corrected = session.get(Invoice, invoice.corrects_id) if invoice.corrects_id else None
    return InvoiceState(
        number=number,
        kind=invoice.kind,
        account=session.get_one(Account, invoice.account_id).ref,
        order=invoice.order_id,
        corrects=corrected.number if corrected else None,
        issued_at=invoice.issued_at,
        net=Money(invoice.net, invoice.currency),
        vat=Money(invoice.vat, invoice.currency),
        total=Money(invoice.total, invoice.currency),
        locale=invoice.locale,
        note=invoice.note,
        revision=invoice.revision,
        pdf=f"/api/invoices/{number}.pdf",
    )


UNKNOWN: Final = Refusal(404, "invoice_unknown", "There is no invoice of that number.")
READERS: Final = frozenset({"app", VIEWER})

OPERATIONS: Final = (
    Operation(
        name="getInvoices",
        method="GET",
        path="/api/accounts/{ref}/invoices",
        tag="invoices",
        summary="List an account's invoices",
        description="Invoices and credit notes, newest first.",
        roles=READERS,
        handler=get_invoices,
        answers={200: Answer(Invoices, "One page of papers.", docs.PAGE)},
        refusals=(
            ACCOUNT_UNKNOWN,
            Refusal(400, "cursor_invalid", "The cursor is not one of this list."),
        ),
    ),
    Operation(
        name="getInvoiceFile",
        method="GET",
        path="/api/invoices/{number}.pdf",
        tag="invoices",
        summary="Download an invoice",
        description=docs.FILE,
        # Names and addresses stand on it.
        roles=frozenset({"app", "operator"}),
        handler=get_invoice_file,
        answers={
            200: Answer(bytes, "The file.", media_types=(PDF, XML)),
            202: Answer(Printing, "Not printed yet: ask again in a moment.", docs.PRINTING),
        },
        refusals=(
            UNKNOWN,
            Refusal(404, "revision_unknown", "It has no such revision."),
            Refusal(409, "invoice_not_printable", "The PDF could not be made; operators know."),
        ),
    ),
    Operation(
        name="patchInvoice",
        method="PATCH",
        path="/api/invoices/{number}",
        tag="invoices",
        summary="Write a note on an invoice",
        description=docs.NOTE,
        roles=frozenset({"app"}),
        handler=patch_invoice,
        example={"note": "Order no. 2026/118"},
        answers={200: Answer(InvoiceState, "The invoice with its note.", docs.STATE)},
        refusals=(UNKNOWN,),
    ),
)
