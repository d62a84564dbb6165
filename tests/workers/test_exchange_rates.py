"""Rates are fetched from the European Central Bank in time, and papers that waited tell them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from sqlalchemy import select

from domain import clock, exchange_rates
from domain.effects import Effect
from domain.errors import Transient
from domain.exchange_rates import ExchangeRate
from domain.facts import PaymentSucceeded
from domain.invoice_files import InvoiceFile
from domain.invoices import Invoice
from domain.money import Money
from domain.papers.rows import paper_of
from tests import lives
from tests.domain.paid_accounts import refund, tell
from tests.invariants import assert_invariants
from tests.workers.conftest import Played
from webhooks.sandbox import ecb
from workers import perform_effects
from workers.clock import Clock
from workers.effects import fetch_rates
from workers.rates_duty import know_rates
from workers.runtime import Runtime

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FRIDAY = date(2026, 2, 27)
"""The last working day with a sheet at the frozen clock's Monday morning."""
MONDAY = date(2026, 3, 2)


def fetches(played: Played) -> list[Effect]:
    with played.runtime.database.transaction() as session:
        return list(session.scalars(select(Effect).where(Effect.kind == "fetch_rates")))


def days(runtime: Runtime) -> list[date]:
    with runtime.database.transaction() as session:
        return list(session.scalars(select(ExchangeRate.day).distinct().order_by("day")))


def goes_on(played: Played) -> None:
    """The clock does its duty, and a worker performs what it wants."""
    know_rates(played.runtime)
    perform_effects.drain(played.runtime)


def test_the_first_fetch_brings_three_months_and_those_after_it_a_day(played: Played) -> None:
    goes_on(played)
    known = days(played.runtime)
    assert known[-1] == FRIDAY
    assert known[0] == date(2025, 12, 2)
    assert all(day.weekday() < 5 for day in known)
    clock.advance(6 * HOUR)
    goes_on(played)
    assert days(played.runtime) == [*known, MONDAY]
    with played.runtime.database.transaction() as session:
        newest = exchange_rates.latest(session, "EUR", "CZK", MONDAY)
    assert newest is not None
    assert str(newest.value) == ecb.rates(MONDAY)["CZK"]


def test_after_an_outage_of_days_what_was_missed_is_fetched_too(played: Played) -> None:
    goes_on(played)
    played.world.faults.add({"kind": "error", "provider": "ecb"})
    for _ in range(12):
        clock.advance(12 * HOUR)
        goes_on(played)
    assert days(played.runtime)[-1] == FRIDAY
    played.world.faults.clear()
    clock.advance(6 * HOUR)
    goes_on(played)
    assert days(played.runtime)[-4:] == [date(2026, 3, day) for day in (3, 4, 5, 6)]


def test_a_sheet_is_asked_for_every_six_hours_until_it_is_there(played: Played) -> None:
    for _ in range(3):
        goes_on(played)
    assert len(fetches(played)) == 1
    clock.advance(6 * HOUR)
    goes_on(played)
    assert len(fetches(played)) == 2
    clock.advance(6 * HOUR)
    goes_on(played)
    # The sheet of this day is there.
    assert len(fetches(played)) == 2
    assert {each.status for each in fetches(played)} == {"done"}


@pytest.mark.parametrize("fault", ["error", "rate_limit", "timeout_before"])
def test_a_bank_that_does_not_answer_is_asked_again(played: Played, fault: str) -> None:
    played.world.faults.add({"kind": fault, "provider": "ecb", "count": 1})
    goes_on(played)
    assert [each.status for each in fetches(played)] == ["waiting"]
    clock.advance(timedelta(seconds=3))
    goes_on(played)
    assert [each.status for each in fetches(played)] == ["done"]
    assert days(played.runtime)[-1] == FRIDAY


def test_a_seller_elsewhere_needs_no_rates(played: Played) -> None:
    sold = played.runtime.catalogue
    elsewhere = msgspec.structs.replace(sold.seller, country="PL")
    played.runtime.catalogue = msgspec.structs.replace(sold, seller=elsewhere)
    goes_on(played)
    assert fetches(played) == []


def buys(runtime: Runtime) -> None:
    """A Czech account buys in euro and pays."""
    lives.account(runtime, currency="EUR")
    order = lives.order(runtime)
    paid = PaymentSucceeded(payment="pay_1", amount=order.money_due, order=order.id)
    tell(runtime, paid)


def papers(runtime: Runtime) -> list[Invoice]:
    with runtime.database.transaction() as session:
        return list(session.scalars(select(Invoice).order_by(Invoice.id)))


def test_a_paper_that_waited_for_its_rate_tells_it_in_a_new_revision(played: Played) -> None:
    runtime = played.runtime
    buys(runtime)
    perform_effects.drain(runtime)
    assert [(each.revision, each.awaits_rate) for each in papers(runtime)] == [(1, True)]
    goes_on(played)
    for _ in range(2):
        goes_on(played)
    (invoice,) = papers(runtime)
    assert (invoice.revision, invoice.awaits_rate) == (2, False)
    told = paper_of(invoice).home_tax
    assert told is not None
    assert (told.rate, told.rate_on) == (ecb.rates(FRIDAY)["CZK"], FRIDAY)
    assert paper_of(invoice).vat.currency == "EUR"
    with runtime.database.transaction() as session:
        kept = session.scalars(select(InvoiceFile.revision).order_by(InvoiceFile.revision)).all()
    assert kept == [1, 2]
    assert_invariants(runtime.database)


def test_a_credit_note_that_waited_tells_it_at_the_rate_of_its_invoice(played: Played) -> None:
    runtime = played.runtime
    buys(runtime)
    clock.advance(2 * DAY)
    tell(runtime, msgspec.structs.replace(refund("re_1", 0), amount=Money(1_000, "EUR")))
    assert [each.awaits_rate for each in papers(runtime)] == [True, True]
    goes_on(played)
    know_rates(runtime)
    invoice, note = (paper_of(each).home_tax for each in papers(runtime))
    assert invoice is not None
    assert note is not None
    assert (note.rate, note.rate_on) == (invoice.rate, invoice.rate_on)
    # At the rate of the day it was paid, not of the day it was given back.
    assert note.rate_on == MONDAY


def test_the_rates_are_a_duty_of_the_clock(played: Played) -> None:
    assert Clock(played.runtime).tick()
    assert len(fetches(played)) == 1


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
ENVELOPE = (
    b'<e xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">'
    b"<Cube><Cube time='%s'><Cube currency='CZK' rate='%s'/></Cube></Cube></e>"
)


def test_a_sheet_is_read_as_it_is_published() -> None:
    sheets = fetch_rates.read(ENVELOPE % (b"2026-11-20", b"24.315"))
    assert sheets == {date(2026, 11, 20): {"CZK": Decimal("24.315")}}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>maintenance",
        b"<e/>",
        BOMB,
        ENVELOPE % (b"yesterday", b"24"),
        ENVELOPE % (b"2026-11-20", b"many"),
        ENVELOPE % (b"2026-11-20", b"0"),
        ENVELOPE % (b"2026-11-20", b"-1"),
        ENVELOPE % (b"2026-11-20", b"NaN"),
        ENVELOPE % (b"2026-11-20", b"Infinity"),
    ],
)
def test_an_answer_that_is_no_sheet_is_tried_again_and_nothing_of_it_is_kept(
    answer: bytes,
) -> None:
    with pytest.raises(Transient, match="European Central Bank"):
        fetch_rates.read(answer)
