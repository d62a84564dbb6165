"""What of a row stands on its paper."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.invoices import Invoice
from domain.money import Money
from domain.papers import phrases
from domain.papers.rows import paper_of
from domain.papers.samples import CZECH, ONLY_EMAIL, POLISH, WALLET, sample_invoice


def test_an_account_that_told_only_its_email_gets_an_invoice() -> None:
    paper = paper_of(sample_invoice("en", "EUR", ONLY_EMAIL))
    assert paper.buyer.name == "somebody@example.com"
    assert paper.buyer.country == "CZ"


def test_a_row_without_a_number_is_not_printed() -> None:
    row = sample_invoice("en", "EUR", CZECH)
    row.number = None
    with pytest.raises(ValueError, match="has no number yet"):
        paper_of(row)


@pytest.mark.parametrize(
    "told,company_number",
    [
        ({"vat_number": "cz 45274649"}, "45274649"),
        ({"vat_number": "CZ699001234"}, ""),
        ({"vat_number": "CZ8003120123"}, ""),
        ({"vat_number": "PL5261040828"}, ""),
        ({"vat_number": None, "company_number": "27082440"}, "27082440"),
        ({}, ""),
    ],
)
def test_the_company_number_of_a_czech_company_is_in_its_vat_number(
    told: dict[str, Any], company_number: str
) -> None:
    row = sample_invoice("cs", "CZK", CZECH)
    row.content["buyer"] = {"ref": "a", "email": "a@example.com", **told}
    assert paper_of(row).buyer.company_number == company_number


def test_the_tax_falls_due_with_the_money() -> None:
    row = sample_invoice("cs", "CZK", CZECH)
    row.content["paid"]["at"] = "2026-02-28T23:59:00+00:00"
    assert paper_of(row).taxable_on == date(2026, 2, 28)


def test_without_a_payment_the_tax_falls_due_with_the_invoice() -> None:
    row = sample_invoice("cs", "CZK", CZECH, credit=10_000_000)
    paper = paper_of(row)
    assert paper.payment is None
    assert paper.due == Money(0, "CZK")
    assert paper.taxable_on == date(2026, 3, 2)


@pytest.mark.parametrize(
    "end,last_day",
    [
        (datetime(2026, 4, 2, 10, tzinfo=UTC), date(2026, 4, 2)),
        (datetime(2026, 4, 2, tzinfo=UTC), date(2026, 4, 1)),
    ],
)
def test_a_period_that_ends_at_midnight_ends_the_day_before(end: datetime, last_day: date) -> None:
    row = sample_invoice("en", "EUR", CZECH)
    row.content["quote"] |= {"period_end": end.isoformat()}
    assert paper_of(row).last_day == last_day


@pytest.mark.parametrize(
    "method,means",
    [
        ({"kind": "card", "brand": "visa", "last4": "4242"}, "Visa\u00a0••••\u00a04242"),
        ({"kind": "card", "brand": None, "last4": "4242"}, "••••\u00a04242"),
        ({"kind": "card", "brand": None, "last4": None}, "Karta"),
        ({"kind": "wallet", "brand": "paypal"}, "PayPal"),
        ({"kind": "wallet", "brand": "some_wallet"}, "Some Wallet"),
        (WALLET, "Internetová peněženka"),
        (None, "Internetová peněženka"),
    ],
)
def test_the_means_of_payment_are_named_as_people_know_them(
    method: dict[str, Any] | None, means: str
) -> None:
    row = sample_invoice("cs", "CZK", CZECH)
    row.content["paid"]["method"] = method
    paper = paper_of(row, {"paypal": "PayPal"})
    assert phrases.means(paper).strip("\u00a0") == means


def test_evidence_of_vies_and_the_tax_at_home_are_printed_when_they_are_known() -> None:
    row = sample_invoice("en", "EUR", POLISH)
    assert phrases.evidence(paper_of(row)) == []
    row.content["consultation"] = {"number": "WAPI1", "at": "2026-03-01T08:00:00+00:00"}
    row.content["home_tax"] = {
        "tax": {"amount": 0, "currency": "CZK"},
        "rate": "24.3",
        "rate_on": "2026-03-02",
    }
    confirmed, at_home = phrases.evidence(paper_of(row))
    assert "VIES on 1\u00a0March\u00a02026, consultation WAPI1" in confirmed
    assert "0.00\u00a0CZK (1 EUR = 24.3 CZK" in at_home


def test_a_sale_without_a_quote_is_read_from_its_own_lines() -> None:
    row = sample_invoice("en", "EUR", CZECH)
    row.content = {
        "seller": row.content["seller"],
        "buyer": row.content["buyer"],
        "sale": {
            "lines": [_line("subscription"), _line("Setup, by hand")],
            "vat_treatment": "domestic",
            "vat_country": "CZ",
            "vat_percent": "21",
        },
        "paid": {"amount": row.total},
    }
    paper = paper_of(row)
    assert [phrases.item_name(paper, item) for item in paper.lines] == [
        "Pro – Subscription",
        "Pro – Setup, by hand",
    ]
    assert paper.period is None
    assert paper.payment is not None
    assert paper.payment.at is None


def _line(name: str) -> dict[str, Any]:
    price = {"amount": 100, "currency": "EUR"}
    return {"name": name, "plan": "pro", "interval": "", "unit_price": price, "net": price}


def test_a_later_revision_differs_by_its_number_alone() -> None:
    first, second = (sample_invoice("en", "EUR", CZECH) for _ in range(2))
    second.revision = 2
    assert _shown(first) | {"revision": 2} == _shown(second)


def _shown(row: Invoice) -> dict[str, Any]:
    paper = paper_of(row)
    return {name: getattr(paper, name) for name in paper.__struct_fields__}


def test_the_period_of_a_month_is_a_month() -> None:
    paper = paper_of(sample_invoice("en", "EUR", CZECH))
    assert paper.period is not None
    assert paper.period[1] - paper.period[0] == timedelta(days=31)
