"""A mistake in the catalogue stops the process with file, line and reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from domain import catalogue
from domain.catalogue import BUNDLED
from domain.errors import Misconfigured
from domain.money import CURRENCIES, Money

TEXT = BUNDLED.read_text(encoding="utf-8")
MISTAKES = {
    "price of nothing": ('PLN = "175.00"', 'PLN = "0"', "plans.pro.month.PLN", "above zero"),
    "price as a number": ('EUR = "39.00"', "EUR = 39.0", "plans.pro.month.EUR", "decimal text"),
    "price in thirds": ('EUR = "39.00"', 'EUR = "39.001"', "plans.pro.month.EUR", "decimal text"),
    "unknown currency": ('EUR = "39.00"', 'GBP = "39.00"', "plans.pro.month", "CZK, EUR, USD"),
    "misspelt key": ('title = "Pro"', 'titel = "Pro"', "plans.pro", "`titel`"),
    "half a plan": ("[plans.pro]", "[plans.gold]", "plans.gold", "missing required field"),
    "packs that do not fit": (
        "max_conversations = 500\n",
        "max_conversations = 555\n",
        "plans.standard.max_conversations",
        "whole packs of 100",
    ),
    "packs of nothing": ("size = 100", "size = 0", "packs.size", ">= 1"),
    "rate that is no rate": (
        'country = "SK", percent = "23"',
        'country = "SK", percent = "many"',
        "vat.rates[30]",
        "regex",
    ),
    "retries out of order": ("[0, 2, 4]", "[4, 2, 0]", "renewal.retry_days", "order of time"),
    "reminder after the charge": ("year = 14", "year = 1", "renewal.reminder_days", "before the"),
    "reminder too early": ("{ year = 14 }", "{ month = 28 }", "renewal.reminder_days", "within"),
    "reminder of a week": ("year = 14", "week = 2", "renewal.reminder_days", "month or year"),
    "warnings twice": ("[7, 3, 1]", "[3, 3, 1]", "expiry.warning_days", "order of time"),
    "seller nowhere": ('country = "CZ"\n', 'country = "US"\n', "seller.country", "VAT rate"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_file_line_and_reason(tmp_path: Path, name: str) -> None:
    right, wrong, path, reason = MISTAKES[name]
    assert right in TEXT
    file = tmp_path / "catalogue.toml"
    text = TEXT.replace(right, wrong, 1)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured) as caught:
        catalogue.load(file)
    message = str(caught.value)
    line = int(message.partition("line ")[2].partition(":")[0])
    assert message.startswith(f"{file}, line {line}: {path}")
    assert reason in message
    near = "\n".join(text.splitlines()[max(0, line - 2) : line + 1])
    assert path.rpartition(".")[2].partition("[")[0] in near or wrong.strip() in near


def test_a_file_that_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text("[seller\n", encoding="utf-8")
    with pytest.raises(Misconfigured, match="line 1"):
        catalogue.load(file)


def test_a_file_that_is_not_there_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="BILLHOOK_CATALOGUE"):
        catalogue.load(tmp_path / "none.toml")


def test_the_bundled_catalogue_sells_every_plan_in_every_currency_and_interval() -> None:
    sold = catalogue.load()
    for plan in ("standard", "pro"):
        for interval in ("month", "year"):
            for currency in CURRENCIES:
                assert sold.agent_price(plan, interval, currency) > Money(0, currency)
                assert sold.pack_price(interval, currency) > Money(0, currency)


def test_a_vat_rate_holds_from_its_day_on() -> None:
    sold = catalogue.load()
    assert sold.vat_percent("EE", date(2025, 6, 30)) == Decimal(22)
    assert sold.vat_percent("EE", date(2025, 7, 1)) == Decimal(24)
    assert sold.vat_percent("US", date(2026, 1, 1)) is None


def test_another_plan_than_standard_and_pro_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(TEXT.replace("[plans.pro", "[plans.gold"), encoding="utf-8")
    with pytest.raises(Misconfigured, match="the plans are exactly standard and pro"):
        catalogue.load(file)
