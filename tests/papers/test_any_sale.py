"""E-invoices of sales that nobody thought of, under the official rules."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.accounts import LOCALES
from domain.money import Money
from domain.papers.paper import HomeTax, Item, Paper, Payment, Tax
from domain.papers.rows import paper_of
from domain.papers.samples import CZECH, sample_invoice, sample_papers
from domain.vat import Decision, Treatment
from tests.papers.official import WRITERS, Rules

EURO = "EUR"


@st.composite
def sales(draw: st.DrawFn) -> Paper:
    """Any sale that the billing rules can make: lines, discount, tax, credit and payment."""
    sold = draw(st.lists(st.tuples(st.integers(1, 999), st.integers(1, 99_999)), min_size=1))
    lines = tuple(_item(quantity, price) for quantity, price in sold)
    price = sum(line.net.amount for line in lines)
    net = price - draw(st.integers(0, price))
    tax = _tax(
        draw(st.sampled_from(get_args(Treatment))), draw(st.sampled_from(["7.7", "21"])), net
    )
    total = tax.base + tax.tax
    paid = Money(draw(st.integers(0, total.amount)), EURO)
    return msgspec.structs.replace(
        sample_papers("en")["domestic"],
        currency=EURO,
        lines=lines,
        discount=Money(price - net, EURO),
        net=tax.base,
        taxes=(tax,),
        total=total,
        payment=Payment(amount=paid, kind="card"),
        credit_used=total - paid,
    )


def _item(quantity: int, price: int) -> Item:
    net = Money(price * quantity, EURO)
    return Item(name="agents", quantity=quantity, unit_price=Money(price, EURO), net=net)


def _tax(treatment: Treatment, percent: str, net: int) -> Tax:
    rate = Decimal(0 if treatment in {"reverse_charge", "outside"} else percent)
    due = Decision(treatment=treatment, country="SK", percent=rate).on(net)
    base, tax = Money(net, EURO), Money(due, EURO)
    return Tax(treatment=treatment, country="SK", percent=rate, base=base, tax=tax)


@settings(max_examples=25, deadline=None)
@given(paper=sales())
def test_no_sale_that_can_be_made_breaks_a_rule(rules: Rules, paper: Paper) -> None:
    for syntax, write in WRITERS.items():
        assert rules.broken(syntax, write(paper)) == []


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("syntax", WRITERS)
def test_every_sample_in_every_language_passes(rules: Rules, locale: str, syntax: str) -> None:
    for name, paper in sample_papers(locale).items():
        assert rules.broken(syntax, WRITERS[syntax](paper)) == [], name


@pytest.mark.parametrize("syntax", WRITERS)
def test_a_corrupted_line_is_caught(rules: Rules, domestic: Paper, syntax: str) -> None:
    first, *others = domestic.lines
    dearer = msgspec.structs.replace(first, net=first.net + Money(1, "CZK"))
    wrong = msgspec.structs.replace(domestic, lines=(dearer, *others))
    broken = rules.broken(syntax, WRITERS[syntax](wrong))
    assert any("BR-CO-10" in rule for rule in broken), broken


@pytest.mark.parametrize("syntax", WRITERS)
def test_the_tax_in_the_sellers_own_currency_is_told_too(rules: Rules, syntax: str) -> None:
    in_euro = paper_of(sample_invoice("en", EURO, CZECH))
    home = HomeTax(tax=Money(170_545, "CZK"), rate="24.315", rate_on=date(2026, 3, 2))
    xml = WRITERS[syntax](msgspec.structs.replace(in_euro, home_tax=home))
    assert b'currencyID="CZK">1705.45<' in xml
    assert rules.broken(syntax, xml) == []


@pytest.mark.parametrize("syntax", WRITERS)
def test_a_number_that_begins_with_no_country_is_not_told_as_a_vat_number(
    rules: Rules, syntax: str
) -> None:
    paper = paper_of(sample_invoice("en", "CZK", CZECH | {"vat_number": "123-45"}))
    assert paper.buyer.vat_number == "12345"
    xml = WRITERS[syntax](paper)
    assert b">12345<" not in xml
    assert rules.broken(syntax, xml) == []


def test_credit_and_payment_are_prepaid_and_the_total_stays() -> None:
    text = WRITERS["cii"](sample_papers("cs")["discount-and-credit"]).decode()
    for element in (
        "<ram:LineTotalAmount>8440.00</ram:LineTotalAmount>",
        "<ram:AllowanceTotalAmount>1234.50</ram:AllowanceTotalAmount>",
        "<ram:GrandTotalAmount>8718.66</ram:GrandTotalAmount>",
        "<ram:TotalPrepaidAmount>8718.66</ram:TotalPrepaidAmount>",
        "<ram:DuePayableAmount>0.00</ram:DuePayableAmount>",
    ):
        assert element in text
