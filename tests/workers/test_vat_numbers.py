"""A VAT number on its way: from the API through the register to quotes, orders and invoices."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from domain import accounts, clock, period_papers, quotes, vat_numbers
from domain import catalogue as catalogues
from domain.accounts import Account
from domain.facts import Period
from domain.invoices import Invoice
from domain.orders import Order
from domain.papers.rows import paper_of
from domain.payments import Payment
from domain.work import Work
from tests import lives
from tests.workers.conftest import Played
from tests.workers.vat_shop import (
    DAY,
    GERMAN,
    ask_the_register,
    check_of,
    effects_of,
    enter,
    number_ending,
    perform,
    refusals,
    state,
    treatment,
)
from workers.process_events import drain as drain_events


def test_a_confirmed_number_makes_quote_order_and_invoice_a_reverse_charge(
    played: Played, client: TestClient
) -> None:
    assert enter(client, "de 136 695 976")["status"] == "checking"
    assert treatment(client) == "consumer"
    perform(played)
    now = clock.now()
    assert state(client) == {
        "number": "de 136 695 976",
        "status": "valid",
        "checked_at": now.isoformat().replace("+00:00", "Z"),
    }
    assert treatment(client) == "reverse_charge"
    order = lives.order(played.runtime, "shop")
    assert (order.quoted.vat_treatment, order.quoted.vat.amount) == ("reverse_charge", 0)
    clock.advance(timedelta(hours=1))
    lives.deliver(played.runtime, *lives.payment_events(order))
    drain_events(played.runtime)
    with played.runtime.database.transaction() as session:
        invoice = session.scalars(select(Invoice)).one()
    asked = {"consultation": check_of(played).consultation, "at": now.isoformat()}
    assert str(asked["consultation"]).startswith("WAPI")
    assert invoice.content["vat_evidence"] == {"number": GERMAN, **asked}
    assert invoice.content["consultation"]["number"] == asked["consultation"]
    assert invoice.content["buyer"]["vat_number"] == GERMAN
    assert (invoice.vat, invoice.total) == (0, order.total)
    printed = paper_of(invoice).consultation
    assert printed is not None
    assert (printed.number, printed.at) == (asked["consultation"], now)


def test_the_evidence_is_that_of_the_order_even_if_the_number_is_gone_when_it_is_paid(
    played: Played, client: TestClient
) -> None:
    enter(client, GERMAN)
    perform(played)
    order = lives.order(played.runtime, "shop")
    enter(client, None)
    assert treatment(client) == "consumer"
    lives.deliver(played.runtime, *lives.payment_events(order))
    drain_events(played.runtime)
    with played.runtime.database.transaction() as session:
        invoice = session.scalars(select(Invoice)).one()
    assert invoice.content["vat_evidence"]["number"] == GERMAN
    assert invoice.content["buyer"]["vat_number"] == GERMAN


@pytest.mark.parametrize(
    "number, country", [("GR094259216", "GR"), ("FR40303265045", "FR"), ("XI110305878", "GB")]
)
def test_a_number_is_asked_about_under_the_prefix_of_the_register(
    played: Played, client: TestClient, number: str, country: str
) -> None:
    enter(client, number, country)
    perform(played)
    [asked] = effects_of(played, "check_vat_number")
    assert asked.target == number.replace("GR", "EL")
    assert state(client)["status"] == "valid"
    assert treatment(client) == ("outside" if country == "GB" else "reverse_charge")


def test_a_period_that_a_provider_collects_from_a_confirmed_business_is_a_reverse_charge(
    played: Played, client: TestClient
) -> None:
    enter(client, "GR 094259216", "GR")
    perform(played)
    now, runtime = clock.now(), played.runtime
    with runtime.database.transaction() as session:
        work = Work(session, runtime.catalogue, accounts.lock(session, "shop"))
        payment = Payment(
            provider="stripe",
            reference="pi_1",
            account_id=work.account.id,
            state="succeeded",
            amount=3800,
            currency="EUR",
        )
        session.add(payment)
        session.flush()
        invoice = period_papers.issue(work, payment, lives.target(), Period(now, now + DAY))
    assert (invoice.net, invoice.vat, invoice.total) == (3800, 0, 3800)
    assert invoice.content["sale"]["vat_treatment"] == "reverse_charge"
    assert invoice.content["vat_evidence"]["number"] == "EL094259216"
    assert invoice.content["buyer"]["vat_number"] == "EL094259216"


def test_a_number_that_turns_out_invalid_is_told_once_and_vat_is_charged(
    played: Played, client: TestClient
) -> None:
    refused = number_ending("200")
    enter(client, refused)
    perform(played)
    enter(client, refused)
    perform(played)
    assert state(client)["status"] == "invalid"
    assert treatment(client) == "consumer"
    assert refusals(played) == ["invalid"]
    assert len(effects_of(played, "check_vat_number")) == 1


def test_a_refused_number_that_is_entered_again_later_is_asked_about_again(
    played: Played, client: TestClient
) -> None:
    ask_the_register(played, "numbers", number=GERMAN, answer="invalid")
    enter(client, GERMAN)
    perform(played)
    clock.advance(DAY)
    assert enter(client, GERMAN)["status"] == "invalid"
    perform(played)
    assert refusals(played) == ["invalid"]
    ask_the_register(played, "numbers", number=GERMAN, answer="valid")
    clock.advance(DAY)
    enter(client, GERMAN)
    perform(played)
    assert state(client)["status"] == "valid"


@pytest.mark.parametrize("number", ["DE136695977", "FR40303265045", "CZ"])
def test_a_number_that_cannot_be_one_of_its_country_is_refused_without_asking(
    played: Played, client: TestClient, number: str
) -> None:
    shown = enter(client, number)
    assert (shown["status"], shown["checked_at"]) == ("malformed", None)
    enter(client, number)
    perform(played)
    assert refusals(played) == ["format"]
    assert effects_of(played, "check_vat_number") == []


def test_a_number_whose_country_is_corrected_is_asked_about(
    played: Played, client: TestClient
) -> None:
    enter(client, GERMAN, "FR")
    assert enter(client, GERMAN, "DE")["status"] == "checking"
    perform(played)
    assert treatment(client) == "reverse_charge"


def test_what_the_register_calls_no_number_is_malformed(played: Played, client: TestClient) -> None:
    enter(client, number_ending("201"))
    perform(played)
    assert state(client)["status"] == "malformed"
    assert refusals(played) == ["format"]


def test_another_number_starts_anew_and_the_check_of_the_old_one_is_dropped(
    played: Played, client: TestClient
) -> None:
    enter(client, GERMAN)
    other = number_ending("200")
    enter(client, other)
    perform(played)
    first, second = effects_of(played, "check_vat_number")
    assert (first.status, second.status) == ("skipped", "done")
    assert check_of(played).number == other
    assert treatment(client) == "consumer"


def test_a_number_that_is_taken_back_is_forgotten(played: Played, client: TestClient) -> None:
    enter(client, GERMAN)
    perform(played)
    assert enter(client, None) == {"number": None, "status": None, "checked_at": None}
    forgotten = check_of(played)
    assert (forgotten.number, forgotten.consultation, forgotten.valid_at) == (None, None, None)
    assert enter(client, GERMAN)["status"] == "checking"
    perform(played)
    assert state(client)["status"] == "valid"


def test_a_number_of_the_sellers_country_is_neither_asked_about_nor_free_of_vat(
    played: Played, client: TestClient
) -> None:
    assert enter(client, "CZ45274649", "CZ")["status"] == "unchecked"
    assert effects_of(played, "check_vat_number") == []
    assert treatment(client) == "domestic"


def test_an_order_at_the_rate_of_the_country_keeps_it_when_the_answer_comes_later(
    played: Played, client: TestClient
) -> None:
    enter(client, GERMAN)
    order = lives.order(played.runtime, "shop")
    perform(played)
    with played.runtime.database.transaction() as session:
        kept = session.get_one(Order, order.id).quoted
        account = session.scalars(select(Account)).one()
        fresh = quotes.make(session, catalogues.load(), account, lives.target())
        confirmed = vat_numbers.number_is_valid(session, catalogues.load(), account, clock.now())
    assert (kept.vat_treatment, kept.vat_percent, kept.vat_evidence) == ("consumer", "19", None)
    assert (fresh.vat_treatment, fresh.vat.amount, confirmed) == ("reverse_charge", 0, True)
