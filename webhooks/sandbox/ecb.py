"""The played European Central Bank: a sheet of reference rates for every working day.

The rates are invented; the same day has the same ones. A day's sheet is there from 16:00 in
Frankfurt on, as at the bank, where that is 15:00 or 14:00 UTC; here it is always 15:00.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from webhooks.sandbox.state import Document
from webhooks.sandbox.world import World

PUBLISHED: Final = timedelta(hours=15)
DAYS: Final = 90
_RATES: Final = {"USD": (10_500, 4), "CZK": (24_200, 3), "PLN": (42_400, 4), "GBP": (84_900, 5)}
"""Around what a euro costs, in units of the last decimal place, and how many places there are."""
_SWING: Final = 250
_SHEET: Final = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" \
xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
\t<gesmes:subject>Reference rates</gesmes:subject>
\t<gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
\t<Cube>
{days}\t</Cube>
</gesmes:Envelope>
"""


def rates(day: date) -> dict[str, str]:
    """What a euro costs on a day, by currency."""
    swing = day.toordinal() * 37 % _SWING
    return {
        currency: f"{(around + swing) / 10**places:.{places}f}"
        for currency, (around, places) in _RATES.items()
    }


def working_days(world: World) -> Iterator[date]:
    """The days that have a sheet by now, the newest first."""
    last = (world.now() - PUBLISHED).date()
    days = (last - timedelta(days=number) for number in range(DAYS))
    return (day for day in days if day.weekday() < 5)


def routes(world: World) -> list[BaseRoute]:
    """The files, below ``/ecb``."""

    async def today(_request: Request) -> Response:
        return _sheet([next(working_days(world))])

    async def months(_request: Request) -> Response:
        return _sheet(list(working_days(world)))

    return [Route("/eurofxref-daily.xml", today), Route("/eurofxref-hist-90d.xml", months)]


def failure(status: int) -> Document:
    """The body of a failure that a fault makes."""
    return {"status": status}


def _sheet(days: list[date]) -> Response:
    written = "".join(f"\t\t<Cube time='{day}'>\n{_cubes(day)}\t\t</Cube>\n" for day in days)
    return Response(_SHEET.format(days=written), media_type="text/xml")


def _cubes(day: date) -> str:
    return "".join(
        f"\t\t\t<Cube currency='{currency}' rate='{rate}'/>\n"
        for currency, rate in rates(day).items()
    )
