"""The tax of a Czech sale in another currency is told in CZK as well (Directive 2006/112, 230)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from domain import clock, exchange_rates, home_tax
from domain.database import Database
from domain.exchange_rates import Rate
from domain.facts import PaymentSucceeded
from domain.invoices import CREDIT_NOTE, Invoice
from domain.money import Money
from domain.papers.rows import paper_of
from domain.papers.samples import AMERICAN, CZECH, FRENCH, sample_invoice
from tests import lives
from tests.domain.paid_accounts import refund, tell
from workers.runtime import Runtime

FRIDAY = date(2026, 2, 27)
MONDAY = date(2026, 3, 2)
"""The day of the frozen clock."""
SHEETS = {
    FRIDAY: {"CZK": Decimal("24.315"), "USD": Decimal("1.0842"), "PLN": Decimal("4.265")},
    date(2026, 2, 26): {"CZK": Decimal("24.4"), "USD": Decimal("1.1"), "JPY": Decimal("160.1")},
}


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    return lives.runtime_on(database)


@pytest.fixture
def with_rates(runtime: Runtime) -> Runtime:
    with runtime.database.transaction() as session:
        assert exchange_rates.keep(session, SHEETS) == 5
        assert exchange_rates.keep(session, SHEETS) == 0
    return runtime


def rate(runtime: Runtime, currency: str, on: date) -> Rate | None:
    with runtime.database.transaction() as session:
        return exchange_rates.latest(session, currency, "CZK", on)


@pytest.mark.parametrize(
    "currency, on, value, of",
    [
        ("EUR", FRIDAY, "24.315", FRIDAY),
        ("EUR", MONDAY, "24.315", FRIDAY),
        ("USD", MONDAY, "22.426674", FRIDAY),
        ("PLN", MONDAY, "5.701055", FRIDAY),
        ("EUR", date(2026, 2, 26), "24.4", date(2026, 2, 26)),
        ("EUR", date(2026, 3, 5), "24.315", FRIDAY),
    ],
)
def test_the_rate_is_that_of_the_latest_sheet_through_the_euro(
    with_rates: Runtime, currency: str, on: date, value: str, of: date
) -> None:
    assert rate(with_rates, currency, on) == Rate(value=Decimal(value), on=of)


@pytest.mark.parametrize(
    "currency, on",
    [("EUR", date(2026, 2, 25)), ("EUR", date(2026, 3, 6)), ("PLN", date(2026, 2, 26))],
)
def test_a_rate_that_is_not_published_too_old_or_not_of_that_currency_is_none(
    with_rates: Runtime, currency: str, on: date
) -> None:
    assert rate(with_rates, currency, on) is None


def buys(runtime: Runtime, ref: str = "acme", country: str = "CZ", currency: str = "EUR") -> None:
    """An account of a country buys in a currency and pays."""
    lives.account(runtime, ref, country, currency=currency)
    order = lives.order(runtime, ref)
    tell(
        runtime,
        PaymentSucceeded(payment=f"pay_{ref}", amount=order.money_due, order=order.id),
        ref=ref,
    )


def papers(runtime: Runtime) -> list[Invoice]:
    with runtime.database.transaction() as session:
        return list(session.scalars(select(Invoice).order_by(Invoice.id)))


def test_an_invoice_is_issued_with_the_tax_in_czk_at_the_rate_of_its_day(
    with_rates: Runtime,
) -> None:
    buys(with_rates)
    (invoice,) = papers(with_rates)
    paper = paper_of(invoice)
    assert (invoice.vat, invoice.awaits_rate) == (798, False)
    assert paper.home_tax is not None
    # 7.98 EUR × 24.315 = 194.0337 CZK
    assert paper.home_tax.tax == Money(19_403, "CZK")
    assert (paper.home_tax.rate, paper.home_tax.rate_on) == ("24.315", FRIDAY)


@pytest.mark.parametrize(
    "country, currency", [("CZ", "CZK"), ("FR", "EUR"), ("US", "USD"), ("DE", "CZK")]
)
def test_no_other_sale_tells_it(with_rates: Runtime, country: str, currency: str) -> None:
    buys(with_rates, country=country, currency=currency)
    (invoice,) = papers(with_rates)
    assert "home_tax" not in invoice.content
    assert not invoice.awaits_rate


def test_a_sale_without_tax_tells_none() -> None:
    for buyer in (FRENCH, AMERICAN):
        assert home_tax.currency_of(sample_invoice("en", "EUR", buyer)) is None
    assert home_tax.currency_of(sample_invoice("en", "EUR", CZECH, unused=10_000_000)) is None
    assert home_tax.currency_of(sample_invoice("en", "EUR", CZECH)) == "CZK"


def test_a_payment_is_invoiced_at_once_also_when_no_rate_is_known(runtime: Runtime) -> None:
    buys(runtime)
    (invoice,) = papers(runtime)
    assert (invoice.number, invoice.awaits_rate) == ("2026-000001", True)
    assert paper_of(invoice).home_tax is None


def test_a_credit_note_corrects_at_the_rate_of_its_invoice(with_rates: Runtime) -> None:
    buys(with_rates)
    clock.advance(timedelta(days=3))
    with with_rates.database.transaction() as session:
        exchange_rates.keep(session, {date(2026, 3, 5): {"CZK": Decimal(30)}})
    for number, amount in enumerate((1_000, 999, 2_599), 1):
        given = refund(f"re_{number}", amount, payment="pay_acme")
        tell(with_rates, msgspec.structs.replace(given, amount=Money(amount, "EUR")))
    invoice, *notes = papers(with_rates)
    assert [note.kind for note in notes] == [CREDIT_NOTE] * 3
    assert {note.content["home_tax"]["rate"] for note in notes} == {"24.315"}
    assert {note.content["home_tax"]["rate_on"] for note in notes} == {"2026-02-27"}
    assert sum(note.vat for note in notes) == invoice.vat
    assert sum(told(note) for note in notes) == told(invoice)


def told(paper: Invoice) -> int:
    """The tax in CZK, in minor units."""
    return int(paper.content["home_tax"]["tax"]["amount"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.integers(1, 10_000), min_size=1, max_size=6), per_euro=st.integers(1, 40_000)
)
def test_the_parts_of_a_tax_make_the_whole_in_the_other_currency(
    parts: list[int], per_euro: int
) -> None:
    rate = {"rate": str(Decimal(per_euro) / 1_000), "rate_on": "2026-02-27"}
    original = sample_invoice("cs", "EUR", CZECH)
    original.vat, original.content["home_tax"] = sum(parts), rate
    before, given_back = 0, 0
    for part in parts:
        note = sample_invoice("cs", "EUR", CZECH)
        note.vat = part
        given_back += amount_of(home_tax.convert(NOBODY, note, original, before))
        before += part
    assert given_back == amount_of(home_tax.convert(NOBODY, original))


NOBODY: Any = None
"""A rate that is written on the invoice is looked up nowhere."""


def amount_of(document: dict[str, Any] | None) -> int:
    assert document is not None
    return int(document["tax"]["amount"])
