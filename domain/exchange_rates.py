"""Exchange rates as the European Central Bank publishes them: one sheet every working day.

For taxes, EU law takes the latest rate that the bank had published when the tax fell due
(Directive 2006/112/EC, article 91), and converts other currencies through the euro.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec
from sqlalchemy import Date, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.database import Base, insert_once
from domain.money import CURRENCIES

EURO: Final = "EUR"
KEPT: Final = frozenset(CURRENCIES) - {EURO}
"""Currencies whose rates are kept."""
MOST_AGE: Final = timedelta(days=7)
"""Longer than the longest row of days without a sheet; what is older is not the latest."""
PLACES: Final = Decimal("0.000001")
"""A rate between two currencies other than the euro is rounded to this, so that whoever checks a
paper comes to the same amount with the rate that is printed."""

Sheets = Mapping[date, Mapping[str, Decimal]]
"""Day → currency → how much of it one euro costs."""


class ExchangeRate(Base):
    """How much of a currency one euro cost on a day, as decimal text."""

    __tablename__ = "exchange_rates"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    per_euro: Mapped[str]


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one currency is one of another, and the day of the sheet that says so."""

    value: Decimal
    on: date


def keep(session: Session, sheets: Sheets) -> int:
    """Keep what is sold in of the sheets; what was published once does not change. Returns how
    many rates were new."""
    rows = sorted(
        (day, currency, str(rate))
        for day, sheet in sheets.items()
        for currency, rate in sheet.items()
        if currency in KEPT
    )
    return sum(
        insert_once(session, ExchangeRate, day=day, currency=currency, per_euro=rate)
        for day, currency, rate in rows
    )


def newest(session: Session) -> date | None:
    """The day of the newest sheet."""
    return session.scalar(select(func.max(ExchangeRate.day)))


def latest(session: Session, currency: str, into: str, on: date) -> Rate | None:
    """What one ``currency`` is ``into`` another by the latest sheet of that day or before; None
    when none is known that is young enough."""
    wanted = {currency, into} - {EURO}
    statement = select(ExchangeRate).where(
        ExchangeRate.day <= on,
        ExchangeRate.day > on - MOST_AGE,
        ExchangeRate.currency.in_(wanted),
    )
    sheets: dict[date, dict[str, Decimal]] = defaultdict(lambda: {EURO: Decimal(1)})
    for row in session.scalars(statement):
        sheets[row.day][row.currency] = Decimal(row.per_euro)
    whole = [day for day, sheet in sheets.items() if wanted <= sheet.keys()]
    if not whole:
        return None
    day = max(whole)
    return Rate(value=_between(sheets[day][currency], sheets[day][into]), on=day)


def _between(currency: Decimal, into: Decimal) -> Decimal:
    return into if currency == 1 else (into / currency).quantize(PLACES).normalize()
