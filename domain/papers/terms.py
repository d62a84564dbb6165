"""The paper in the terms of EN 16931, the European standard of electronic invoices.

Both syntaxes (CII and UBL) write these terms; ``BT`` numbers are those of EN 16931-1:2017. How our
discount, credit and taxes map onto them is decided in docs/adr/0010-papers.md.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from domain.countries import CODES
from domain.papers import phrases
from domain.papers.paper import Paper, Party, Tax

SPECIFICATION: Final = "urn:cen.eu:en16931:2017"
"""BT-24; also the profile EN 16931 of Factur-X and ZUGFeRD."""
TYPE_CODES: Final = {"invoice": "380", "credit_note": "381"}
PIECE: Final = "C62"
"""BT-130: one (UN/ECE recommendation 20)."""
E_MAIL: Final = "EM"
"""BT-34-1, BT-49-1: an electronic address that is an e-mail address (EAS)."""
DISCOUNT_REASON: Final = "95"
"""BT-98: discount (UNTDID 5189)."""
MEANS: Final = {"card": "48", "wallet": "68"}
"""BT-81: bank card, online payment service (UNTDID 4461)."""
BY_CREDIT: Final = "97"
"""BT-81: clearing between partners: the account's credit paid it all."""
MEANS_UNSAID: Final = "1"
"""BT-81: instrument not defined."""
STANDARD, ZERO_RATED, REVERSE_CHARGE, OUTSIDE = "S", "Z", "AE", "O"
_EXEMPTIONS: Final = {REVERSE_CHARGE: "VATEX-EU-AE", OUTSIDE: "VATEX-EU-O"}
_VAT_PREFIXES: Final = CODES | {"EL", "XI"}


class Category(NamedTuple):
    """The VAT category of a rate: BT-118, BT-119 (None: forbidden), BT-121 and BT-120."""

    code: str
    percent: str | None
    exemption_code: str
    exemption: str


class Means(NamedTuple):
    """BG-16: BT-81, BT-82 and BT-87 (the last four digits of a card)."""

    code: str
    text: str
    card: str


def category(paper: Paper, tax: Tax) -> Category:
    """The category of a tax. Out of scope has no rate at all, not even zero (BR-O-05)."""
    code = _category_code(tax)
    percent = None if code == OUTSIDE else f"{tax.percent.normalize():f}"
    exemption = _EXEMPTIONS.get(code, "")
    return Category(code, percent, exemption, phrases.tax_sentence(paper, tax) if exemption else "")


def _category_code(tax: Tax) -> str:
    if tax.treatment == "reverse_charge":
        return REVERSE_CHARGE
    if tax.treatment == "outside":
        return OUTSIDE
    return STANDARD if tax.percent > Decimal(0) else ZERO_RATED


def is_outside(paper: Paper) -> bool:
    """Out of the scope of VAT: no VAT number of either side may be told then (BR-O-02)."""
    return any(tax.treatment == "outside" for tax in paper.taxes)


def vat_id(paper: Paper, party: Party) -> str:
    """BT-31, BT-48: the number where it may stand and begins with a country (BR-CO-9)."""
    number = party.vat_number
    return "" if is_outside(paper) or number[:2] not in _VAT_PREFIXES else number


def tax_registration(paper: Paper) -> str:
    """BT-32: the seller's number where it may not stand as a VAT number."""
    return paper.seller.vat_number if is_outside(paper) else ""


def email(party: Party) -> str:
    """BT-34, BT-49."""
    return party.email if re.fullmatch(r"[^@\s]+@[^@\s]+", party.email) else ""


def taxable_on(paper: Paper) -> date | None:
    """BT-7; without a tax there is no day of it."""
    return None if is_outside(paper) else paper.taxable_on


def means(paper: Paper) -> Means | None:
    """How it was paid; None when nothing had to be."""
    payment = paper.payment
    if payment is None:
        return Means(BY_CREDIT, phrases.means(paper), "") if paper.credit_used else None
    code = MEANS.get(payment.kind, MEANS_UNSAID)
    return Means(code, phrases.means(paper), payment.last4)


def notes(paper: Paper) -> list[str]:
    """BT-22: the customer's note, the reason of a correction, and what proves the tax."""
    sentences = [tax for each in paper.taxes if (tax := phrases.tax_sentence(paper, each))]
    return [
        text
        for text in (
            paper.note,
            phrases.correction_reason(paper),
            *sentences,
            *phrases.evidence(paper),
        )
        if text
    ]
