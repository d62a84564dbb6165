"""E-invoices under the official rules: no sale makes one that a tax office would refuse."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import msgspec
import pytest

from domain.accounts import LOCALES
from domain.money import CURRENCIES, Money
from domain.papers import samples
from domain.papers.paper import Paper
from domain.papers.rows import paper_of
from tests.papers.official import WRITERS, Rules, written

SALES = sorted(samples.sample_rows("en"))
EURO_NOTE = "credit-note-in-part"


def said(document: Any, name: str) -> list[str]:
    """The texts of all elements of a name, whatever their namespace."""
    return [element.text or "" for element in document.iter(f"{{*}}{name}")]


def check(rules: Rules, paper: Paper, syntax: str) -> None:
    xml = WRITERS[syntax](paper)
    assert rules.misplaced(xml) == []
    assert rules.broken(syntax, xml) == []


@pytest.mark.parametrize("syntax", WRITERS)
@pytest.mark.parametrize("sale", SALES)
def test_every_kind_of_sale_passes_the_official_rules(rules: Rules, sale: str, syntax: str) -> None:
    check(rules, samples.sample_papers("cs")[sale], syntax)


@pytest.mark.parametrize("locale,currency,syntax", [*product(LOCALES, CURRENCIES, WRITERS)])
def test_every_language_and_currency_passes_the_official_rules(
    rules: Rules, locale: str, currency: str, syntax: str
) -> None:
    row = samples.sample_invoice(locale, currency, samples.FRENCH, unused=1_234, credit=567)
    note = samples.sample_credit_note(row, Money(row.total // 3, currency))
    check(rules, paper_of(row), syntax)
    check(rules, paper_of(note), syntax)


@pytest.mark.parametrize("syntax", WRITERS)
def test_a_corrupted_total_is_caught(rules: Rules, syntax: str) -> None:
    paper = samples.sample_papers("en")["domestic"]
    corrupted = msgspec.structs.replace(paper, total=paper.total + Money(1, "CZK"))
    broken = rules.broken(syntax, WRITERS[syntax](corrupted))
    assert any("BR-CO-15" in rule for rule in broken), broken


@pytest.mark.parametrize("syntax", WRITERS)
def test_a_corrupted_tax_is_caught(rules: Rules, syntax: str) -> None:
    paper = samples.sample_papers("en")["domestic"]
    tax = msgspec.structs.replace(paper.taxes[0], tax=Money(1, "CZK"))
    corrupted = msgspec.structs.replace(paper, taxes=(tax,), total=paper.net + tax.tax)
    broken = rules.broken(syntax, WRITERS[syntax](corrupted))
    assert any("BR-S-09" in rule or "BR-CO-17" in rule for rule in broken), broken


def test_both_syntaxes_tell_the_same_amounts() -> None:
    for name, paper in samples.sample_papers("pl").items():
        cii, ubl = written(paper, "cii"), written(paper, "ubl")
        pairs = [
            ("GrandTotalAmount", "TaxInclusiveAmount", paper.total),
            ("DuePayableAmount", "PayableAmount", paper.due),
            ("TotalPrepaidAmount", "PrepaidAmount", paper.prepaid),
        ]
        for in_cii, in_ubl, money in pairs:
            amounts = [Decimal(text) * 100 for text in (*said(cii, in_cii), *said(ubl, in_ubl))]
            assert amounts == [money.amount] * 2, (name, in_cii)


@pytest.mark.parametrize(
    "sale,category,reason",
    [
        ("domestic", "S", []),
        ("consumer", "S", []),
        ("reverse-charge", "AE", ["VATEX-EU-AE"]),
        ("outside-the-eu", "O", ["VATEX-EU-O"]),
        ("credit-note-reverse-charge", "AE", ["VATEX-EU-AE"]),
    ],
)
def test_the_category_of_the_tax_follows_the_treatment(
    sale: str, category: str, reason: list[str]
) -> None:
    document = written(samples.sample_papers("en")[sale], "cii")
    assert set(said(document, "CategoryCode")) == {category}
    assert said(document, "ExemptionReasonCode") == reason


def test_vat_numbers_are_left_out_of_what_is_out_of_scope() -> None:
    document = written(samples.sample_papers("en")["outside-the-eu"], "cii")
    schemes = [each.get("schemeID") for each in document.iter("{*}ID") if each.get("schemeID")]
    assert "VA" not in schemes
    assert "FC" in schemes


def test_a_credit_note_names_the_invoice_it_corrects() -> None:
    paper = samples.sample_papers("en")[EURO_NOTE]
    cii, ubl = written(paper, "cii"), written(paper, "ubl")
    assert said(cii, "TypeCode")[0] == said(ubl, "CreditNoteTypeCode")[0] == "381"
    assert said(cii, "IssuerAssignedID") == ["2026-000042"]
    assert said(cii, "GrandTotalAmount") == ["100.00"]


def test_a_name_in_another_script_is_kept_as_it_was_written(rules: Rules) -> None:
    buyer = samples.FRENCH | {"name": "株式会社 <&> \x0bΑθήνα", "city": "東京"}
    paper = paper_of(samples.sample_invoice("fr", "EUR", buyer))
    assert "株式会社 <&>  Αθήνα" in said(written(paper, "cii"), "Name")
    check(rules, paper, "cii")
    check(rules, paper, "ubl")
