"""Which tax applies, which numbers can be VAT numbers, and whether the table of rates is right."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import eu_vat_rates_data
import pytest

from domain import catalogue as catalogues
from domain import vat, vat_numbers
from domain.accounts import Account
from domain.vat_numbers import Presented

CATALOGUE = catalogues.load()
DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    "country, number_valid, treatment, rate_of, percent",
    [
        ("CZ", False, "domestic", "CZ", "21"),
        ("CZ", True, "domestic", "CZ", "21"),
        (None, False, "domestic", "CZ", "21"),
        ("DE", False, "consumer", "DE", "19"),
        ("DE", True, "reverse_charge", "DE", "0"),
        ("GR", False, "consumer", "GR", "24"),
        ("GR", True, "reverse_charge", "GR", "0"),
        ("FI", False, "consumer", "FI", "25.5"),
        ("GB", False, "outside", "GB", "0"),
        ("GB", True, "outside", "GB", "0"),
        ("US", False, "outside", "US", "0"),
    ],
)
def test_the_tax_is_decided_by_country_and_confirmed_number(
    country: str | None, number_valid: bool, treatment: str, rate_of: str, percent: str
) -> None:
    decision = vat.decide(CATALOGUE, country, DAY, number_valid=number_valid)
    found = (decision.treatment, decision.country, decision.percent)
    assert found == (treatment, rate_of, Decimal(percent))


@pytest.mark.parametrize(
    "percent, net, tax",
    [
        ("20", 2, 0),
        ("20", 3, 1),
        ("25", 2, 0),
        ("25", 6, 2),
        ("25", 10, 2),
        ("25", 14, 4),
        ("25.5", 100, 26),
        ("25.5", 300, 76),
        ("21", 1_160_000, 243_600),
    ],
)
def test_the_tax_on_a_net_total_is_rounded_once_and_to_even(
    percent: str, net: int, tax: int
) -> None:
    decision = vat.Decision(treatment="domestic", country="CZ", percent=Decimal(percent))
    assert decision.on(net) == tax


@pytest.mark.parametrize(
    "number, country, expected",
    [
        ("DE136695976", "DE", "DE136695976"),
        ("de 136 695 976", "DE", "DE136695976"),
        ("136695976", "DE", "DE136695976"),
        ("FR 40 303 265 045", "FR", "FR40303265045"),
        ("EL094259216", "GR", "EL094259216"),
        ("GR 094259216", "GR", "EL094259216"),
        ("094259216", "GR", "EL094259216"),
        ("XI110305878", "GB", "XI110305878"),
        ("DE136695977", "DE", None),
        ("DE136695976", "FR", None),
        ("12-3456789", "US", None),
        ("DE", "DE", None),
    ],
)
def test_a_number_is_read_as_its_country_writes_it(
    number: str, country: str, expected: str | None
) -> None:
    assert vat_numbers.normalised(number, country) == expected
    assert vat_numbers.format_is_valid(number, country) is (expected is not None)


@pytest.mark.parametrize(
    "number, country, expected",
    [
        ("DE136695976", "DE", Presented("DE136695976", well_formed=True)),
        ("DE 1", "DE", Presented("DE1", well_formed=False)),
        ("XI110305878", "GB", Presented("XI110305878", well_formed=True)),
        ("CZ1", "CZ", Presented("CZ1", well_formed=False)),
        ("CZ12345679", "CZ", None),
        ("GB110305878", "GB", None),
        ("12-3456789", "US", None),
        ("DE136695976", None, None),
        (None, "DE", None),
    ],
)
def test_only_numbers_of_other_eu_countries_and_northern_ireland_are_asked_about(
    number: str | None, country: str | None, expected: Presented | None
) -> None:
    told = {"vat_number": number, "country": country}
    account = Account(billing={name: value for name, value in told.items() if value})
    assert vat_numbers.presented(CATALOGUE, account) == expected


def test_the_rates_of_the_catalogue_are_those_in_force() -> None:
    # The table names Greece GR and keeps rates as floats, all of the day it was made.
    made_on = datetime.fromisoformat(eu_vat_rates_data.data_version).replace(tzinfo=UTC).date()
    published = {
        country: Decimal(str(eu_vat_rates_data.get_standard_rate(country)))
        for country in sorted(CATALOGUE.vat_countries())
    }
    ours = {country: CATALOGUE.vat_percent(country, made_on) for country in published}
    assert ours == published
    members = {each for each in published if eu_vat_rates_data.is_eu_member(each)}
    assert len(members) == 27 == len(published)
