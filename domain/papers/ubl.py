"""The paper as UBL 2.1 Invoice or CreditNote, for those who read that syntax of EN 16931.

Elements stand in the order of the schemas, which differ a little between the two documents.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from domain.money import Money, to_decimal_text
from domain.papers import phrases, terms
from domain.papers.markup import Content, document, node
from domain.papers.paper import Item, Paper, Party, Tax

_COMPONENTS: Final = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
_DOCUMENTS: Final = {"invoice": "Invoice", "credit_note": "CreditNote"}
_LINES: Final = {
    "invoice": ("cac:InvoiceLine", "cbc:InvoicedQuantity"),
    "credit_note": ("cac:CreditNoteLine", "cbc:CreditedQuantity"),
}


def ubl(paper: Paper) -> bytes:
    """The paper as UBL, as EN 16931 uses it."""
    name = _DOCUMENTS[paper.kind]
    return document(
        name,
        {"": f"urn:oasis:names:specification:ubl:schema:xsd:{name}-2", **_COMPONENTS},
        *_heading(paper),
        _period(paper),
        _corrected(paper),
        node("cac:AccountingSupplierParty", _party(paper, paper.seller)),
        node("cac:AccountingCustomerParty", _party(paper, paper.buyer)),
        node("cac:Delivery", _day("cbc:ActualDeliveryDate", paper.taxable_on)),
        _means(paper),
        _discount(paper),
        *_tax_totals(paper),
        _totals(paper),
        *(_line(paper, number, item) for number, item in enumerate(paper.lines, 1)),
    )


def _heading(paper: Paper) -> list[Content]:
    name, home = _DOCUMENTS[paper.kind], paper.home_tax
    taxable_on = _day("cbc:TaxPointDate", terms.taxable_on(paper))
    kind = node(f"cbc:{name}TypeCode", terms.TYPE_CODES[paper.kind])
    notes = [node("cbc:Note", text) for text in terms.notes(paper)]
    described = [kind, *notes, taxable_on] if name == "Invoice" else [taxable_on, kind, *notes]
    return [
        node("cbc:CustomizationID", terms.SPECIFICATION),
        node("cbc:ID", paper.number),
        _day("cbc:IssueDate", paper.issued_at.date()),
        *described,
        node("cbc:DocumentCurrencyCode", paper.currency),
        node("cbc:TaxCurrencyCode", home.tax.currency) if home else None,
    ]


def _period(paper: Paper) -> Content:
    if paper.period is None:
        return None
    return node(
        "cac:InvoicePeriod",
        _day("cbc:StartDate", paper.period[0].date()),
        _day("cbc:EndDate", paper.last_day),
    )


def _corrected(paper: Paper) -> Content:
    if paper.corrects is None:
        return None
    return node(
        "cac:BillingReference",
        node(
            "cac:InvoiceDocumentReference",
            node("cbc:ID", paper.corrects.number),
            _day("cbc:IssueDate", paper.corrects.issued_on),
        ),
    )


def _party(paper: Paper, party: Party) -> Content:
    is_seller = party is paper.seller
    return node(
        "cac:Party",
        node("cbc:EndpointID", terms.email(party), schemeID=terms.E_MAIL),
        node("cac:PartyIdentification", node("cbc:ID", party.ref)),
        _address(party),
        _tax_scheme(terms.vat_id(paper, party), "VAT"),
        _tax_scheme(terms.tax_registration(paper), "TAX") if is_seller else None,
        node(
            "cac:PartyLegalEntity",
            node("cbc:RegistrationName", party.name),
            node("cbc:CompanyID", party.company_number),
            node("cbc:CompanyLegalForm", party.registration) if is_seller else None,
        ),
    )


def _address(party: Party) -> Content:
    return node(
        "cac:PostalAddress",
        node("cbc:StreetName", party.street),
        node("cbc:CityName", party.city),
        node("cbc:PostalZone", party.postal_code),
        node("cac:Country", node("cbc:IdentificationCode", party.country)),
    )


def _tax_scheme(number: str, scheme: str) -> Content:
    if not number:
        return None
    return node("cac:PartyTaxScheme", node("cbc:CompanyID", number), _scheme(scheme))


def _scheme(scheme: str = "VAT") -> Content:
    return node("cac:TaxScheme", node("cbc:ID", scheme))


def _means(paper: Paper) -> Content:
    means = terms.means(paper)
    if means is None:
        return None
    reference = paper.payment.reference if paper.payment else ""
    return node(
        "cac:PaymentMeans",
        node("cbc:PaymentMeansCode", means.code, name=means.text),
        node("cbc:PaymentID", reference),
        _card(means),
    )


def _card(means: terms.Means) -> Content:
    if not means.card:
        return None
    # UBL wants the network of a card, a term that EN 16931 does not know.
    return node(
        "cac:CardAccount",
        node("cbc:PrimaryAccountNumberID", means.card),
        node("cbc:NetworkID", means.text),
    )


def _discount(paper: Paper) -> Content:
    if not paper.discount:
        return None
    return node(
        "cac:AllowanceCharge",
        node("cbc:ChargeIndicator", "false"),
        node("cbc:AllowanceChargeReasonCode", terms.DISCOUNT_REASON),
        node("cbc:AllowanceChargeReason", phrases.discount(paper)),
        _amount("cbc:Amount", paper.discount),
        _category("cac:TaxCategory", paper, paper.taxes[0]),
    )


def _tax_totals(paper: Paper) -> list[Content]:
    home = paper.home_tax
    return [
        node(
            "cac:TaxTotal",
            _amount("cbc:TaxAmount", paper.vat),
            *(_subtotal(paper, tax) for tax in paper.taxes),
        ),
        node("cac:TaxTotal", _amount("cbc:TaxAmount", home.tax)) if home else None,
    ]


def _subtotal(paper: Paper, tax: Tax) -> Content:
    return node(
        "cac:TaxSubtotal",
        _amount("cbc:TaxableAmount", tax.base),
        _amount("cbc:TaxAmount", tax.tax),
        _category("cac:TaxCategory", paper, tax, explained=True),
    )


def _category(tag: str, paper: Paper, tax: Tax, *, explained: bool = False) -> Content:
    category = terms.category(paper, tax)
    return node(
        tag,
        node("cbc:ID", category.code),
        node("cbc:Percent", category.percent),
        node("cbc:TaxExemptionReasonCode", category.exemption_code) if explained else None,
        node("cbc:TaxExemptionReason", category.exemption) if explained else None,
        _scheme(),
    )


def _totals(paper: Paper) -> Content:
    return node(
        "cac:LegalMonetaryTotal",
        _amount("cbc:LineExtensionAmount", paper.net + paper.discount),
        _amount("cbc:TaxExclusiveAmount", paper.net),
        _amount("cbc:TaxInclusiveAmount", paper.total),
        _amount("cbc:AllowanceTotalAmount", paper.discount),
        _amount("cbc:PrepaidAmount", paper.prepaid),
        _amount("cbc:PayableAmount", paper.due),
    )


def _line(paper: Paper, number: int, item: Item) -> Content:
    line, quantity = _LINES[paper.kind]
    return node(
        line,
        node("cbc:ID", str(number)),
        node(quantity, str(item.quantity), unitCode=terms.PIECE),
        _amount("cbc:LineExtensionAmount", item.net),
        _period(paper),
        node(
            "cac:Item",
            node("cbc:Description", phrases.item_details(paper, item)),
            node("cbc:Name", phrases.item_name(paper, item)),
            _category("cac:ClassifiedTaxCategory", paper, paper.taxes[0]),
        ),
        node("cac:Price", _amount("cbc:PriceAmount", item.unit_price)),
    )


def _day(tag: str, day: date | None) -> Content:
    return node(tag, day.isoformat()) if day else None


def _amount(tag: str, money: Money) -> Content:
    return node(tag, to_decimal_text(money.amount), currencyID=money.currency)
