"""Invoices and credit notes: found, read, downloaded, mailed again."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from domain import paper_search, revisions
from domain.accounts import Account
from domain.invoices import CREDIT_NOTE, INVOICE, Invoice
from domain.money import Money
from domain.paper_search import PaperFilter
from domain.papers.rows import paper_of
from webhooks.api.invoices import InvoicePath
from webhooks.api.paging import Cursor, RowId
from webhooks.console.account_actions import ask_to_resend
from webhooks.console.page import Field, Page, Section, View, Visit
from webhooks.console.speech import mark

LIMIT: Final = 50
_CURSOR: Final[Cursor[int]] = Cursor("console invoices", RowId)
_Short = Annotated[str, Meta(max_length=100)]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What the list is narrowed to."""

    number: _Short | None = None
    account: _Short | None = None
    kind: _Short | None = None
    series: _Short | None = None
    cursor: str | None = None


def show_list(visit: Visit, query: ListQuery) -> View:
    """One page of the papers, newest first."""
    before = _CURSOR.decode(query.cursor)
    names = (field.name for field in msgspec.structs.fields(PaperFilter))
    wanted = PaperFilter(**{name: getattr(query, name) for name in names})
    with visit.database.transaction() as session:
        found = paper_search.page(session, wanted, LIMIT + 1, before)
    rows, following = _CURSOR.cut(found, LIMIT, lambda row: row[0].id)
    values = {
        "rows": [_row(invoice, ref) for invoice, ref in rows],
        "fields": _fields(visit, query),
        "is_first": before is None,
        "next": following and visit.here(cursor=following),
    }
    return View("invoices/list.html", visit.say("Invoices"), values)


def show(visit: Visit, path: InvoicePath) -> View:
    """One paper with its revisions."""
    with visit.database.transaction() as session:
        invoice = revisions.find(session, path.number)
        account = session.get_one(Account, invoice.account_id)
        earlier = revisions.replaced(session, invoice)
        values = {
            "row": _row(invoice, account.ref),
            "pairs": _pairs(visit, session, invoice),
            "lines": paper_of(invoice).lines,
            "earlier": earlier,
            "ask": ask_to_resend(visit, path) if visit.may_act else None,
        }
    title = visit.speech.term(invoice.kind).capitalize() + f" {invoice.number}"
    return View("invoices/invoice.html", title, values)


def _row(invoice: Invoice, ref: str) -> dict[str, Any]:
    amounts = ("net", "vat", "total")
    return {
        "invoice": invoice,
        "ref": ref,
        **{name: Money(getattr(invoice, name), invoice.currency) for name in amounts},
    }


def _fields(visit: Visit, query: ListQuery) -> list[Field]:
    say, term = visit.say, visit.speech.term
    kinds = [("", say("all")), *((kind, term(kind)) for kind in (INVOICE, CREDIT_NOTE))]
    return [
        Field("number", say("Number"), "search", query.number),
        Field("account", say("Account"), "search", query.account),
        Field("kind", say("Kind"), "choice", query.kind, kinds),
        Field("series", say("Series"), value=query.series, attributes={"placeholder": "2026"}),
    ]


def _pairs(visit: Visit, session: Session, invoice: Invoice) -> list[tuple[str, Any]]:
    say, buyer = visit.say, paper_of(invoice).buyer
    corrected = session.get(Invoice, invoice.corrects_id) if invoice.corrects_id else None
    address = ", ".join(filter(None, (buyer.street, buyer.postal_code, buyer.city)))
    return [
        (say("Issued"), visit.speech.exact(invoice.issued_at)),
        (say("Order"), invoice.order_id),
        (say("Corrects"), corrected and corrected.number),
        (say("Buyer"), visit.personal(buyer.name)),
        (say("Address"), visit.personal(address)),
        (say("Country"), buyer.country),
        (say("VAT number"), visit.personal(buyer.vat_number)),
        (say("Language"), invoice.locale),
        (say("Customer's note"), visit.personal(invoice.note)),
        (say("Revision"), invoice.revision),
    ]


SECTION: Final = Section("/invoices", mark("Invoices"))
PAGES: Final = (Page("/invoices", show_list), Page("/invoices/{number}", show))
ACTIONS: Final = ()
