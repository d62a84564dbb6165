"""The paper as UN/CEFACT Cross Industry Invoice: what Factur-X and ZUGFeRD embed in the PDF.

Elements stand in the order of the schema (D22B).
"""

from __future__ import annotations

from datetime import date
from typing import Final
from xml.etree.ElementTree import Element

from domain.money import Money, to_decimal_text
from domain.papers import phrases, terms
from domain.papers.markup import Content, document, node
from domain.papers.paper import Item, Paper, Party, Tax

_NAMESPACES: Final = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
}


def cii(paper: Paper) -> bytes:
    """The paper as CII, profile EN 16931."""
    return document(
        "rsm:CrossIndustryInvoice",
        _NAMESPACES,
        _context(),
        _heading(paper),
        node(
            "rsm:SupplyChainTradeTransaction",
            *(_line(paper, number, item) for number, item in enumerate(paper.lines, 1)),
            _agreement(paper),
            _delivery(paper),
            _settlement(paper),
        ),
    )


def _context() -> Content:
    return node(
        "rsm:ExchangedDocumentContext",
        node("ram:GuidelineSpecifiedDocumentContextParameter", node("ram:ID", terms.SPECIFICATION)),
    )


def _heading(paper: Paper) -> Content:
    return node(
        "rsm:ExchangedDocument",
        node("ram:ID", paper.number),
        node("ram:TypeCode", terms.TYPE_CODES[paper.kind]),
        _day("ram:IssueDateTime", paper.issued_at.date()),
        *(node("ram:IncludedNote", node("ram:Content", text)) for text in terms.notes(paper)),
    )


def _line(paper: Paper, number: int, item: Item) -> Content:
    return node(
        "ram:IncludedSupplyChainTradeLineItem",
        node("ram:AssociatedDocumentLineDocument", node("ram:LineID", str(number))),
        node(
            "ram:SpecifiedTradeProduct",
            node("ram:Name", phrases.item_name(paper, item)),
            node("ram:Description", phrases.item_details(paper, item)),
        ),
        node(
            "ram:SpecifiedLineTradeAgreement",
            node("ram:NetPriceProductTradePrice", _amount("ram:ChargeAmount", item.unit_price)),
        ),
        node(
            "ram:SpecifiedLineTradeDelivery",
            node("ram:BilledQuantity", str(item.quantity), unitCode=terms.PIECE),
        ),
        node(
            "ram:SpecifiedLineTradeSettlement",
            _category("ram:ApplicableTradeTax", paper),
            _period(paper),
            node(
                "ram:SpecifiedTradeSettlementLineMonetarySummation",
                _amount("ram:LineTotalAmount", item.net),
            ),
        ),
    )


def _agreement(paper: Paper) -> Content:
    return node(
        "ram:ApplicableHeaderTradeAgreement",
        _party("ram:SellerTradeParty", paper, paper.seller),
        _party("ram:BuyerTradeParty", paper, paper.buyer),
    )


def _party(tag: str, paper: Paper, party: Party) -> Content:
    is_seller = party is paper.seller
    organization = node("ram:SpecifiedLegalOrganization", node("ram:ID", party.company_number))
    return node(
        tag,
        node("ram:ID", party.ref),
        node("ram:Name", party.name),
        node("ram:Description", party.registration) if is_seller else None,
        organization,
        _address(party),
        node(
            "ram:URIUniversalCommunication",
            node("ram:URIID", terms.email(party), schemeID=terms.E_MAIL),
        ),
        _registration(terms.vat_id(paper, party), "VA"),
        _registration(terms.tax_registration(paper), "FC") if is_seller else None,
    )


def _address(party: Party) -> Content:
    return node(
        "ram:PostalTradeAddress",
        node("ram:PostcodeCode", party.postal_code),
        node("ram:LineOne", party.street),
        node("ram:CityName", party.city),
        node("ram:CountryID", party.country),
    )


def _registration(number: str, scheme: str) -> Content:
    return node("ram:SpecifiedTaxRegistration", node("ram:ID", number, schemeID=scheme))


def _delivery(paper: Paper) -> Content:
    return node(
        "ram:ApplicableHeaderTradeDelivery",
        node(
            "ram:ActualDeliverySupplyChainEvent",
            _day("ram:OccurrenceDateTime", paper.taxable_on),
        ),
    )


def _settlement(paper: Paper) -> Content:
    home = paper.home_tax
    return node(
        "ram:ApplicableHeaderTradeSettlement",
        node("ram:PaymentReference", paper.payment.reference) if paper.payment else None,
        node("ram:TaxCurrencyCode", home.tax.currency) if home else None,
        node("ram:InvoiceCurrencyCode", paper.currency),
        _means(paper),
        *(_tax(paper, tax) for tax in paper.taxes),
        _period(paper),
        _discount(paper),
        _totals(paper),
        _corrected(paper),
    )


def _means(paper: Paper) -> Content:
    means = terms.means(paper)
    if means is None:
        return None
    return node(
        "ram:SpecifiedTradeSettlementPaymentMeans",
        node("ram:TypeCode", means.code),
        node("ram:Information", means.text),
        node("ram:ApplicableTradeSettlementFinancialCard", node("ram:ID", means.card)),
    )


def _tax(paper: Paper, tax: Tax) -> Content:
    category = terms.category(paper, tax)
    day = terms.taxable_on(paper)
    return node(
        "ram:ApplicableTradeTax",
        _amount("ram:CalculatedAmount", tax.tax),
        node("ram:TypeCode", "VAT"),
        node("ram:ExemptionReason", category.exemption),
        _amount("ram:BasisAmount", tax.base),
        node("ram:CategoryCode", category.code),
        node("ram:ExemptionReasonCode", category.exemption_code),
        node("ram:TaxPointDate", node("udt:DateString", f"{day:%Y%m%d}", format="102"))
        if day
        else None,
        node("ram:RateApplicablePercent", category.percent),
    )


def _category(tag: str, paper: Paper) -> Content:
    category = terms.category(paper, paper.taxes[0])
    return node(
        tag,
        node("ram:TypeCode", "VAT"),
        node("ram:CategoryCode", category.code),
        node("ram:RateApplicablePercent", category.percent),
    )


def _period(paper: Paper) -> Content:
    if paper.period is None or paper.last_day is None:
        return None
    return node(
        "ram:BillingSpecifiedPeriod",
        _day("ram:StartDateTime", paper.period[0].date()),
        _day("ram:EndDateTime", paper.last_day),
    )


def _discount(paper: Paper) -> Content:
    if not paper.discount:
        return None
    return node(
        "ram:SpecifiedTradeAllowanceCharge",
        node("ram:ChargeIndicator", node("udt:Indicator", "false")),
        _amount("ram:ActualAmount", paper.discount),
        node("ram:ReasonCode", terms.DISCOUNT_REASON),
        node("ram:Reason", phrases.discount(paper)),
        _category("ram:CategoryTradeTax", paper),
    )


def _totals(paper: Paper) -> Content:
    home = paper.home_tax
    return node(
        "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
        _amount("ram:LineTotalAmount", paper.net + paper.discount),
        _amount("ram:AllowanceTotalAmount", paper.discount),
        _amount("ram:TaxBasisTotalAmount", paper.net),
        _amount("ram:TaxTotalAmount", paper.vat, currencyID=paper.currency),
        _amount("ram:TaxTotalAmount", home.tax, currencyID=home.tax.currency) if home else None,
        _amount("ram:GrandTotalAmount", paper.total),
        _amount("ram:TotalPrepaidAmount", paper.prepaid),
        _amount("ram:DuePayableAmount", paper.due),
    )


def _corrected(paper: Paper) -> Content:
    if paper.corrects is None:
        return None
    day = f"{paper.corrects.issued_on:%Y%m%d}"
    return node(
        "ram:InvoiceReferencedDocument",
        node("ram:IssuerAssignedID", paper.corrects.number),
        node("ram:FormattedIssueDateTime", node("qdt:DateTimeString", day, format="102")),
    )


def _day(tag: str, day: date) -> Element | None:
    return node(tag, node("udt:DateTimeString", f"{day:%Y%m%d}", format="102"))


def _amount(tag: str, money: Money, **attributes: str) -> Content:
    return node(tag, to_decimal_text(money.amount), **attributes)
