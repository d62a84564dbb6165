"""Print one revision of an invoice or credit note, and keep the file."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from domain import invoice_files, revisions
from domain.effects import Effect
from domain.errors import NotYet, Permanent, Refused
from domain.invoices import Invoice
from webhooks.providers import specs
from workers.perform_effects import Overtaken
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """The effect's cause is ``invoice:{id}``, its target ``revision:{number}``.

    Also one that was replaced meanwhile: every revision stays readable (BILLING 8). Raises
    ``Overtaken`` when what it said is not known.
    """
    invoice_id = int(effect.cause.removeprefix("invoice:"))
    wanted = int(effect.target.removeprefix("revision:"))
    try:
        _, pdf = printed(runtime, invoice_id, wanted)
    except Refused as error:
        raise Overtaken(str(error)) from error
    return {"bytes": len(pdf), "sha256": hashlib.sha256(pdf).hexdigest()}


def printed(runtime: Runtime, invoice_id: int, revision: int | None = None) -> tuple[str, bytes]:
    """Number and PDF of a revision (None: the present one): the file that is kept, rendered now if
    none is.

    Raises ``NotYet`` while the paper has no number, ``Permanent`` when its content is unreadable,
    ``Refused`` when there is no such revision.
    """
    # Typesetting is heavy, and most effects print nothing.
    from domain.papers.pdf import render
    from domain.papers.rows import paper_of

    with runtime.database.transaction() as session:
        invoice = revisions.at(session, session.get_one(Invoice, invoice_id), revision)
        if invoice.number is None:
            raise NotYet(f"paper {invoice_id} has no number yet")
        kept = invoice_files.stored(session, invoice_id, invoice.revision)
        if kept is not None:
            return invoice.number, kept
        titles = {spec.name: spec.title for spec in specs(runtime.settings.environ)}
        try:
            paper = paper_of(invoice, titles)
        except msgspec.ValidationError as error:
            raise Permanent(f"the content of {invoice.number} is no invoice: {error}") from error
    pdf = render(paper)
    with runtime.database.transaction() as session:
        return paper.number, invoice_files.keep(session, invoice_id, paper.revision, pdf)
