"""The played European Central Bank publishes a sheet on working days, as the real one does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import ModuleType

import pytest
from starlette.testclient import TestClient

from domain.settings import REFERENCE_RATES, Settings, read
from webhooks.sandbox import ecb
from webhooks.sandbox.app import create_sandbox
from workers.effects.fetch_rates import MONTHS, TODAY
from workers.effects.fetch_rates import read as sheets_of


@pytest.fixture
def bank(frozen_clock: ModuleType) -> Iterator[TestClient]:
    with TestClient(create_sandbox(None, seed=7)) as client:
        yield client


@pytest.mark.parametrize(
    "at, day",
    [
        (datetime(2026, 3, 2, 14, 59, tzinfo=UTC), date(2026, 2, 27)),
        (datetime(2026, 3, 2, 15, 0, tzinfo=UTC), date(2026, 3, 2)),
        (datetime(2026, 3, 8, 23, 0, tzinfo=UTC), date(2026, 3, 6)),
    ],
)
def test_the_newest_sheet_is_that_of_the_last_working_day(
    bank: TestClient, frozen_clock: ModuleType, at: datetime, day: date
) -> None:
    frozen_clock.travel(at)
    sheets = sheets_of(bank.get(f"/ecb/{TODAY}").content)
    assert list(sheets) == [day]
    assert {currency: str(rate) for currency, rate in sheets[day].items()} == ecb.rates(day)


def test_three_months_have_every_working_day_once(bank: TestClient) -> None:
    sheets = sheets_of(bank.get(f"/ecb/{MONTHS}").content)
    assert len(sheets) == 64
    assert all(day.weekday() < 5 for day in sheets)
    assert sheets.keys() >= sheets_of(bank.get(f"/ecb/{TODAY}").content).keys()


def test_a_rate_is_written_as_the_bank_writes_it() -> None:
    assert ecb.rates(date(2026, 3, 2)) == {
        "USD": "1.0549",
        "CZK": "24.249",
        "PLN": "4.2449",
        "GBP": "0.84949",
    }


def test_the_sandbox_plays_the_bank_for_whoever_uses_it() -> None:
    assert Settings().exchange_rates == REFERENCE_RATES
    settings = read({"BILLHOOK_SANDBOX": "http://127.0.0.1:8001"}, None)
    assert settings.exchange_rates == "http://127.0.0.1:8001/ecb"
