"""The paper as the template prints it: every figure written, every word in the paper's language."""

from __future__ import annotations

from typing import Any, Final

from domain.papers import phrases
from domain.papers.figures import MINUS, Figures, figures
from domain.papers.glyphs import LONGEST_RUN, printable
from domain.papers.paper import Item, Paper, Party, Tax
from domain.papers.words import words

Pair = tuple[str, str]

_RUNS: Final = {"masthead": 20, "meta": 32, "note": 80, "footer": 80}
"""How long a word may be before it is broken, where the column is not half of the page."""


def printout(paper: Paper) -> dict[str, Any]:
    """Plain JSON for the template, all texts printable."""
    said, write = words(paper.locale), figures(paper.locale)
    sheet = {
        "lang": paper.locale,
        "title": phrases.title(paper),
        "number": paper.number,
        "revision": said["revision"].format(number=paper.revision) if paper.revision > 1 else "",
        "year": paper.issued_at.year,
        "month": paper.issued_at.month,
        "day": paper.issued_at.day,
        "masthead": paper.seller.name,
        "seller_title": said["seller"],
        "buyer_title": said["buyer"],
        "seller": _party(paper.seller, said, write),
        "buyer": _party(paper.buyer, said, write),
        "meta": _meta(paper, said, write),
        "columns": [said[key] for key in ("description", "quantity", "unit_price", "vat", "net")],
        "lines": [_line(paper, item, write) for item in paper.lines],
        "above": _above(paper, said, write),
        "total": [said["total"], write.money(paper.total)],
        "below": _below(paper, said, write),
        "vat_summary": said["vat_summary"],
        "vat_columns": [said[key] for key in ("rate", "base", "vat")],
        "vat_rows": [_tax_row(tax, write) for tax in paper.taxes],
        "sentences": _sentences(paper),
        "note_title": said["note"],
        "note": paper.note,
        "footer": [paper.seller.name, paper.seller.registration, paper.seller.website],
        "page": said["page"],
    }
    return {key: _printable(value, _RUNS.get(key, LONGEST_RUN)) for key, value in sheet.items()}


def _printable(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return printable(value, longest)
    if isinstance(value, dict):
        return {key: _printable(inner, longest) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(inner, longest) for inner in value]
    return value


def _party(party: Party, said: dict[str, str], write: Figures) -> dict[str, Any]:
    town = f"{party.postal_code} {party.city}".strip()
    country = write.country(party.country) if party.country else ""
    numbers = (
        (said["company_number"], party.company_number),
        (said["vat_number"], party.vat_number),
        (said["customer"], party.ref),
    )
    email = party.email if party.email != party.name else ""
    return {
        "name": party.name,
        "address": [line for line in (party.street, town, country) if line],
        "numbers": [pair for pair in numbers if pair[1]],
        "email": email,
    }


def _meta(paper: Paper, said: dict[str, str], write: Figures) -> list[Pair]:
    pairs = (
        (said["issued_on"], write.day(paper.issued_at.date())),
        *_correction(paper, said),
        (said["taxable_on"], write.day(paper.taxable_on)),
        (said["period"], " ".join(phrases.period_parts(paper))),
        *_paying(paper, said, write),
    )
    return [pair for pair in pairs if pair[1]]


def _correction(paper: Paper, said: dict[str, str]) -> tuple[Pair, ...]:
    return (
        (said["corrects"], phrases.correction(paper)),
        (said["reason"], phrases.correction_reason(paper)),
    )


def _paying(paper: Paper, said: dict[str, str], write: Figures) -> tuple[Pair, ...]:
    payment, is_invoice = paper.payment, paper.kind == "invoice"
    paid_on = write.day(payment.at.date()) if payment and payment.at else ""
    return (
        (said["paid_on" if is_invoice else "refunded_on"], paid_on),
        (said["means" if is_invoice else "refund_means"], phrases.means(paper)),
        (said["reference"], payment.reference if payment else ""),
    )


def _line(paper: Paper, item: Item, write: Figures) -> dict[str, str]:
    return {
        "name": phrases.item_name(paper, item),
        "details": phrases.interval(paper, item),
        "quantity": write.number(item.quantity),
        "unit_price": write.amount(item.unit_price),
        "vat": _rate(paper.taxes[0], write),
        "net": write.amount(item.net),
    }


def _rate(tax: Tax, write: Figures) -> str:
    # Zero percent and "no VAT at all" are different things to a tax office.
    return "–" if tax.treatment == "outside" else write.percent(tax.percent)


def _above(paper: Paper, said: dict[str, str], write: Figures) -> list[Pair]:
    """From the lines to the total."""
    rows: list[Pair] = []
    if paper.discount:
        rows = [
            (said["subtotal"], write.money(paper.net + paper.discount)),
            (said["discount"], MINUS + write.money(paper.discount)),
        ]
    taxes = [(_tax_name(tax, said, write), write.money(tax.tax)) for tax in paper.taxes]
    return [*rows, (said["net_total"], write.money(paper.net)), *taxes]


def _tax_name(tax: Tax, said: dict[str, str], write: Figures) -> str:
    if tax.treatment == "outside":
        return said["vat"]
    return f"{said['vat']} {_rate(tax, write)}"


def _below(paper: Paper, said: dict[str, str], write: Figures) -> list[Pair]:
    """From the total to what is due."""
    is_invoice = paper.kind == "invoice"
    rows: list[Pair] = []
    if paper.credit_used:
        rows.append((said["credit_used"], MINUS + write.money(paper.credit_used)))
    if paper.payment is not None:
        key = "paid" if is_invoice else "refunded"
        rows.append((said[key], MINUS + write.money(paper.payment.amount)))
    return [*rows, (said["due" if is_invoice else "to_refund"], write.money(paper.due))]


def _tax_row(tax: Tax, write: Figures) -> list[str]:
    return [_rate(tax, write), write.amount(tax.base), write.amount(tax.tax)]


def _sentences(paper: Paper) -> list[str]:
    said = [phrases.tax_sentence(paper, tax) for tax in paper.taxes]
    return [sentence for sentence in (*said, *phrases.evidence(paper)) if sentence]
